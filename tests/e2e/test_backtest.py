"""A backtest on a broker: what is kept in `cells`, and what the topic of touchpoints still has, tell the same."""

from pathlib import Path

import orjson
from kafka import KafkaProducer

from agents.brokers import Broker
from agents.simulator import Incident, Kind, Population, encode
from stream.cellmail import mail
from stream.config import Config
from stream.driver import Driver
from stream.slices import MINUTE_MS
from tests.e2e.test_commands import assert_refused, cxstream
from tests.e2e.workers import Deployment

START = 1_773_964_800_000
RULES = """\
rules:
  - {alert: Fails, metric: payment_failure_ratio, window: 5m, above: 0.3, min_samples: 5, by: [channel], for: 1m}
  - {alert: Unusual, metric: touchpoints, window: 1h, deviation: {above: 3}}
"""


def filled(deployed: Deployment) -> None:
    """Half an hour in which the web checkout breaks, and the cells that workers make of it."""
    broken = Incident(Kind.BROKEN_CHECKOUT, START + 10 * MINUTE_MS, START + 20 * MINUTE_MS)
    records = list(encode(Population(2, 200, START, 30 * MINUTE_MS, incidents=[broken])))
    driver = Driver(Config(), partitions=2)
    driver.feed([(record.key, record.value) for record in records], records[-1].time_ms)
    producer = KafkaProducer(bootstrap_servers=deployed.settings.bootstrap, linger_ms=20)
    for record in records:
        producer.send(deployed.settings.topic("touchpoints"), record.value, record.key)
    for partition, folded in enumerate(driver.folded):
        for number, pairs in mail(folded, partition, 2, 0).items():
            for key, value in pairs:
                producer.send(deployed.settings.topic("cells"), value, key, partition=number)
    producer.flush()
    producer.close()


def test_cells_and_touchpoints_tell_the_same_where_all_is_kept(embedded: Broker, tmp_path: Path) -> None:
    deployed = Deployment(embedded.bootstrap, tmp_path, partitions=2)
    rules = tmp_path / "backtest.yaml"
    rules.write_text(RULES)
    command = ("rules", "backtest", str(rules), "--settings", str(deployed.file), "--format", "json")
    assert_refused(cxstream(*command), "no touchpoint has been counted yet")
    filled(deployed)
    on_cells, exact = cxstream(*command), cxstream(*command, "--touchpoints")
    assert (on_cells.returncode, exact.returncode) == (0, 0), on_cells.stderr + exact.stderr
    assert "not tested: Unusual" in on_cells.stderr
    (seen,), (told,) = (orjson.loads(each.stdout)["alerts"] for each in (on_cells, exact))
    assert (seen["labels"], seen["times"]) == (told["labels"], told["times"]) == ({"channel": "web"}, 1)
    assert abs(seen["first"] - told["first"]) <= 10_000
    assert abs(seen["total_seconds"] - told["total_seconds"]) <= 20
