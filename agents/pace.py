"""How often to do what takes a while, so that it leaves the time to others."""

_SHORTEST_S, _LONGEST_S = 1.0, 10.0
_SHARE = 0.03
"""How much of the time it may take while there is other work."""


class Pace:
    """Once a second; less often while there is other work and it would take too much of the time."""

    def __init__(self) -> None:
        self._last_s = 0.0
        self._took_s = 0.0

    def is_due(self, now_s: float, is_idle: bool) -> bool:
        """Whether it is time again, at ``now_s`` of a steady clock; ``is_idle``: nothing else is to be done."""
        rest_s = _SHORTEST_S if is_idle else min(max(_SHORTEST_S, self._took_s / _SHARE), _LONGEST_S)
        return now_s - self._last_s >= rest_s

    def done(self, began_s: float, now_s: float) -> None:
        """It was done from ``began_s`` to ``now_s``."""
        self._last_s, self._took_s = began_s, now_s - began_s
