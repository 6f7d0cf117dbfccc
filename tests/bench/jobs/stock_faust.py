"""The small job in stock Faust."""

import asyncio
import os
import sys
import tempfile

import faust
from stopwatch import BOOTSTRAP, TOPIC, count, finish

app = faust.App(
    f"bench-{os.getpid()}",
    broker=f"kafka://{BOOTSTRAP}",
    store="memory://",
    topic_partitions=4,
    web_enabled=False,
    datadir=tempfile.mkdtemp(),
    consumer_auto_offset_reset="earliest",
    stream_wait_empty=False,
)
table = app.Table("w", default=list, partitions=4)
windowed = table.tumbling(60, expires=3600).relative_to(  # type: ignore[attr-defined]  # its own types do not know it
    lambda event: event.value["ts"] / 1000
)
windows: dict[tuple[str, int], tuple[int, int]] = {}


@app.agent(app.topic(TOPIC, value_serializer="json"))
async def scores(stream):
    async for key, event in stream.items():
        score = event.get("csat")
        if score is not None:
            total, n = windowed[key].value() or (0, 0)
            windowed[key] = [total + score, n + 1]
            windows[key.decode(), event["ts"] // 60_000] = (total + score, n + 1)
        if count():
            finish(windows)
            await asyncio.sleep(0)
            os._exit(0)


if __name__ == "__main__":
    sys.argv[1:] = ["worker", "-l", "warn"]
    app.main()
