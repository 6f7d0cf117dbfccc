"""``python -m tests.chaos --seed 1 --minutes 3``: one run; a line of JSON, and the differences on stderr."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from tests.chaos.run import Plan, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--module", default="agents.cli", help="what runs a worker")
    parser.add_argument("--folder", type=Path, help="where settings, state and the workers' logs are kept")
    given = parser.parse_args()
    report = asyncio.run(run(Plan(given.seed, given.minutes, module=given.module, folder=given.folder)))
    for difference in report.verdict.differences:
        sys.stderr.write(f"{difference}\n")
    sys.stdout.write(f"{json.dumps(report.line())}\n")
    return 0 if report.verdict.equal else 1


sys.exit(main())
