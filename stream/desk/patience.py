"""How long an outlet has been taking notices: the time that counts for what it refuses meanwhile.

taken      taken taken              (takes nothing)              taken
  │◄─ counts ─┼────┼─► counts for a while │                        │◄─ counts
"""

_PARTS = 12


class Patience:
    """A clock that runs only while others are taken: for a twelfth of ``give_up_ms`` after each that is.

    So nothing is given up after fewer than twelve stretches of such a length, and an outage hardly counts.
    """

    def __init__(self, give_up_ms: int) -> None:
        self._give_up_ms = max(1, give_up_ms)
        self._vouched_ms = max(1, give_up_ms // _PARTS)
        self._before_ms = 0
        self._taken_ms: int | None = None

    def take(self, now_ms: int) -> None:
        """A notice was taken."""
        self._before_ms, self._taken_ms = self.read_ms(now_ms), now_ms

    def read_ms(self, now_ms: int) -> int:
        """What the clock says: how long, of the time since the start, notices were taken."""
        if self._taken_ms is None:
            return 0
        return self._before_ms + min(max(0, now_ms - self._taken_ms), self._vouched_ms)

    def is_over(self, refused_for_ms: int) -> bool:
        """Was a notice refused for long enough by this clock?"""
        return refused_for_ms >= self._give_up_ms

    def is_worth_noting(self, noted_ms: int, refused_for_ms: int) -> bool:
        """Is there so much more than what is remembered that it is to be written: a minute of a day?"""
        return refused_for_ms - noted_ms >= max(1, self._give_up_ms // 1_440)

    def shift(self, by_ms: int) -> None:
        """The time of day was set back: what was counted stays."""
        if self._taken_ms is not None:
            self._taken_ms += by_ms
