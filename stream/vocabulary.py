"""Vocabularies: words from outside that become names of counters, and of which only so many are told apart."""

from collections.abc import Iterable

from msgspec import msgpack

from stream.segments import OTHER
from stream.state import Changes

PREFIX = b"v"
"""First byte of the keys under which the words are stored."""
_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(str).decode


class Vocabulary:
    """The words that a partition tells apart: the first ``limit`` of them, the rest being ``other``.

    ``keys`` are those already in the store. A word once known stays known, so that it always counts alike. ``capped``
    is how often one was not. What is ``new`` lasts from ``settle`` on; ``rollback`` forgets it.

    >>> reasons = Vocabulary(2)
    >>> [reasons.known(word) for word in ("price", "speed", "colour", "price")], reasons.capped
    (['price', 'speed', 'other', 'price'], 1)
    """

    def __init__(self, limit: int, keys: Iterable[bytes] = ()) -> None:
        self._limit = limit
        self._words = {_decode(key[len(PREFIX) :]) for key in keys}
        self._new: list[str] = []
        self.capped = 0

    def known(self, word: str) -> str:
        """What the word counts as: itself, or ``other``."""
        if word in self._words or word == OTHER:
            return word
        if len(self._words) >= self._limit:
            self.capped += 1
            return OTHER
        self._words.add(word)
        self._new.append(word)
        return word

    def changes(self) -> Changes:
        """The words that are new, as they are stored."""
        return {PREFIX + _encode(word): b"" for word in self._new}

    def settle(self) -> None:
        """What is new is stored."""
        self._new.clear()

    def rollback(self) -> None:
        """What is new is not to be."""
        self._words.difference_update(self._new)
        self._new.clear()
