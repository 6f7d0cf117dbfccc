"""The ground that rules stand on: what one segment reads at one moment, each window and each metric once."""

from schemas.cell import Segment
from stream.history import History
from stream.metrics import Metric, Reading, Value, metric_of
from stream.rules.intervals import interval
from stream.rules.rule import Condition, Finding, Measure, Rule
from stream.rules.usual import Usual, hour_number, next_hour_ms
from stream.slices import DAY_MS, HOUR_MS, TEN_SECONDS_MS, Calendar
from stream.windows import Interval, Window, known_window

NEVER_MS = 1 << 62
"""After all event times."""
_FARTHEST_MS = 60 * TEN_SECONDS_MS
"""How far ahead it is looked for what comes next."""
Measured = tuple[Value | None, float | None, float | None]
"""A value, what is compared with bounds, and the value of the window before or the usual one."""


class Moment:
    """A moment at which rules are tested. ``closed``: nothing from ``now_ms`` on is seen (see ``Window.covered``).

    ``before_ms`` is when rules were tested the last time.
    """

    def __init__(self, calendar: Calendar, now_ms: int, closed: bool, before_ms: int) -> None:
        self.calendar = calendar
        self.now_ms = now_ms
        self.closed = closed
        self.base_ms = now_ms - 1 if closed else now_ms
        self.ahead_ms = now_ms if closed else now_ms - now_ms % TEN_SECONDS_MS + TEN_SECONDS_MS
        """What is of then or later may be seen now and not at the next moment, or the other way round."""
        self.is_learning = closed and next_hour_ms(calendar, before_ms) <= now_ms
        self._covered: dict[str, tuple[Interval, Interval]] = {}
        self._numbers: dict[str, int] = {}

    def covered(self, window: Window) -> tuple[Interval, Interval]:
        """What a window covers, and what the same window before it does."""
        found = self._covered.get(window.name)
        if found is None:
            start_ms, end_ms = window.covered(self.calendar, self.now_ms, self.closed)
            found = (start_ms, end_ms), window.previous(self.calendar, start_ms)
            self._covered[window.name] = found
        return found

    def hour(self, window: Window) -> int:
        """The number of the hour that most of the last hour of a window lies in."""
        if window.name not in self._numbers:
            self._numbers[window.name] = hour_number(self.calendar, self.now_ms - half_ms(window))
        return self._numbers[window.name]


def half_ms(window: Window) -> int:
    """Half of a window's length, of its last hour at most."""
    start_ms, end_ms = window.interval(_ANY, _SOME_MS)
    return min(end_ms - start_ms, HOUR_MS) // 2


_ANY, _SOME_MS = Calendar(), 365 * DAY_MS


