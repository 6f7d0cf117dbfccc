"""Up to where a topic was read, and which of its records hold the position back as they are still to be told."""

from sortedcontainers import SortedSet

Place = tuple[int, int]
"""Partition and offset."""


class Places:
    """``read`` is the offset of the next record to read, by partition. What has no place (None) holds nothing back."""

    def __init__(self) -> None:
        self.read: dict[int, int] = {}
        self._held: dict[int, SortedSet] = {}

    def passed(self, place: Place) -> None:
        """A record was read, whatever it was."""
        partition, offset = place
        self.read[partition] = max(offset + 1, self.read.get(partition, 0))

    def hold(self, place: Place | None) -> None:
        """A record is still to be told."""
        if place is not None:
            self._held.setdefault(place[0], SortedSet()).add(place[1])

    def release(self, place: Place | None) -> None:
        """It no longer is."""
        if place is not None and place[0] in self._held:
            self._held[place[0]].discard(place[1])

    def positions(self) -> dict[int, int]:
        """The offset of the first record that is still to be told, or of the next to read, by partition."""
        return {partition: self._position(partition) for partition in self.read}

    def is_past(self, place: Place | None) -> bool:
        """Is the position beyond a record, so that it is not read again after a restart?"""
        return place is None or self._position(place[0]) > place[1]

    def _position(self, partition: int) -> int:
        held = self._held.get(partition)
        return held[0] if held else self.read.get(partition, 0)

    def __len__(self) -> int:
        """How many records hold the position back."""
        return sum(map(len, self._held.values()))
