"""A worker with micro-batches of another size: ``CXSTREAM_BENCH_BATCH`` records at most. In place of ``agents.cli``."""

import os

from agents import worker
from agents.cli import main

if __name__ == "__main__":
    worker._MOST_RECORDS = int(os.environ["CXSTREAM_BENCH_BATCH"])
    main()
