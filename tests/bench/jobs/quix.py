"""The small job in Quix Streams."""

import os
import tempfile
from datetime import timedelta

from quixstreams import Application
from quixstreams.dataframe.windows.aggregations import Count, Sum
from stopwatch import BOOTSTRAP, TOPIC, count, finish

app = Application(
    broker_address=BOOTSTRAP,
    consumer_group=f"bench-{os.getpid()}",
    auto_offset_reset="earliest",
    loglevel="ERROR",
    state_dir=tempfile.mkdtemp(),
    commit_interval=5,
)
windows: dict[tuple[str, int], tuple[int, int]] = {}
over: list[bool] = []


def keep(value, key, timestamp, headers):
    windows[key.decode() if isinstance(key, bytes) else key, value["start"] // 60_000] = (value["total"], value["n"])
    end()


def end():
    if over:
        finish(windows)
        os._exit(0)


def seen(value):
    if count():
        over.append(True)
        if "csat" not in value:
            end()


topic = app.topic(TOPIC, value_deserializer="json", timestamp_extractor=lambda value, *_: value["ts"])
frame = app.dataframe(topic).update(seen)
frame = frame.filter(lambda value: "csat" in value).apply(lambda value: value["csat"])
frame = frame.tumbling_window(timedelta(minutes=1)).agg(total=Sum(), n=Count()).current()
frame.update(keep, metadata=True)
app.run()
