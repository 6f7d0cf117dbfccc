"""What travels on topics: touchpoints in, metrics, alerts, journey steps and rejected records out."""
