"""How far event time has come over all partitions."""

from dataclasses import dataclass


@dataclass(slots=True)
class _Partition:
    watermark_ms: int
    moved_at_ms: int


class Progress:
    """The event time up to which all partitions have been read, which never goes back.

    A partition that has not moved for ``idle_ms`` of the clock does not hold the rest back. When none moves, event time
    goes on at the speed of the clock, so that windows close without a next event.
    """

    def __init__(self, idle_ms: int = 2_000) -> None:
        self._idle_ms = idle_ms
        self._partitions: dict[int, _Partition] = {}
        self.as_of_ms = 0

    def move(self, partition: int, watermark_ms: int, clock_ms: int) -> None:
        """A partition has been read up to ``watermark_ms``."""
        known = self._partitions.get(partition)
        if known is None:
            self._partitions[partition] = _Partition(watermark_ms, clock_ms)
        elif watermark_ms > known.watermark_ms:
            known.watermark_ms, known.moved_at_ms = watermark_ms, clock_ms

    def advance(self, clock_ms: int) -> int:
        """The event time to read windows at."""
        if not self._partitions:
            return self.as_of_ms
        moving = [p.watermark_ms for p in self._partitions.values() if clock_ms - p.moved_at_ms <= self._idle_ms]
        if moving:
            reached_ms = min(moving)
        else:
            last_ms = max(p.moved_at_ms for p in self._partitions.values())
            reached_ms = self.latest_ms + max(0, clock_ms - last_ms - self._idle_ms)
        self.as_of_ms = max(self.as_of_ms, reached_ms)
        return self.as_of_ms

    @property
    def latest_ms(self) -> int:
        """The latest event time of any partition; 0 before the first."""
        return max((p.watermark_ms for p in self._partitions.values()), default=0)
