"""So many within a time: what several signals look for."""

from collections.abc import Iterator, Sequence

from stream.friction.mark import Mark

Crowd = tuple[int, int, Sequence[Mark]]
"""From when, until when, and who."""
Span = tuple[int, int]


def crowds(marks: Sequence[Mark], number: int, within_ms: int) -> Iterator[Crowd]:
    """When there were at least ``number`` marks in the last ``within_ms``; ``marks`` are in order of time.

    What happened exactly ``within_ms`` ago is no longer within it.
    """
    for at in range(number - 1, len(marks)):
        first, last = marks[at - number + 1], marks[at]
        if last.time_ms - first.time_ms < within_ms:
            since_ms = last.time_ms - within_ms
            yield last.time_ms, first.time_ms + within_ms, [m for m in marks[: at + 1] if m.time_ms > since_ms]


def without(span: Span, others: Sequence[Span]) -> Iterator[Span]:
    """What is left of a span without the others.

    >>> list(without((0, 10), [(2, 4), (3, 5), (9, 12)]))
    [(0, 2), (5, 9)]
    """
    start, end = span
    for since, until in sorted(others):
        if since > start:
            yield start, min(since, end)
        start = max(start, until)
        if start >= end:
            return
    yield start, end
