"""Runbooks of what people who run it do: every command of each, in order, as it is written there, under load."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import json

from agents.brokers import Broker
from agents.settings import DEFAULT_RULES, load
from agents.simulator import Record
from tests.chaos.feed import Feed
from tests.e2e.disk import Disk, small_disk
from tests.e2e.test_commands import cxstream
from tests.e2e.test_refusals import configure
from tests.e2e.traffic import population, send
from tests.e2e.workers import Deployment, Worker, deployment, free_port

PAGES = Path(__file__).parents[2] / "docs" / "runbooks" / "tasks"
RECORDS = 6_000


@contextmanager
def followed(page: str, folder: Path, environment: Mapping[str, str], seconds: float = 150) -> Iterator[str]:
    """What the commands of a page say, one after the other in one shell; what they start ends with it.

    A command that fails ends the page, and the test.
    """
    text = (PAGES / f"{page}.md").read_text()
    script = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    own = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **environment}
    said = folder / f"{page}.log"
    with said.open("wb") as out:
        shell = subprocess.Popen(
            ["bash", "-euxo", "pipefail", "-c", script],
            cwd=folder,
            env=own,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        code = shell.wait(seconds)
        assert code == 0, said.read_text()[-3000:]
        yield said.read_text()
    except subprocess.TimeoutExpired:
        pytest.fail(f"{page} takes too long:\n{said.read_text()[-3000:]}")
    finally:
        _end(shell)


def _end(shell: "subprocess.Popen[bytes]") -> None:
    """End all that the shell has started."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(shell.pid, how)
        except ProcessLookupError:
            return
        shell.poll()
        time.sleep(2)


@contextmanager
def fed(running: Deployment, records: list[Record], seconds: float) -> Iterator[None]:
    """Half of the records are there, and the others come meanwhile."""
    half = len(records) // 2
    running.wait_until_read(send(running, records[:half]))
    feed = Feed(running.settings.bootstrap, running.settings.topic("touchpoints"))
    thread = threading.Thread(target=feed.send, args=(records[half:], seconds))
    thread.start()
    try:
        yield
    finally:
        thread.join()


def counted(file: Path) -> int:
    """Touchpoints in all cells of the simulated day."""
    asked = ("--from", "2026-03-20", "--to", "2026-03-21", "--metric", "touchpoints", "--format", "json")
    done = cxstream("metrics", *asked, "--settings", str(file))
    assert done.returncode == 0, done.stderr
    (found,) = json.decode(done.stdout)
    return int(found["value"] or 0)


