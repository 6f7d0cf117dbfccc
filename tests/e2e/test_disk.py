"""A full disk: the worker stops, says why, loses nothing, and goes on by itself once there is space."""

import shutil
import signal
from pathlib import Path

from agents.brokers import Broker
from tests.e2e.disk import small_disk
from tests.e2e.traffic import population, send, totals
from tests.e2e.workers import Deployment, Worker, deployment


def stalled_by_disk(worker: Worker) -> float:
    return worker.samples()["cx_stalled_seconds", (("by", "disk"),)]


def has_said(worker: Worker) -> str:
    try:
        return worker.trouble("/readyz")
    except OSError:
        return ""


def lag(worker: Worker) -> float:
    return sum(value for (name, labels), value in worker.samples().items() if name == "cx_lag_records")


def test_a_full_disk_stops_a_worker_until_there_is_space(kafka: Broker, tmp_path: Path) -> None:
    records = population(seed=11)[:6_000]
    third = len(records) // 3
    (tmp_path / "clean").mkdir()
    (tmp_path / "full").mkdir()
    with deployment(kafka.bootstrap, tmp_path / "clean", 1, partitions=2) as clean:
        clean.wait_until_read(send(clean, records))
        expected = totals(clean)
    with small_disk(tmp_path / "full" / "0") as disk:
        running = Deployment(kafka.bootstrap, tmp_path / "full", partitions=2, store="rocksdb")
        try:
            running.start()
            worker = running.workers[0]
            running.wait_until_read(send(running, records[:third]))
            disk.fill(worker.process.pid)
            send(running, records[third : 2 * third])
            running.wait(worker.trouble, "the worker says that it is stalled")
            assert "takes no writes" in worker.trouble()
            assert str(disk.folder) in worker.trouble("/readyz")
            assert stalled_by_disk(worker) > 5
            before = lag(worker)
            assert before > 0
            send(running, records[2 * third :])
            running.wait(lambda: lag(worker) >= before + third, "lag is shown")
            disk.free(worker.process.pid)
            running.wait_until_read(len(records))
            assert worker.trouble() == ""
            assert stalled_by_disk(worker) == 0
            assert totals(running) == expected
            # What reached the disk is whole, too: whoever goes on from there comes to the same.
            worker.stop(signal.SIGKILL)
            running.workers.clear()
            send(running, records[:third])  # all of them known
            running.started = 0  # the same data directory
            running.start()
            running.wait_until_read(len(records) + third)
            assert running.total("cx_touchpoints_duplicate_total") == third
            assert totals(running) == expected
        finally:
            running.stop()


def test_state_is_restored_to_a_full_disk_once_there_is_space(kafka: Broker, tmp_path: Path) -> None:
    records = population(seed=12)[:6_000]
    with small_disk(tmp_path / "0") as disk:
        running = Deployment(kafka.bootstrap, tmp_path, partitions=2, store="rocksdb")
        try:
            running.start()
            running.wait_until_read(send(running, records))
            expected = totals(running)
            running.workers.pop().stop(signal.SIGKILL)
            # the databases are there, and empty: all comes from the changelog
            for folder in disk.folder.glob("*/*"):
                shutil.rmtree(folder)
            worker = Worker(running, 0)
            disk.fill(worker.process.pid)
            running.workers.append(worker)
            running.wait(lambda: "takes no writes" in has_said(worker), "the worker says that it is stalled", 120)
            disk.free(worker.process.pid)
            running.wait(worker.is_ready, "the worker is ready")
            send(running, records[-100:])
            running.wait_until_read(len(records) + 100)
            assert running.total("cx_touchpoints_duplicate_total") == 100
            assert totals(running) == expected
        finally:
            running.stop()
