"""How long to do what can wait, so that it leaves the time to other work."""

import time

_SHARE = 0.03
"""What it gets of the time however much other work there is."""
_OF_IDLE = 0.25
"""What it gets of the time that was left over."""


class Pace:
    """Gives turns: longer ones where the process was idle since the last, and never none at all.

    Both arguments are in seconds, ``now_s`` of a steady clock, ``cpu_s`` that the process has worked.

    >>> pace = Pace(100.0, 40.0)
    >>> pace.turn(110.0, 42.0)  # 8 seconds were idle
    2.0
    >>> pace.turn(120.0, 52.0)  # none
    0.3
    """

    def __init__(self, now_s: float, cpu_s: float) -> None:
        self._last_s, self._last_cpu_s = now_s, cpu_s

    @classmethod
    def of_this_process(cls) -> "Pace":
        """One that begins now."""
        return cls(time.monotonic(), time.process_time())

    def turn(self, now_s: float, cpu_s: float) -> float:
        """For how long it may go on, in seconds."""
        past_s, worked_s = now_s - self._last_s, cpu_s - self._last_cpu_s
        self._last_s, self._last_cpu_s = now_s, cpu_s
        return max(_SHARE * past_s, _OF_IDLE * (past_s - worked_s))
