"""The services of docker-compose.yml as processes on this machine: ``python -m deploy.stack``."""
