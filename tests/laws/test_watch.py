"""Laws of the watch: what it tells is what testing every rule on every segment at every moment would tell."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alert import MetricAlert
from schemas.cell import Cell, CellKey, Segment, Watermark, WatermarkKey, encode
from stream.board import Board
from stream.config import Config
from stream.counters import Counters
from stream.driver import Line
from stream.rules.rule import Condition, Of, Rule, Side
from stream.slices import RESOLUTIONS, Calendar
from tests.laws.watching import DAY, HOUR, MINUTE, SECOND, Found, Oracle, Raw, Told

START = 1_773_964_800_000
"""A midnight in UTC."""
ZONES = {"UTC": 0, "Asia/Kolkata": 19_800_000, "America/Bogota": -18_000_000}
CHANNELS = ("app", "chat", "web")


class Subject:
    """A board, fed with the cells of raw events by two partitions, which may crash after each round."""

    def __init__(self, config: Config, rules: Sequence[Rule]) -> None:
        self.config, self.rules = config, rules
        self.store: dict[bytes, bytes] = {}
        self.log: list[Line] = []
        self._cells: dict[CellKey, Counters] = {}
        self.board = Board(config, rules, self.store.get)

    def feed(self, events: Sequence[Raw], watermarks: Sequence[int]) -> None:
        touched: dict[CellKey, None] = {}
        for event in events:
            for segment in ((), (("channel", event.channel),)):
                for resolution in RESOLUTIONS:
                    start = self.config.calendar.slice_start_ms(resolution, event.time_ms)
                    key = CellKey(segment, resolution, start, CHANNELS.index(event.channel) % 2)
                    counters = self._cells.setdefault(key, {})
                    for name in ("touchpoints", f"csat:1:5:{event.score}"):
                        counters[name] = counters.get(name, 0) + event.sign
                    touched[key] = None
        offset = len(self.log)
        pairs = [(encode(key), Cell(_without_zeros(self._cells[key]), offset).encode()) for key in touched]
        pairs += [(encode(WatermarkKey(at)), Watermark(time, offset).encode()) for at, time in enumerate(watermarks)]
        self.log += [Line(offset + at, key, value) for at, (key, value) in enumerate(pairs)]
        self.board.merge(self.log[offset:], 0)

    def evaluate(self) -> list[MetricAlert]:
        alerts = self.board.evaluate(0)
        for key, value in self.board.state.changes().items():
            self.store.pop(key, None) if value is None else self.store.__setitem__(key, value)
        self.board.state.settle()
        return alerts

    def crash(self) -> None:
        self.board = Board(self.config, self.rules, self.store.get, list(self.store))
        self.board.merge(self.log, 0)


def _without_zeros(counters: Counters) -> Counters:
    return {name: number for name, number in counters.items() if number}


def as_told(alert: MetricAlert, rules: Sequence[Rule]) -> Told:
    own = dict(next(rule.labels for rule in rules if rule.alert == alert.alert))
    segment: Segment = tuple((name, value) for name, value in alert.labels.items() if name not in own)
    found = Found(alert.value, alert.samples, alert.measured, alert.low, alert.high, alert.before)
    return Told(alert.at_ms, alert.alert, segment, alert.state, alert.since_ms, found)


def assert_same(found: Sequence[Told], expected: Sequence[Told]) -> None:
    assert [told[:5] for told in found] == [told[:5] for told in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert [each is None for each in ours.found] == [each is None for each in theirs.found], (ours, theirs)
        for one, other in zip(ours.found, theirs.found, strict=True):
            assert one is None or other is None or one == pytest.approx(other, rel=1e-9, abs=1e-9), (ours, theirs)


windows = st.sampled_from(["5m", "15m", "1h", "12h", "day"])
sides: st.SearchStrategy[Side] = st.sampled_from(["above", "below"])
ofs: st.SearchStrategy[Of] = st.sampled_from(["value", "value", "change", "relative_change"])


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    metric = draw(st.sampled_from(["touchpoints", "csat_satisfied_ratio", "csat_score"]))
    side, of = draw(sides), draw(ofs)
    bounds = {"touchpoints": [1.5, 3.0, 6.0], "csat_satisfied_ratio": [0.3, 0.5, 0.8], "csat_score": [2.0, 3.0, 4.2]}
    bound = draw(st.sampled_from(bounds[metric] if of == "value" else [-0.5, -0.1, 0.0, 0.3, 1.0]))
    back = draw(st.sampled_from([None, 0.1, 0.5]))
    return Condition(
        metric=metric,
        window=draw(windows),
        side=side,
        bound=bound,
        recover=None if back is None else bound - back if side == "above" else bound + back,
        of=of,
        min_samples=draw(st.sampled_from([1, 1, 2, 4])),
        confidence=draw(st.sampled_from([None, 0.5, 0.8])) if of == "value" and metric.endswith("ratio") else None,
    )


@st.composite
def some_rules(draw: st.DrawFn) -> list[Rule]:
    found = []
    for number in range(draw(st.integers(1, 6))):
        first, *also = draw(st.lists(conditions(), min_size=1, max_size=2))
        of_value = all(each.of == "value" for each in (first, *also))
        place = draw(st.sampled_from(["total", "web", "by"]))
        found.append(
            Rule(
                alert=f"R{number}",
                metric=first.metric,
                window=first.window,
                condition=first.side,
                bound=first.bound,
                recover=first.recover,
                of=first.of,
                min_samples=first.min_samples,
                confidence=first.confidence,
                also=tuple(also),
                segment=(("channel", "web"),) if place == "web" else (),
                by=("channel",) if place == "by" else (),
                for_ms=draw(st.sampled_from([0, 0, 15 * SECOND, 2 * MINUTE])),
                keep_ms=draw(st.sampled_from([0, 0, 25 * SECOND, 3 * MINUTE])),
                no_data=draw(st.sampled_from(["resolve", "keep", "alert"] if of_value else ["resolve", "keep"])),
                labels=draw(st.sampled_from([(), (("team", "shop"),)])),
            )
        )
    return found


class Step:
    """Time passes, and events come: late ones, some ahead of the time that all partitions have reached, corrections."""

    def __init__(self, passes_ms: int, ahead_ms: int, events: list[tuple[int, str, int]], undone: int | None) -> None:
        self.passes_ms, self.ahead_ms, self.events, self.undone = passes_ms, ahead_ms, events, undone

    def __repr__(self) -> str:
        return f"Step({self.passes_ms}, {self.ahead_ms}, {self.events}, {self.undone})"


lengths = [5 * MINUTE, 15 * MINUTE, HOUR]
passing = st.sampled_from(
    [1, 4 * SECOND, 10 * SECOND, 33 * SECOND, MINUTE, HOUR // 3, 5 * HOUR, 30 * HOUR]
    + [times * length + 3 * SECOND for length in lengths for times in (1, 2)]
)
"""Often just as long as a window, so that what came at once is about to leave it."""
when = st.sampled_from([0, 1, -3 * SECOND, -10 * SECOND, -MINUTE, -4 * MINUTE, -50 * MINUTE, 9 * SECOND, 45 * SECOND])
events = st.lists(st.tuples(when, st.sampled_from(CHANNELS), st.integers(1, 5)), max_size=6)
steps = st.builds(
    Step, passing, st.sampled_from([0, 0, 20 * SECOND, 5 * MINUTE]), events, st.none() | st.integers(0, 30)
)


@settings(deadline=None, max_examples=120)
@given(
    rules=some_rules(),
    story=st.lists(steps, min_size=1, max_size=14),
    crashes=st.sets(st.integers(0, 13)),
    zone=st.sampled_from(list(ZONES)),
)
def test_the_watch_tells_what_testing_everything_at_every_moment_tells(
    rules: list[Rule], story: list[Step], crashes: set[int], zone: str
) -> None:
    subject = Subject(Config(segmentations=((), ("channel",)), calendar=Calendar(zone)), rules)
    oracle = Oracle(rules, ZONES[zone])
    now_ms = START + 7 * HOUR + 1_234
    for number, step in enumerate(story):
        now_ms += step.passes_ms
        new = [Raw(now_ms + at, channel, score) for at, channel, score in step.events]
        if step.undone is not None and step.undone < len(oracle.events) and oracle.events[step.undone].sign > 0:
            undone = oracle.events[step.undone]
            if undone._replace(sign=-1) not in oracle.events and undone.time_ms > now_ms - HOUR // 2:
                new.append(undone._replace(sign=-1))
        oracle.events += new
        subject.feed(new, (now_ms, now_ms + step.ahead_ms))
        at_ms = min(now_ms, subject.board.progress.latest_ms)
        expected = oracle.evaluate(max(at_ms, oracle.as_of_ms))
        found = subject.evaluate()
        assert_same([as_told(alert, rules) for alert in found], expected)
        if number in crashes:
            subject.crash()
            standing = {alert.id for alert in subject.board.watch.standing()}
            assert standing >= {alert.id for alert in found}


@pytest.mark.parametrize("seed", range(4))
def test_what_is_usual_is_learnt_as_said_and_judged_by_the_weeks_before(seed: int) -> None:
    random = Random(seed)
    zone = random.choice(list(ZONES))
    window = random.choice(["5m", "1h"])
    rules = [
        Rule("Few", "touchpoints", window, "below", -2.0, of="deviation", weeks=3, by=("channel",)),
        Rule("Many", "touchpoints", window, "above", 2.0, of="deviation", weeks=2, recover=1.0, min_samples=3),
        Rule("Sad", "csat_score", "1h", "below", -1.5, of="deviation", weeks=2, segment=(("channel", "web"),)),
    ]
    subject = Subject(Config(segmentations=((), ("channel",)), calendar=Calendar(zone)), rules)
    oracle = Oracle(rules, ZONES[zone])
    now_ms, told = START, 0
    while now_ms < START + 33 * DAY:
        before_ms, now_ms = now_ms, now_ms + random.choice([5 * HOUR, 17 * HOUR, 26 * HOUR, DAY])
        new = [
            Raw(hour_ms + random.randrange(HOUR), random.choice(CHANNELS), random.randint(1, 5))
            for hour_ms in range(before_ms, now_ms, HOUR)
            for _ in range(random.choice((1, 2, 9)) if hour_ms % DAY < 9 * HOUR else 1)
        ]
        oracle.events = [event for event in oracle.events if event.time_ms > before_ms - 2 * HOUR] + new
        subject.feed(new, (now_ms, now_ms))
        expected = oracle.evaluate(now_ms)
        assert_same([as_told(alert, rules) for alert in subject.evaluate()], expected)
        told += len(expected)
        if random.random() < 0.2:
            subject.crash()
    assert told > 10
