"""Matchers: which alerts are meant, by name, labels, customer and severity, with Alertmanager's semantics."""

import re
from collections.abc import Iterable, Mapping

from msgspec import ValidationError, convert

from schemas.alert import AnyAlert, FrictionAlert
from schemas.handling import Matcher
from schemas.pattern import fits
from stream.errors import CxstreamError

Labels = Mapping[str, str]
_WRITTEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\n])')
"""What Alertmanager takes a backslash from; before anything else it is one."""
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)


class MatcherError(CxstreamError, ValueError):
    """A matcher that cannot be read: the message says why, and how to write one."""


def labels_of(alert: AnyAlert) -> dict[str, str]:
    """An alert's labels, and with them what else can be matched: ``alertname``, ``severity``, ``customer``, ``about``.

    What an alert does not have is not there. The alert's own come before labels of the same name.
    """
    own = {"alertname": alert.alert, "severity": alert.severity}
    if isinstance(alert, FrictionAlert):
        own["customer"] = alert.customer
        if alert.about is not None:
            own["about"] = alert.about
    return {**alert.labels, **own}


def matches(matcher: Matcher, labels: Labels) -> bool:
    """Does an alert with these labels fit?

    >>> matches(parse("region=~eu|us"), {"region": "eu"}), matches(parse("region!=eu"), {})
    (True, True)
    """
    value = labels.get(matcher.name, "")
    if matcher.op in ("=", "!="):
        return (value == matcher.value) is (matcher.op == "=")
    return fits(matcher.value, value) is (matcher.op == "=~")


def match_all(matchers: Iterable[Matcher], labels: Labels) -> bool:
    """Do all of these fit? None at all fit everything."""
    return all(matches(matcher, labels) for matcher in matchers)


def says_something(matchers: Iterable[Matcher]) -> bool:
    """Is there something that these do not fit: one that an empty value does not?"""
    return not all(matches(matcher, {}) for matcher in matchers)


def parse(text: str) -> Matcher:
    r"""A matcher as it is written: ``name=value``, with ``!=``, ``=~`` or ``!~`` as well; the value may be quoted.

    Raises:
        MatcherError: it is none.

    >>> str(parse(r'alertname =~ "Low.*"'))
    'alertname=~"Low.*"'
    """
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise MatcherError(f"`{text}` is no matcher: write region=eu, region!=eu, alertname=~Low.* or alertname!~Low.*")
    name, op, value = found.groups()
    if value.startswith('"'):
        quoted = _QUOTED.fullmatch(value)
        if quoted is None:
            raise MatcherError(f"`{text}`: a quote is missing at the end, or a backslash before one within")
        value = _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], quoted[1])
    try:
        return convert({"name": name, "op": op, "value": value}, Matcher)
    except ValidationError as error:
        raise MatcherError(f"`{text}`: {error}") from None
