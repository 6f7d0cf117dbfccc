"""Log messages that come again and again: said once, then counted."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

_PAUSE_S = 10.0
_REMEMBERED = 1_000


class Repeats(logging.Filter):
    """Lets a message of a library pass once in ten seconds; then ``repeated`` says how many were left out.

    Clients that cannot connect try several times a second, and say so each time. What this project says itself passes
    always: it has pauses of its own.
    """

    def __init__(self, ours: tuple[str, ...], clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._ours = ours
        self._clock = clock
        self._said: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith(self._ours):
            return True
        key, now_s = (record.name, record.getMessage()), self._clock()
        said_s, left_out = self._said.get(key, (now_s - _PAUSE_S, 0))
        if now_s - said_s < _PAUSE_S:
            self._said[key] = said_s, left_out + 1
            return False
        self._said[key] = now_s, 0
        self._said.move_to_end(key)
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        if left_out:
            record.repeated = left_out
        return True
