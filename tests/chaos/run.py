"""A chaos run: the events of a seed without faults and with them, and the verdict."""

import asyncio
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.chaos import faults, outcome, truth
from tests.chaos.cluster import ProxiedKafka
from tests.chaos.feed import Feed
from tests.chaos.fleet import Fleet
from tests.chaos.outcome import Outcome
from tests.chaos.rules import rules
from tests.chaos.story import Story, tell
from tests.chaos.verdict import Verdict, judge
from tests.e2e.workers import Deployment

_SEGMENTS = [["channel"], ["segment"], ["region"], ["product"], ["channel", "region"]]


@dataclass(frozen=True)
class Plan:
    """``module`` runs a worker; the project's own, or one that is broken on purpose. ``points``: chances of faults."""

    seed: int
    minutes: float
    events_per_second: float = 200.0
    module: str = "agents.cli"
    points: Mapping[str, float] = field(default_factory=lambda: faults.POINTS)
    folder: Path | None = None


@dataclass(frozen=True)
class Report:
    """What is printed, and all differences."""

    seed: int
    events: int
    faults: dict[str, int]
    verdict: Verdict

    def line(self) -> dict[str, object]:
        found = self.verdict
        return {
            "seed": self.seed,
            "events": self.events,
            "faults": self.faults,
            "kills": sum(number for kind, number in self.faults.items() if kind.startswith("kill")),
            "lost": found.lost,
            "doubled": found.doubled,
            "equal": found.equal,
        }


async def run(plan: Plan) -> Report:
    """Both runs, one after the other, on one broker."""
    story = tell(plan.seed, plan.minutes, plan.events_per_second)
    broker = ProxiedKafka(faults.PLACES, Random(f"{plan.seed} weather"))
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = plan.folder or temporary
        try:
            await asyncio.to_thread(broker.start)
            for proxy in broker.proxies:
                await proxy.start()
            _say(plan, f"{len(story.records)} records, {dict(story.added)}")
            calm = await asyncio.to_thread(_calm, _deploy(plan, story, broker, Path(folder, "calm")), story)
            conductor = Conductor(plan, story, broker, _deploy(plan, story, broker, Path(folder, "rough")))
            rough = await conductor.run()
        finally:
            for proxy in broker.proxies:
                await proxy.stop()
            await asyncio.to_thread(broker.stop)
    verdict = judge(conductor.deployment.settings.config, calm, rough, story.events)
    _say(plan, f"older values sent after newer ones: {dict(rough.stale)}")
    for jump in rough.jumps:
        _say(plan, f"jump {jump}")
    verdict.differences.extend(truth.differences(conductor.deployment.settings.config, rough, story.events))
    return Report(plan.seed, len(story.events), dict(sorted(conductor.happened.items())), verdict)


def _deploy(plan: Plan, story: Story, broker: ProxiedKafka, folder: Path) -> Deployment:
    folder.mkdir()
    (folder / "rules.yaml").write_text(rules(len(story.events)))
    return Deployment(
        broker.bootstrap,
        folder,
        session_seconds=faults.SESSION_S,
        segments=_SEGMENTS,
        rules="rules.yaml",
        store=("memory", "rocksdb")[plan.seed % 2],
    )


def _calm(deployment: Deployment, story: Story) -> Outcome:
    feed = Feed(deployment.settings.bootstrap, deployment.settings.topic("touchpoints"))
    feed.send(story.records)
    return _conclude(deployment, feed, story, 1)


def _conclude(deployment: Deployment, feed: Feed, story: Story, workers: int) -> Outcome:
    """Fresh workers read all there is; then comes the end of the story, and they end before its windows have passed."""
    try:
        deployment.start(workers)
        deployment.wait_until_read(len(story.records))
        feed.send(story.closing)
        deployment.wait_until_read(len(story.records) + len(story.closing))
        time.sleep(1.5)
    finally:
        feed.close()
        for worker in deployment.workers:
            worker.stop(signal.SIGKILL)
    return outcome.read(deployment.settings)


class Conductor:
    """The run with faults. ``happened`` counts them."""

    def __init__(self, plan: Plan, story: Story, broker: ProxiedKafka, deployment: Deployment) -> None:
        self.deployment = deployment
        self.happened: Counter[str] = Counter()
        self._plan, self._story, self._broker = plan, story, broker
        self._feed = Feed(deployment.settings.bootstrap, deployment.settings.topic("touchpoints"))
        self._fleet = Fleet(deployment, broker, plan.module, faults.points(plan.seed, plan.points))

    async def run(self) -> Outcome:
        try:
            self._fleet.wanted.add(0)
            keeper = asyncio.create_task(self._keep())
            feeding = asyncio.create_task(
                asyncio.to_thread(self._feed.send, self._story.records, 60 * self._plan.minutes)
            )
            await self._befall()
            await feeding
            keeper.cancel()
        finally:
            self._fleet.end()
        self.happened += self._fleet.happened
        _say(self._plan, f"faults are over: {dict(self.happened)}")
        return await asyncio.to_thread(_conclude, self.deployment, self._feed, self._story, 2)

    async def _keep(self) -> None:
        while True:
            self._fleet.keep()
            await asyncio.sleep(0.3)

    async def _befall(self) -> None:
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for fault in faults.plan(self._plan.seed, self._plan.minutes):
                await asyncio.sleep(began + fault.at_s - time.monotonic())
                _say(self._plan, f"{fault.at_s:6.1f} s {fault.kind} {fault.place} {fault.for_s:.1f}")
                group.create_task(self._one(fault))

    async def _one(self, fault: faults.Fault) -> None:
        fleet, place = self._fleet, fault.place
        if fault.kind not in ("add", "remove"):
            place = fleet.alive(place)
        match fault.kind:
            case "add":
                fleet.wanted.add(place)
                self.happened["add"] += 1
            case "remove":
                fleet.remove(place)
                self.happened["remove"] += 1
            case "kill":
                self.happened["kill"] += fleet.kill(place)
            case "pause":
                self.happened["pause"] += fleet.signal(place, signal.SIGSTOP)
            case "broker":
                self.happened["broker"] += 1
                await asyncio.to_thread(self._crash_broker, fault.for_s)
            case _:
                self.happened[fault.kind] += 1
                await self._weather(fault, place)

    async def _weather(self, fault: faults.Fault, place: int) -> None:
        weather = self._broker.proxies[place].weather
        if fault.kind == "silence":
            weather.open.clear()
        elif fault.kind == "slow":
            weather.delay_s = 0.15
        else:
            weather.loss = 0.02
        await asyncio.sleep(fault.for_s)
        weather.clear()

    def _crash_broker(self, down_s: float) -> None:
        with self._feed.sending:
            self._feed.close()
            self._broker.kill()
            time.sleep(down_s)
            self._broker.start()


def _say(plan: Plan, text: str) -> None:
    print(f"seed {plan.seed}: {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)  # noqa: T201