def wait_until_counted(file: Path, records: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while counted(file) != records:
        assert time.monotonic() < end, f"{counted(file)} of {records} are counted"
        time.sleep(1)


def variables(running: Deployment, worker: Worker | None = None) -> dict[str, str]:
    """What the pages go by."""
    new = {"NEW_PORT": str(free_port()), "NEW_DATA": str(running.folder / "new")}
    own = {"CXSTREAM_SETTINGS": str(running.file), "PROMETHEUS": "127.0.0.1:9"}
    if worker is None:
        return {**own, **new}
    data = running.folder / str(running.workers.index(worker))
    of = {"PID": str(worker.process.pid), "PORT": str(worker.port), "DATA": str(data)}
    return {**own, **new, **of, "WORKER": f"127.0.0.1:{worker.port}"}


def test_a_worker_comes_and_goes(kafka: Broker, tmp_path: Path) -> None:
    records = population(seed=61)[:RECORDS]
    with deployment(kafka.bootstrap, tmp_path, 1, store="rocksdb") as running, fed(running, records, 15):
        with followed("scale-out", tmp_path, variables(running)) as said:
            assert said.count("touchpoints") >= 3
        wait_until_counted(running.file, RECORDS)


def test_all_is_counted_anew_in_more_partitions(kafka: Broker, tmp_path: Path) -> None:
    records = population(seed=62)[:RECORDS]
    (tmp_path / "blue").mkdir()
    shutil.copy(DEFAULT_RULES, tmp_path / "blue" / "own.yaml")
    # Lists in lines of their own, and a file that lies beside the settings.
    source = f"chat-{secrets.token_hex(3)}"
    listed = {"sources": [source], "segments": [["channel"], ["region"]], "rules": "own.yaml"}
    with deployment(kafka.bootstrap, tmp_path / "blue", 1, partitions=2, **listed) as blue, fed(blue, records, 10):
        assert f"\nsources:\n- {source}\n" in blue.file.read_text()
        names = {"GREEN": f"{blue.settings.id}-green", "TOUCHPOINTS": blue.settings.topic("touchpoints")}
        with followed("replay", tmp_path, variables(blue) | names):
            wait_until_counted(blue.file, RECORDS)
            green = tmp_path / "blue" / "green.yaml"
            wait_until_counted(green, RECORDS)
            second = load(green, {})
            assert (second.rules, second.config) == (blue.settings.rules, blue.settings.config)
            assert (second.sources, second.partitions) == ((names["TOUCHPOINTS"],), 8)
            compared = cxstream("compare", str(green), "--settings", str(blue.file))
            assert compared.returncode == 0, compared.stdout


def test_a_worker_is_replaced_while_the_other_goes_on(kafka: Broker, tmp_path: Path) -> None:
    records = population(seed=63)[:RECORDS]
    with (
        deployment(kafka.bootstrap, tmp_path, 2, store="rocksdb") as running,
        fed(running, records, 10),
        reaped(running.workers[0]),
        followed("upgrade", tmp_path, variables(running, running.workers[0])),
    ):
        wait_until_counted(running.file, RECORDS)


@contextmanager
def reaped(worker: Worker) -> Iterator[None]:
    """Until its parent asks how it ended, a process that has ended seems to be there."""
    thread = threading.Thread(target=worker.process.wait)
    thread.start()
    yield
    thread.join()


def test_a_full_disk_is_made_room_on(kafka: Broker, tmp_path: Path) -> None:
    records = population(seed=64)[:RECORDS]
    with small_disk(tmp_path / "0") as disk:
        running = Deployment(kafka.bootstrap, tmp_path, partitions=2, store="rocksdb")
        try:
            running.start()
            (worker,) = running.workers
            running.wait_until_read(send(running, records[: RECORDS // 2]))
            disk.fill(worker.process.pid)
            send(running, records[RECORDS // 2 :])
            running.wait(worker.trouble, "the worker says that it is stalled")
            with made_room(disk, worker), followed("disk-full", tmp_path, variables(running, worker)) as said:
                assert "takes no writes" in said
            wait_until_counted(running.file, RECORDS)
        finally:
            running.stop()


@contextmanager
def made_room(disk: Disk, worker: Worker) -> Iterator[None]:
    """Where there is no file system of its own that is full, the limit of a file's size goes with the file."""
    filler = disk.folder / "filler"
    if filler.exists():
        yield
        return
    filler.touch()

    def watch() -> None:
        while filler.exists():
            time.sleep(0.1)
        disk.free(worker.process.pid)

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    thread.join()


def test_a_stuck_partition_goes_on(kafka: Broker, tmp_path: Path) -> None:
    records = population(seed=65)[:RECORDS]
    with deployment(kafka.bootstrap, tmp_path, 2, partitions=2) as running:
        running.wait_until_read(send(running, records[:-200]))
        configure(running, running.settings.changelog("customers"), max_message_bytes="300")
        send(running, records[-200:])
        stuck = running.workers[0]
        running.wait(stuck.trouble, "a worker says that it is stalled")
        with followed("stuck-partition", tmp_path, variables(running, stuck)) as said:
            assert "max.message.bytes" in said
            running.workers.remove(stuck)
            wait_until_counted(running.file, RECORDS)
