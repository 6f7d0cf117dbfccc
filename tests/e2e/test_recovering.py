"""For how long a worker has waited for its partitions, as Prometheus sees it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.brokers import Broker
from tests.e2e.workers import Deployment, Worker, deployment


@pytest.fixture
def running(embedded: Broker, tmp_path: Path) -> Iterator[Deployment]:
    with deployment(embedded.bootstrap, tmp_path, 0, partitions=1) as found:
        yield found


def waited_s(worker: Worker) -> float:
    """For how long, while it answers; less than 0 before that."""
    try:
        return worker.samples("cx_recovering_seconds")["cx_recovering_seconds", ()]
    except OSError:
        return -1.0


def test_a_worker_waits_until_it_is_ready_also_where_there_is_no_partition_for_it(running: Deployment) -> None:
    running.workers = [Worker(running, number) for number in range(2)]
    waited: list[float] = []

    def both_ready() -> bool:
        waited.extend(map(waited_s, running.workers))
        return all(worker.is_ready() for worker in running.workers)

    running.wait(both_ready, "both are ready")
    assert max(waited) > 0
    running.wait(lambda: [waited_s(worker) for worker in running.workers] == [0, 0], "nobody waits")
    running.wait(lambda: running.lag() == 0, "one of them has the partition")
