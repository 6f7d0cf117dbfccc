"""What one outlet was told of each firing of an alert, until it was told of its end."""

from collections.abc import Iterable, Iterator

from schemas.alert import AnyAlert
from schemas.told import Told

Episode = tuple[str, int]
"""One firing of an alert, from when it fires until it is resolved: fingerprint and sequence."""


def episode_of(alert: AnyAlert) -> Episode:
    """Which firing a transition belongs to."""
    return alert.fingerprint, alert.sequence


class Remembered:
    """As it stands on `alerts-told`. ``ending`` are the episodes whose own end waits to be told."""

    def __init__(self, told: Iterable[Told] = ()) -> None:
        self._told: dict[str, dict[int, Told]] = {}
        self.ending: set[Episode] = set()
        for each in told:
            self.put(each)

    def get(self, episode: Episode) -> Told | None:
        """What was told of an episode; None where nothing was, or its end long ago."""
        return self._told.get(episode[0], {}).get(episode[1])

    def put(self, told: Told) -> None:
        """Something was told, or is about to be."""
        self._told.setdefault(told.fingerprint, {})[told.order[0]] = told

    def drop(self, episode: Episode) -> Told | None:
        """Forget an episode; what was known of it."""
        several = self._told.get(episode[0], {})
        found = several.pop(episode[1], None)
        if found is not None and not several:
            del self._told[episode[0]]
        return found

    def __iter__(self) -> Iterator[Told]:
        return (told for several in list(self._told.values()) for told in list(several.values()))

    def has_later(self, episode: Episode) -> bool:
        """Was a later firing of the same alert told? Then there is nothing to say of this one but its end."""
        return any(sequence > episode[1] for sequence in self._told.get(episode[0], ()))

    def owes(self, alert: AnyAlert) -> bool:
        """Is the outlet to hear that an alert is resolved: was it told of the firing that this ends?

        That may be an earlier firing, of whose end there is no record left.
        """
        own = self.get(episode_of(alert))
        return not own.has_ended if own is not None else bool(self.superseded(alert))

    def superseded(self, alert: AnyAlert) -> list[Told]:
        """Earlier firings of the alert that have not ended for the outlet, and whose own end does not wait."""
        return [
            told
            for sequence, told in self._told.get(alert.fingerprint, {}).items()
            if sequence < alert.sequence and not told.has_ended and (alert.fingerprint, sequence) not in self.ending
        ]
