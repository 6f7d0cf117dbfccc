"""Does a process get on? Looked at once a second: whether it was paused, and whether what there is to do is done."""

from collections.abc import Mapping

from faust.types import TP

from agents.verdict import Verdict
from stream.slices import SECOND_MS

_SILENT_MS = 15 * SECOND_MS
_STUCK_MS = 60 * SECOND_MS
"""Longer than any batch takes, or a turn of publishing."""


class Pulse:
    """Beats once a second while all is well. A pause of ``session_ms`` or longer: another one may have taken over.

    After such a pause a process is in doubt, until it is told anew what it works on (``settle``), or has heard nothing
    to the contrary for another session.
    """

    def __init__(self, session_ms: int, now_ms: int) -> None:
        self._session_ms = session_ms
        self._beat_ms = now_ms
        self._doubtful_until_ms = 0
        self._paused_ms = 0
        self._places: dict[TP, tuple[int, int]] = {}

    def beat(self, now_ms: int, behind: Mapping[TP, int] | None = None, at: Mapping[TP, int] | None = None) -> None:
        """It is alive. ``behind`` is how many records each partition has to come, ``at`` the offset it has got to."""
        self._look(now_ms)
        self._beat_ms = now_ms
        before, self._places = self._places, {}
        for place, offset in (at or {}).items():
            known, since_ms = before.get(place, (offset, now_ms))
            is_still = known == offset and (behind or {}).get(place, 0) > 0
            self._places[place] = offset, since_ms if is_still else now_ms

    def settle(self) -> None:
        """It has been told anew what it works on."""
        self._doubtful_until_ms = 0

    def trouble(self, now_ms: int) -> Verdict | None:
        """Why it does not get on; None where it does."""
        silent_ms = now_ms - self._beat_ms
        if silent_ms > _SILENT_MS:
            return Verdict("stuck", f"nothing of its own has been looked after for {silent_ms // SECOND_MS} s")
        place = min(self._places, key=lambda place: self._places[place][1], default=None)
        still_ms = 0 if place is None else now_ms - self._places[place][1]
        if place is None or still_ms < _STUCK_MS:
            return None
        offset = self._places[place][0]
        where = f"{place.topic}-{place.partition}"
        return Verdict("stuck", f"{where} has stood at {offset} for {still_ms // SECOND_MS} s, with records to come")

    def doubt(self, now_ms: int) -> Verdict | None:
        """Why another one may have taken over; None where there is no reason to think so."""
        self._look(now_ms)
        if now_ms >= self._doubtful_until_ms:
            return None
        paused_s = self._paused_ms / SECOND_MS
        return Verdict("fenced", f"was paused for {paused_s:.0f} s: another one may have taken over meanwhile")

    def _look(self, now_ms: int) -> None:
        """A pause is seen by whoever looks first after it."""
        pause_ms = now_ms - self._beat_ms
        if pause_ms >= self._session_ms:
            self._paused_ms, self._doubtful_until_ms = pause_ms, now_ms + self._session_ms
