"""``python -m agents.cli``: the command `cxstream`."""

from agents.cli import main

main()
