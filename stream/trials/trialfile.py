"""Trials of rules from YAML: every mistake at once, each with its line and what to do. See docs/rules.md."""

import re
from collections.abc import Callable, Sequence

from yaml.nodes import MappingNode, Node

from schemas.cell import Segment
from stream.config import Config
from stream.friction import SIGNALS
from stream.mapping.nodes import Mistakes, choice, entries, items, suggestion, text
from stream.metrics import UNITS
from stream.rules.rule import Rule
from stream.slices import DAY_MS, MINUTE_MS, UNITS_MS
from stream.spans import RangeError, moment
from stream.trials.events import given, read_lines
from stream.trials.rehearsal import Timed
from stream.trials.series import expanded
from stream.trials.trial import Course, Expected, Grief, Look, Standing, Trial, is_share

_KEYS = ("name", "start", "series", "events", "events_file", "expect")
_SERIES_KEYS = ("metric", "window", "where", "step", "values", "samples", "before", "spread")
_STANDINGS: dict[str, Standing] = {"firing": "firing", "pending": "pending", "resolved": "resolved"}
_LATEST_MS = 400 * DAY_MS
"""How long after the start may be looked at."""
_START = "2026-01-05"
"""A Monday."""
ReadFile = Callable[[str], str]


def line_of(node: Node) -> int:
    """The line that a node begins on."""
    return int(node.start_mark.line) + 1


def duration_ms(node: Node, what: str, mistakes: Mistakes) -> int:
    """A length of time such as `90s` or `1h30m`; 0 is `0`."""
    written = text(node, what, mistakes)
    if re.fullmatch(r"0|(?:[0-9]{1,7}[smhd])+", written):
        return sum(int(number) * UNITS_MS[unit] for number, unit in re.findall(r"([0-9]+)([smhd])", written))
    if written:
        mistakes.add(node, f"{what} must be a length of time such as 90s, 25m or 1h30m, not `{written}`")
    return 0


