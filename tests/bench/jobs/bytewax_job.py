"""The small job in Bytewax."""

from datetime import UTC, datetime, timedelta

import bytewax.operators as op
import bytewax.operators.windowing as win
import orjson
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, run_main
from stopwatch import BOOTSTRAP, TOPIC, count, finish


def scored(message):
    count()
    event = orjson.loads(message.value)
    return (message.key.decode(), event) if "csat" in event else None


START = datetime(2023, 1, 1, tzinfo=UTC)
closed: list = []
flow = Dataflow("bench")
source = op.input("in", flow, KafkaSource([BOOTSTRAP], [TOPIC], tail=False, batch_size=2000))
clock = win.EventClock(lambda event: datetime.fromtimestamp(event["ts"] / 1000, UTC), timedelta(seconds=10))
tumbling = win.TumblingWindower(length=timedelta(minutes=1), align_to=START)
out = win.fold_window(
    "w",
    op.filter_map("scored", source, scored),
    clock,
    tumbling,
    lambda: [0, 0],
    lambda total, event: [total[0] + event["csat"], total[1] + 1],
    lambda one, other: [one[0] + other[0], one[1] + other[1]],
)
op.output("out", out.down, TestingSink(closed))
run_main(flow)
first = int(START.timestamp()) // 60
finish({(key, first + number): tuple(total) for key, (number, total) in closed})
