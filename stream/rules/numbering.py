"""How far the firings of alerts were numbered of which nothing is kept any more, so that no number is given twice.

An alert whose rule is gone is forgotten. Subscribers may remember it: if the rule comes back, its firings must be later
to them than those before. One number for all that was forgotten is enough for that.
"""

from msgspec import Struct, msgpack

from stream.state import State

NUMBERING = b"n"
"""The key."""


class Numbered(Struct, array_like=True, frozen=True):
    """``highest`` is the highest number of a firing that was forgotten."""

    highest: int

    def encode(self) -> bytes:
        return msgpack.encode(self)


_decode = msgpack.Decoder(Numbered).decode


class Numbering:
    """Of one board, in its state. ``highest`` is what alerts are numbered on from."""

    def __init__(self, state: State) -> None:
        self._state = state
        stored = state.get(NUMBERING, _decode)
        self.highest = 0 if stored is None else stored.highest

    def forget(self, sequence: int) -> None:
        """An alert that was numbered as far as this is forgotten."""
        if sequence > self.highest:
            self.highest = sequence
            self._state.put(NUMBERING, Numbered(sequence))