class TrialFile:
    """Trials over some rules. ``read`` gives the text of a file beside the one that is read, or raises ConfigError."""

    def __init__(self, config: Config, rules: Sequence[Rule], read: ReadFile, mistakes: Mistakes) -> None:
        self._config = config
        self._rules = rules
        self._read = read
        self._mistakes = mistakes

    def trial(self, node: Node) -> Trial:
        """One item of the list `tests:`."""
        found = entries(node, "a test", self._mistakes, _KEYS)
        if ("series" in found) == ("events" in found or "events_file" in found):
            self._mistakes.add(node, "a test needs either `series:`, or `events:` or `events_file:`")
        if "expect" not in found:
            self._mistakes.add(node, "a test needs `expect:`")
        start_ms = self._start_ms(found)
        events: list[Timed] = []
        for each in items(found["events"]) if "events" in found else ():
            events += given(each, start_ms, len(events), self._config, self._mistakes, duration_ms)
        if "events_file" in found:
            name = text(found["events_file"], "`events_file`", self._mistakes)
            lines = self._read(name) if name else ""
            events += read_lines(found["events_file"], lines, self._config, self._mistakes)
        return Trial(
            name=text(found["name"], "`name`", self._mistakes) if "name" in found else f"line {line_of(node)}",
            start_ms=start_ms,
            looks=tuple(self._look(each, start_ms) for each in (items(found["expect"]) if "expect" in found else ())),
            courses=tuple(self._course(each) for each in (items(found["series"]) if "series" in found else ())),
            events=tuple(sorted(events, key=lambda event: event[0])),
            line=line_of(node),
        )

    def _start_ms(self, found: dict[str, Node]) -> int:
        calendar = self._config.calendar
        if "start" not in found:
            return moment(_START, calendar)[0]
        written = text(found["start"], "`start`", self._mistakes)
        try:
            return moment(written, calendar)[0] if written else 0
        except RangeError as error:
            self._mistakes.add(found["start"], f"`start`: {error}")
            return 0

    def _course(self, node: Node) -> Course:
        mistakes = self._mistakes
        found = entries(node, "a series", mistakes, _SERIES_KEYS)
        for key in ("metric", "window", "values"):
            if key not in found:
                mistakes.add(node, f"a series needs `{key}:`")
        metric = choice(found["metric"], "`metric`", mistakes, tuple(UNITS)) if "metric" in found else ""
        window = choice(found["window"], "`window`", mistakes, self._config.windows) if "window" in found else ""
        values = self._values(found, "values")
        course = Course(
            metric=metric,
            window=window,
            segment=self._segment(found),
            step_ms=(duration_ms(found["step"], "`step`", mistakes) if "step" in found else 0) or MINUTE_MS,
            values=values,
            samples=self._samples(found, len(values)),
            before=self._values(found, "before"),
            spread=self._number(found["spread"], "`spread`") if "spread" in found else None,
        )
        if all(key in found and found[key].value == getattr(course, key) for key in ("metric", "window")):
            self._check_use(node, course)
        return course

    def _check_use(self, node: Node, course: Course) -> None:
        """What the rules make of it must be there."""
        mistakes, metric = self._mistakes, course.metric
        used = [each for rule in self._rules for each in rule.conditions]
        used = [each for each in used if (each.metric, each.window) == (metric, course.window)]
        if not used:
            mistakes.add(node, f"no rule looks at `{metric}` over {course.window}")
        if any(each.confidence for each in used) and course.spread is None and not is_share(metric):
            mistakes.add(node, f"`{metric}` needs `spread:`, the deviation of its samples: a rule wants confidence")
        if any(each.of != "value" for each in used) and not course.before:
            mistakes.add(node, f"`{metric}` needs `before:`: a rule compares it with the window before or the usual")
        if any(each.of == "deviation" for each in used) and course.spread is None:
            mistakes.add(node, f"`{metric}` needs `spread:`, the usual one: a rule looks at its deviation")

    def _segment(self, found: dict[str, Node]) -> Segment:
        if "where" not in found:
            return ()
        pairs = entries(found["where"], "`where`", self._mistakes)
        where = {name: text(value, f"`where: {name}`", self._mistakes) for name, value in pairs.items()}
        for names in self._config.segmentations:
            if set(names) == set(where):
                return tuple((name, where[name]) for name in names)
        known = [" + ".join(names) for names in self._config.segmentations if names]
        said = " + ".join(where)
        self._mistakes.add(found["where"], f"`where` has {said}, which is not counted{suggestion(said, known)}")
        return ()

    def _values(self, found: dict[str, Node], key: str) -> tuple[float | None, ...]:
        if key not in found:
            return ()
        try:
            return tuple(expanded(text(found[key], f"`{key}`", self._mistakes)))
        except ValueError as error:
            what = f"`{key}`: `{error}` is none of 0.9, 0.9x30, 10+5x3, _ and _x5"
            self._mistakes.add(found[key], what)
            return ()

    def _samples(self, found: dict[str, Node], number: int) -> tuple[int, ...]:
        """One number for all values, or a series of them."""
        given = [0 if each is None else int(each) for each in self._values(found, "samples")] or [1_000]
        if len(given) not in (1, number):
            what = f"`samples` must be one number, or as many as there are values: {number}, not {len(given)}"
            self._mistakes.add(found["samples"], what)
            return (0,) * number
        return tuple(given) if len(given) == number else (given[0],) * number

    def _number(self, node: Node, what: str) -> float:
        written = text(node, what, self._mistakes)
        if re.fullmatch(r"-?[0-9]{1,300}(\.[0-9]+)?", written):
            return float(written)
        if written:
            self._mistakes.add(node, f"{what} must be a number, not `{written}`")
        return 0.0

    def _look(self, node: Node, start_ms: int) -> Look:
        found = entries(node, "what is expected", self._mistakes, ("at", "alerts", "friction"))
        if "at" not in found or not ("alerts" in found or "friction" in found):
            self._mistakes.add(node, "what is expected needs `at:`, and `alerts:` or `friction:`")
        at_ms = duration_ms(found["at"], "`at`", self._mistakes) if "at" in found else 0
        if at_ms > _LATEST_MS:
            self._mistakes.add(
                found["at"], f"`at` must be at most {_LATEST_MS // DAY_MS}d, as each 10 s are gone through"
            )
        return Look(
            at_ms=at_ms,
            alerts=tuple(map(self._expected, items(found["alerts"]))) if "alerts" in found else None,
            frictions=tuple(map(self._grief, items(found["friction"]))) if "friction" in found else None,
            line=line_of(node),
        )

    def _expected(self, node: Node) -> Expected:
        mistakes = self._mistakes
        known = tuple(dict.fromkeys(rule.alert for rule in self._rules))
        if not isinstance(node, MappingNode):
            return Expected(choice(node, "an alert", mistakes, known), line=line_of(node))
        found = entries(node, "an alert", mistakes, ("alert", "state", "labels", "value"))
        if "alert" not in found:
            mistakes.add(node, "an alert needs `alert:`")
        labels = entries(found["labels"], "`labels`", mistakes) if "labels" in found else {}
        return Expected(
            alert=choice(found["alert"], "`alert`", mistakes, known) if "alert" in found else "",
            state=_STANDINGS[choice(found["state"], "`state`", mistakes, _STANDINGS)] if "state" in found else "firing",
            labels={name: text(value, f"`labels: {name}`", mistakes) for name, value in labels.items()},
            value=self._number(found["value"], "`value`") if "value" in found else None,
            line=line_of(node),
        )

    def _grief(self, node: Node) -> Grief:
        mistakes = self._mistakes
        found = entries(node, "friction", mistakes, ("signal", "customer", "about"))
        for key in ("signal", "customer"):
            if key not in found:
                mistakes.add(node, f"friction needs `{key}:`")
        return Grief(
            signal=choice(found["signal"], "`signal`", mistakes, tuple(SIGNALS)) if "signal" in found else "",
            customer=text(found["customer"], "`customer`", mistakes) if "customer" in found else "",
            about=text(found["about"], "`about`", mistakes) if "about" in found else None,
            line=line_of(node),
        )