class Ground:
    """What a segment reads at a moment."""

    __slots__ = ("_history", "_moment", "_readings", "_segment", "_usual", "_values")

    def __init__(self, history: History, usual: Usual, segment: Segment, moment: Moment) -> None:
        self._history = history
        self._usual = usual
        self._segment = segment
        self._moment = moment
        self._readings: dict[tuple[str, bool], Reading] = {}
        self._values: dict[tuple[str, bool, Metric], dict[str, Value]] = {}

    def value(self, metric: str, window: Window, before: bool = False) -> Value | None:
        """A value over the window, or over the same one ``before`` it; None where there is no data."""
        by = metric_of(metric)
        found = self._values.get((window.name, before, by))
        if found is None:
            found = self._values[window.name, before, by] = by.read(self._reading(window, before))
        return found.get(metric)

    def _reading(self, window: Window, before: bool) -> Reading:
        found = self._readings.get((window.name, before))
        if found is None:
            start_ms, end_ms = self._moment.covered(window)[before]
            previous_ms = window.before_ms(self._moment.calendar, start_ms)
            found = self._history.read(self._segment, start_ms, end_ms, window.by_day, previous_ms)
            self._readings[window.name, before] = found
        return found

    def measured(self, measure: Measure, window: Window, weeks: int = 0) -> Measured:
        """What is compared with bounds. A change rests on the fewer samples of the two windows."""
        value = self.value(measure.metric, window)
        if measure.of == "value" or value is None:
            return value, None if value is None else value.value, None
        if measure.of == "deviation":
            usual = self._usual.usual(measure, self._segment, self._moment.hour(window), weeks)
            return (value, None, None) if usual is None else (value, (value.value - usual[0]) / usual[1], usual[0])
        earlier = self.value(measure.metric, window, before=True)
        if earlier is None or (measure.of == "relative_change" and not earlier.value):
            return value, None, None
        change = value.value - earlier.value
        resting = value if value.samples <= earlier.samples else Value(value.value, earlier.samples)
        return resting, change if measure.of == "change" else change / abs(earlier.value), earlier.value

    def findings(self, rule: Rule) -> list[Finding]:
        """What the conditions of a rule find."""
        return [self._finding(each) for each in rule.conditions]

    def _finding(self, condition: Condition) -> Finding:
        window = known_window(condition.window)
        value, measured, before = self.measured(condition.measure, window, condition.weeks)
        bounds = None
        if condition.confidence is not None and value is not None:
            bounds = interval(condition.metric, value, self._reading(window, before=False), condition.confidence)
        low, high = bounds or (None, None)
        return Finding(value, measured, low, high, before)

    def learn(self, measure: Measure, window: Window) -> None:
        """An hour is over: remember what there was at its end, where it rests on enough."""
        value = self.value(measure.metric, window)
        if value is not None and value.samples >= measure.least:
            self._usual.learn(measure, self._segment, self._moment.hour(window), value.value)

    def wake_ms(self, window: Window, has_change: bool, learns: bool) -> int:
        """Until when a window reads the same if nothing comes, or some time before that.

        After a closed moment, that is for closed ones alone where something ``is_ahead``.
        """
        moment, calendar = self._moment, self._moment.calendar
        if self.is_ahead and not moment.closed:
            return moment.ahead_ms
        wake_ms = self._leaves_ms(window, has_change)
        if self.is_ahead:
            wake_ms = min(wake_ms, self._enters_ms())
        if learns:
            half = half_ms(window)
            learning_ms, judging_ms = (next_hour_ms(calendar, moment.now_ms - back_ms) for back_ms in (0, half))
            wake_ms = min(wake_ms, learning_ms, judging_ms + half)
        return wake_ms

    @property
    def is_ahead(self) -> bool:
        """Whether there may be data that closed moments see later than open ones, which see all of a slice."""
        return self._history.furthest_ms(self._segment) >= self._moment.ahead_ms

    def _enters_ms(self) -> int:
        """The first closed moment that sees more, or one before it."""
        start_ms = self._moment.ahead_ms
        end_ms = min(self._history.furthest_ms(self._segment) + TEN_SECONDS_MS, start_ms + _FARTHEST_MS)
        found = self._history.oldest_ms(self._segment, TEN_SECONDS_MS, start_ms, end_ms)
        return end_ms if found is None else found + TEN_SECONDS_MS

    def _leaves_ms(self, window: Window, has_change: bool) -> int:
        """When the first slice with data leaves the window, or may: those of days and hours are not all as long."""
        base_ms, calendar = self._moment.base_ms, self._moment.calendar
        if window.slice_ms >= HOUR_MS:
            return calendar.slice_end_ms(window.slice_ms, calendar.slice_start_ms(window.slice_ms, base_ms))
        (start_ms, end_ms), (before_ms, _) = self._moment.covered(window)
        length_ms = start_ms - before_ms
        oldest_ms = self._history.oldest_ms(self._segment, window.slice_ms, start_ms, end_ms)
        wake_ms = NEVER_MS if oldest_ms is None else oldest_ms + length_ms
        if has_change:
            earliest_ms = self._history.oldest_ms(self._segment, window.slice_ms, before_ms, start_ms)
            wake_ms = wake_ms if earliest_ms is None else min(wake_ms, earliest_ms + 2 * length_ms)
        return wake_ms
