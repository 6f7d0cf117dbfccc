"""A ticket that stands open beyond what is promised: what several signals look for."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from stream.config import Config
from stream.friction import tickets
from stream.friction.mark import OPENED, Mark, Marks
from stream.friction.signal import Finding, Signal
from stream.friction.tickets import Story
from stream.slices import HOUR_MS, SECOND_MS


class Late(Signal):
    """The ``target`` for the priority of a ticket has passed, and the ticket is not resolved.

    It holds, from the target or a later reopening on, until the ticket is resolved, closed or merged, or what was
    promised ``is done``; at most for `open_hours` after the target.
    """

    hears = tickets.OPEN
    calmed_by: ClassVar[tuple[str, ...]] = tickets.DONE
    unit = "seconds"
    sign = ">"
    cooldown_hours = 0
    target: ClassVar[str]

    def begin(self, config: Config) -> None:
        self._targets_ms, self._open_ms = config.targets[self.target], self.set["open_hours"] * HOUR_MS
        self.horizon_ms = self._open_ms + max(self._targets_ms.values()) + 1

    def soonest_ms(self, kind: str, new: Mark, marks: Marks) -> int:
        return new.time_ms + self._targets_ms[new.note or ""] + 1 if kind == OPENED else new.time_ms

    @abstractmethod
    def done_ms(self, story: Story) -> int:
        """When what was promised was done, other than by the ticket's end; ``FOREVER_MS`` where it was not."""

    def find(self, marks: Marks) -> Iterator[Finding]:
        for story in tickets.stories(marks):
            if story.opened is not None:
                target_ms = self._targets_ms[story.opened.note or ""]
                late_ms = story.opened.time_ms + target_ms + 1
                value, bound = (target_ms + 1) / SECOND_MS, target_ms / SECOND_MS
                over_ms = min(late_ms + self._open_ms, self.done_ms(story))
                for from_ms, to_ms, by in story.unresolved():
                    since_ms, until_ms = max(from_ms, late_ms), min(to_ms, over_ms)
                    if since_ms < until_ms:
                        evidence = (story.opened,) if by is story.opened else (story.opened, by)
                        yield Finding(since_ms, until_ms, value, bound, evidence, story.name)
