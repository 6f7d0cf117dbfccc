"""The end of a process that is told to end: soon, and by force where it does not come to it."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from agents.logs import complain

STOP_S = 10.0
"""From SIGTERM on. What is durable by then is all there is: state is exactly once, and what was begun is done again."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_GIVEN_UP = 1
Handler = Callable[[int, FrameType | None], Any]


def limit(seconds: float = STOP_S) -> None:
    """From now on, end the process so long after the first SIGTERM or SIGINT, whatever it does.

    What was to be done on these signals still is. Where nothing was, that is left as it is: the process ends at once.
    """
    timer = threading.Timer(seconds, _give_up, (seconds,))
    timer.daemon = True

    def arming(before: Handler) -> Handler:
        def handle(number: int, frame: FrameType | None) -> None:
            if timer.ident is None:
                timer.start()
            before(number, frame)

        return handle

    for name in _SIGNALS:
        before = signal.getsignal(name)
        if callable(before):
            signal.signal(name, arming(before))


def _give_up(seconds: float) -> None:
    complain(f"not at an end {seconds:g} s after being told to: given up. Nothing durable is lost")
    os._exit(_GIVEN_UP)


@contextmanager
def stopping(seconds: float = STOP_S) -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, for work that looks at it; ``limit`` is in force."""
    stopped = threading.Event()
    former = {name: signal.signal(name, lambda *_: stopped.set()) for name in _SIGNALS}
    limit(seconds)
    try:
        yield stopped
    finally:
        for name, handler in former.items():
            signal.signal(name, handler)
