"""Inhibition: an alert that says as much keeps others quiet, with Alertmanager's semantics.

A rule's target is inhibited while an alert fires that its source fits and whose ``equal`` labels have the same values
(one that is not there counts as empty). What both source and target fit is not inhibited by another such alert.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from schemas.alert import AnyAlert, MetricAlert
from schemas.handling import Matcher
from stream.desk.matcher import Labels, labels_of, match_all


@dataclass(frozen=True, slots=True)
class Inhibition:
    """One rule."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()

    def agree(self, labels: Labels) -> tuple[str, ...]:
        """The values that source and target must have in common."""
        return tuple(labels.get(name, "") for name in self.equal)


@dataclass(frozen=True, slots=True)
class _Source:
    fingerprint: str
    is_target: bool


class Inhibitors:
    """Which of the alerts that fire keep an alert quiet. ``parts``: a total's alert does so with those of its parts."""

    def __init__(self, alerts: Iterable[AnyAlert], rules: Iterable[Inhibition] = (), parts: bool = True) -> None:
        self._rules: list[tuple[Inhibition, dict[tuple[str, ...], list[_Source]]]] = [(rule, {}) for rule in rules]
        self._wholes: dict[tuple[str, frozenset[tuple[str, str]]], str] = {}
        for alert in alerts:
            self._add(alert, parts)

    def _add(self, alert: AnyAlert, parts: bool) -> None:
        if parts and isinstance(alert, MetricAlert):
            self._wholes[alert.alert, frozenset(alert.labels.items())] = alert.fingerprint
        labels = labels_of(alert)
        for rule, sources in self._rules:
            if match_all(rule.source, labels):
                source = _Source(alert.fingerprint, match_all(rule.target, labels))
                sources.setdefault(rule.agree(labels), []).append(source)

    def of(self, alert: AnyAlert) -> tuple[str, ...]:
        """Fingerprints of the alerts that keep this one quiet, in order; never its own, whatever it was before."""
        labels = labels_of(alert)
        return tuple(sorted({*self._by_rules(labels), *self._by_wholes(alert)} - {alert.fingerprint}))

    def _by_rules(self, labels: Mapping[str, str]) -> Iterator[str]:
        for rule, sources in self._rules:
            if match_all(rule.target, labels):
                is_source = match_all(rule.source, labels)
                for source in sources.get(rule.agree(labels), ()):
                    if not (is_source and source.is_target):
                        yield source.fingerprint

    def _by_wholes(self, alert: AnyAlert) -> Iterator[str]:
        """A total has fewer labels, of the same values, and the same rule; friction is each customer's own."""
        if not self._wholes or not isinstance(alert, MetricAlert):
            return
        pairs = list(alert.labels.items())
        for number in range(len(pairs)):
            for some in combinations(pairs, number):
                whole = self._wholes.get((alert.alert, frozenset(some)))
                if whole is not None:
                    yield whole
