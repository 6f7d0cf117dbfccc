"""Tickets, as far as their marks tell of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from stream.friction import mark
from stream.friction.mark import Mark, Marks, when
from stream.friction.signal import FOREVER_MS

OPEN = (mark.OPENED, mark.REOPENED)
DONE = (mark.RESOLVED, mark.CLOSED, mark.MERGED)
REPLIES = (mark.REPLIED, mark.PERSON)
_KINDS = (*OPEN, *REPLIES, *DONE)
_ENDS = {mark.REOPENED: 0, mark.RESOLVED: 1, mark.CLOSED: 2}
"""What ends a ticket or takes it up again: of those at the same moment, the larger comes last."""


@dataclass(slots=True)
class Story:
    """One ticket: its earliest opening, what an agent said in public, and its ends and beginnings, in order."""

    name: str
    opened: Mark | None = None
    replies: list[Mark] = field(default_factory=list)
    turns: list[tuple[int, int, Mark]] = field(default_factory=list)

    @property
    def resolved_ms(self) -> int | None:
        """When it was last resolved, unless it was reopened after that; closing counts where it never was."""
        found: int | None = None
        for time_ms, turn, _ in self.turns:
            if turn == 0:
                found = None
            elif turn == 1 or found is None:
                found = time_ms
        return found

    @property
    def replied_ms(self) -> int | None:
        """When an agent first replied after the opening; the second time, where it was not the customer's."""
        if self.opened is None:
            return None
        after = [each.time_ms for each in self.replies if each.time_ms >= self.opened.time_ms]
        return next(iter(after[self.opened.number :]), None)

    def unresolved(self) -> Iterator[tuple[int, int, Mark]]:
        """From when to when it stood open, each time, and the opening or reopening by which it did."""
        start = self.opened
        for time_ms, turn, each in self.turns:
            if turn == 0:
                start = start or each
            elif start is not None:
                yield start.time_ms, time_ms, start
                start = None
        if start is not None:
            yield start.time_ms, FOREVER_MS, start

    def reopenings(self) -> Iterator[tuple[Mark, int]]:
        """Each time that it was reopened, and when that was resolved again."""
        for at, (_, turn, each) in enumerate(self.turns):
            if turn == 0:
                ends = (time_ms for time_ms, later, _ in self.turns[at:] if later)
                yield each, next(ends, FOREVER_MS)


def stories(marks: Marks) -> Iterable[Story]:
    """The tickets that were not merged into others."""
    merged = {each.ticket for each in marks.get(mark.MERGED, ())}
    found: dict[str, Story] = {}
    for kind in _KINDS:
        for each in marks.get(kind, ()):
            if each.ticket is not None and each.ticket not in merged:
                _tell(found.setdefault(each.ticket, Story(each.ticket)), kind, each)
    for story in found.values():
        story.replies.sort(key=when)
        story.turns.sort(key=_place)
    return found.values()


def _tell(story: Story, kind: str, each: Mark) -> None:
    if kind in _ENDS:
        story.turns.append((each.time_ms, _ENDS[kind], each))
    elif kind == mark.OPENED:
        story.opened = each if story.opened is None else min(story.opened, each, key=when)
    else:
        story.replies.append(each)


def _place(turn: tuple[int, int, Mark]) -> tuple[int, int, str]:
    return turn[0], turn[1], turn[2].event
