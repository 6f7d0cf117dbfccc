"""Inhibition: an alert that says as much keeps others quiet, with Alertmanager's semantics.

A rule's target is inhibited while an alert fires that its source fits and whose ``equal`` labels have the same values
(one that is not there counts as empty). What both source and target fit is not inhibited by another such alert.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from math import comb

from schemas.alert import AnyAlert, MetricAlert
from schemas.handling import Matcher
from stream.desk.matcher import Labels, labels_of, match_all

_Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Inhibition:
    """One rule."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()

    def agree(self, labels: Labels) -> tuple[str, ...]:
        """The values that source and target must have in common."""
        return tuple(labels.get(name, "") for name in self.equal)


@dataclass(slots=True)
class _Rule:
    """A rule with the alerts that fire and fit it, by the values that both sides must have in common.

    Of a source, it is known whether it fits as a target too.
    """

    inhibition: Inhibition
    sources: dict[tuple[str, ...], dict[str, bool]] = field(default_factory=dict)
    targets: dict[tuple[str, ...], set[str]] = field(default_factory=dict)

    def add(self, fingerprint: str, labels: Labels) -> Iterable[str]:
        """An alert fires: those that may be kept quiet by it."""
        agree = self.inhibition.agree(labels)
        is_target = match_all(self.inhibition.target, labels)
        if is_target:
            self.targets.setdefault(agree, set()).add(fingerprint)
        if not match_all(self.inhibition.source, labels):
            return ()
        self.sources.setdefault(agree, {})[fingerprint] = is_target
        return self.targets.get(agree, ())

    def remove(self, fingerprint: str, labels: Labels) -> Iterable[str]:
        """An alert fires no more: those that may have been kept quiet by it."""
        agree = self.inhibition.agree(labels)
        targets, sources = self.targets.get(agree, set()), self.sources.get(agree, {})
        targets.discard(fingerprint)
        was_source = sources.pop(fingerprint, None) is not None
        if not targets:
            self.targets.pop(agree, None)
        if not sources:
            self.sources.pop(agree, None)
        return targets if was_source else ()


class Inhibitors:
    """Which of the alerts that fire keep an alert quiet. ``parts``: a total's alert does so with those of its parts."""

    def __init__(self, alerts: Iterable[AnyAlert] = (), rules: Iterable[Inhibition] = (), parts: bool = True) -> None:
        self._rules = [_Rule(rule) for rule in rules]
        self._has_parts = parts
        self._by_rule: dict[str, dict[int, dict[_Pairs, str]]] = {}
        for alert in alerts:
            self.add(alert)

    def add(self, alert: AnyAlert) -> set[str]:
        """An alert fires: fingerprints of those that it may keep quiet."""
        if self._has_parts and isinstance(alert, MetricAlert):
            of_rule, pairs = self._by_rule.setdefault(alert.alert, {}), frozenset(alert.labels.items())
            of_rule.setdefault(len(pairs), {})[pairs] = alert.fingerprint
        labels = labels_of(alert)
        found = {each for rule in self._rules for each in rule.add(alert.fingerprint, labels)}
        return found.union(self._parts(alert))

    def remove(self, alert: AnyAlert) -> set[str]:
        """An alert, as it was added, fires no more: fingerprints of those that it may have kept quiet."""
        labels, found = labels_of(alert), set(self._parts(alert))
        if self._has_parts and isinstance(alert, MetricAlert):
            of_rule, pairs = self._by_rule[alert.alert], frozenset(alert.labels.items())
            of_rule[len(pairs)].pop(pairs, None)
            if not of_rule[len(pairs)]:
                del of_rule[len(pairs)]
            if not of_rule:
                del self._by_rule[alert.alert]
        return found.union(*(rule.remove(alert.fingerprint, labels) for rule in self._rules))

    def _parts(self, alert: AnyAlert) -> Iterator[str]:
        """Alerts of the same rule with more labels."""
        if self._has_parts and isinstance(alert, MetricAlert):
            whole = frozenset(alert.labels.items())
            for number, several in self._by_rule.get(alert.alert, {}).items():
                if number > len(whole):
                    yield from (part for pairs, part in several.items() if whole < pairs)

    def of(self, alert: AnyAlert) -> tuple[str, ...]:
        """Fingerprints of the alerts that keep this one quiet, in order; never its own, whatever it was before."""
        labels = labels_of(alert)
        return tuple(sorted({*self._by_rules(labels), *self._by_wholes(alert)} - {alert.fingerprint}))

    def _by_rules(self, labels: Mapping[str, str]) -> Iterator[str]:
        for rule in self._rules:
            if match_all(rule.inhibition.target, labels):
                is_source = match_all(rule.inhibition.source, labels)
                for source, is_target in rule.sources.get(rule.inhibition.agree(labels), {}).items():
                    if not (is_source and is_target):
                        yield source

    def _by_wholes(self, alert: AnyAlert) -> Iterator[str]:
        """A total has fewer labels, of the same values, and the same rule; friction is each customer's own."""
        pairs = frozenset(alert.labels.items())
        of_rule = self._by_rule.get(alert.alert, {}) if isinstance(alert, MetricAlert) else {}
        for number, wholes in of_rule.items():
            if number < len(pairs):
                if comb(len(pairs), number) <= len(wholes):
                    subsets = map(frozenset, combinations(pairs, number))
                    yield from (wholes[some] for some in subsets if some in wholes)
                else:  # with many labels there are more subsets than alerts
                    yield from (whole for labels, whole in wholes.items() if labels < pairs)
