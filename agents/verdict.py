"""What a process says of itself to whoever runs it."""

from typing import NamedTuple


class Verdict(NamedTuple):
    """Something is not as it should be: a word for programs, and a sentence for people.

    ``stalled``: brokers or a disk do not take what they are given. ``stuck``: nothing goes on, and nobody says why.
    ``fenced``: another process may have, or has, what this one works on. ``recovering``, ``joining``, ``reading``: not
    ready yet.
    """

    status: str
    reason: str
