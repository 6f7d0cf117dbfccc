"""Workers restarted one by one under load; a second application beside the first; a state from the future."""

import threading
import time
from pathlib import Path

from agents import topics
from agents.brokers import Broker
from agents.clock import now_ms
from agents.cluster import Cluster
from agents.reader import reading
from agents.simulator import Record
from stream.marker import MARKER, Marker
from stream.slices import HOUR_MS
from stream.versions import VERSION
from tests.chaos.feed import Feed
from tests.e2e.test_commands import cxstream
from tests.e2e.traffic import population, totals
from tests.e2e.workers import Deployment, Worker, deployment

_FEED_S = 25.0


class Silence:
    """Looks ten times a second how far `cells` has come; ``longest_s`` is for how long nothing came to it."""

    def __init__(self, running: Deployment) -> None:
        self._running, self._over = running, threading.Event()
        self.longest_s = 0.0
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Silence":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        topic, known, since = self._running.settings.topic("cells"), 0, time.monotonic()
        with reading(self._running.settings.cluster) as reader:
            while not self._over.wait(0.1):
                end = sum(end for _, end in reader.ends([topic]).values())
                if end > known:
                    known, since = end, time.monotonic()
                self.longest_s = max(self.longest_s, time.monotonic() - since)


def test_a_rolling_restart_and_a_second_application_lose_nothing(kafka: Broker, tmp_path: Path) -> None:
    records = population(seed=41)[:8_000]
    (tmp_path / "blue").mkdir()
    (tmp_path / "green").mkdir()
    with deployment(kafka.bootstrap, tmp_path / "blue", 3, store="rocksdb") as blue:
        feed = Feed(kafka.bootstrap, blue.settings.topic("touchpoints"))
        thread = threading.Thread(target=feed.send, args=(records, _FEED_S))
        with Silence(blue) as silence:
            thread.start()
            for number in range(3):
                time.sleep(2)
                leaving = blue.workers.pop(0)
                assert leaving.stop() == 0, leaving.log.read_text()[-3000:]
                blue.started = number  # with the data directory of the one that went
                blue.start()
            thread.join()
        feed.close()
        blue.wait_until_read(len(records))
        print(f"rolling restart of 3 workers: at most {silence.longest_s:.1f} s without a cell")  # noqa: T201
        assert silence.longest_s < 60  # no partition waits for a worker that has gone
        counted = totals(blue)
        hours = [cell["touchpoints"] for (of, ms, _), cell in counted.items() if (of, ms) == ((), HOUR_MS)]
        assert sum(hours) == len(records)
        touchpoints = blue.settings.topic("touchpoints")
        with deployment(kafka.bootstrap, tmp_path / "green", 1, touchpoints=touchpoints) as green:
            green.wait_until_read(len(records))
            assert totals(green) == counted
            done = cxstream("compare", str(green.file), "--settings", str(blue.file))
            assert done.returncode == 0, done.stdout + done.stderr
            assert "of the same records: 0 different" in done.stdout
            feed.send(records[:1])  # known to both; one of them may not have read it yet
            assert cxstream("compare", str(green.file), "--settings", str(blue.file)).returncode == 0
        done = cxstream("compare", str(blue.file), "--settings", str(blue.file))
        assert (done.returncode, "name the settings of another" in done.stderr) == (1, True)


def test_a_topic_that_was_made_anew_is_not_passed_over(kafka: Broker, tmp_path: Path) -> None:
    records = population()[:500]
    with deployment(kafka.bootstrap, tmp_path, 1, partitions=1) as running:
        feed = Feed(kafka.bootstrap, running.settings.topic("touchpoints"))
        feed.send(records)
        feed.close()
        running.wait_until_read(len(records))
        running.workers.pop().stop()
        with topics.admin(Cluster(kafka.bootstrap)) as client:
            client.delete_topics([running.settings.topic("touchpoints")])
        time.sleep(1)
        topics.ensure(running.settings)
        worker = Worker(running, 1)
        assert worker.process.wait(60) != 0
        assert "touchpoints-0 ends at offset 0, but the state" in worker.log.read_text()


def test_a_state_of_a_later_release_ends_the_worker_before_it_reads(kafka: Broker, tmp_path: Path) -> None:
    running = Deployment(kafka.bootstrap, tmp_path, partitions=1)
    marker = Marker(VERSION + 1, -1, 0, 0, -1, 0)
    feed = Feed(kafka.bootstrap, running.settings.changelog("customers"))
    feed.send([Record(MARKER, marker.encode(), now_ms())])
    feed.close()
    worker = Worker(running, 0)
    assert worker.process.wait(60) != 0
    said = [line for line in worker.log.read_text().splitlines() if line.startswith("cxstream: ")]
    assert len(said) == 1, worker.log.read_text()
    assert f"is of version {VERSION + 1}, this worker reads up to {VERSION}" in said[0]
