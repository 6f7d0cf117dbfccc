"""What keeps a worker from getting on: where, since when and why."""

from collections.abc import Collection, Hashable
from dataclasses import dataclass

from agents.clock import now_ms
from stream.slices import SECOND_MS

BROKERS, DISK, FENCED = "brokers", "disk", "fenced"
CAUSES = (BROKERS, DISK)


@dataclass(frozen=True, slots=True)
class Stall:
    """Something has waited since ``since_ms``; ``why`` says for what, in words."""

    since_ms: int
    why: str


class Stalls:
    """The stalls of one worker, by cause and place. Each ends for itself: what one place takes tells of no other."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, Hashable], Stall] = {}

    def begin(self, cause: str, place: Hashable, why: str) -> None:
        """A place does not take what it is given; it may have been so before."""
        known = self._open.get((cause, place))
        self._open[cause, place] = Stall(now_ms() if known is None else known.since_ms, why)

    def end(self, cause: str, place: Hashable) -> None:
        """A place takes what it is given again, or nothing more is given to it."""
        self._open.pop((cause, place), None)

    def since_ms(self, cause: str) -> int | None:
        """When the longest one of this cause began; None while there is none."""
        return min((stall.since_ms for (of, _), stall in self._open.items() if of == cause), default=None)

    def trouble(self, least_ms: int, causes: Collection[str] = CAUSES) -> str | None:
        """Why nothing goes on, where that has been so for ``least_ms`` or longer: the longest stall, in words."""
        known = (stall for (of, _), stall in self._open.items() if of in causes)
        longest = min(known, key=lambda stall: stall.since_ms, default=None)
        if longest is None or now_ms() - longest.since_ms < least_ms:
            return None
        return f"stalled for {(now_ms() - longest.since_ms) // SECOND_MS} s: {longest.why}"
