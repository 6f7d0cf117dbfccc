"""The intake: records of a partition, in order, to whoever counts touchpoints; or to another partition."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field

from schemas.handover import Handover
from schemas.identity import CustomerIdentified
from schemas.touchpoint import Touchpoint
from stream.admission import Admission, Admitted
from stream.config import Config
from stream.decode import Refusal, decode
from stream.folded import Folded
from stream.identity import Identities
from stream.record import Record

_APART: Set[type] = {Handover, CustomerIdentified}
"""What is taken by itself, after all that comes before it."""


@dataclass(slots=True)
class _Run:
    """Records that are taken together: how far ahead of the clock they may be, and what becomes of them.

    ``paths`` are the ids by which those came that were sent on, by their index.
    """

    records: Sequence[Record]
    horizon_ms: int
    refused: dict[int, Refusal]
    folded: Folded
    paths: dict[int, tuple[str, ...]] = field(default_factory=dict)


class Intake:
    """What comes into one partition. ``count`` is given touchpoints that were taken in, some at a time, in order."""

    def __init__(
        self, config: Config, admission: Admission, identities: Identities, count: Callable[[Admitted], None]
    ) -> None:
        self._future_ms = config.future_ms
        self._max_bytes = config.max_record_bytes
        self._admission = admission
        self._identities = identities
        self._count = count

    def take(
        self, records: Sequence[Record], some: range, now_ms: int, refused: dict[int, Refusal], folded: Folded
    ) -> None:
        """Take in ``some`` records of a batch, by their indexes; ``refused`` are those that are not to be."""
        outcomes = decode([records[index].value for index in some], self._max_bytes)
        events: list[Touchpoint] = []
        indexes: list[int] = []
        for index, outcome in zip(some, outcomes, strict=True):
            if type(outcome) is tuple:
                refused[index] = outcome
            elif index not in refused:
                events.append(outcome)  # type: ignore[arg-type]  # what is no tuple is a touchpoint, or handed over
                indexes.append(index)
        run = _Run(records, now_ms + self._future_ms, refused, folded)
        if _APART.isdisjoint(map(type, events)):
            self._admit(events, indexes, run)
        else:
            self._take_apart(events, indexes, run)

    def _admit(self, events: list[Touchpoint], indexes: list[int], run: _Run) -> bool:
        """Take in touchpoints; True where any was counted."""
        is_any = False
        while events:
            admitted = self._admission.admit(events, run.horizon_ms)
            self._count(admitted)
            for place, into in admitted.strays:
                self._identities.at(run.records[indexes[place]].offset)
                self._identities.forward(events[place], into, run.paths.get(indexes[place], ()))
            run.refused.update({indexes[place]: refusal for place, refusal in admitted.refused.items()})
            run.folded.late += admitted.late
            run.folded.duplicates += admitted.duplicates
            is_any = is_any or bool(admitted.events)
            events, indexes = events[admitted.seen :], indexes[admitted.seen :]
        return is_any

    def _take_apart(self, events: Sequence[Touchpoint | Handover], indexes: Sequence[int], run: _Run) -> None:
        """The same, where some tell who is who, or were handed over by another partition."""
        before: tuple[list[Touchpoint], list[int]] = [], []
        for event, index in zip(events, indexes, strict=True):
            if isinstance(event, Handover):
                if not self._identities.is_new(event):
                    continue
                if not event.event:
                    self._admit(*before, run)
                    before = [], []
                    self._identities.at(run.records[index].offset)
                    self._identities.take(event)
                    continue
                run.paths[index] = event.path
                event = self._identities.event(event)
            if isinstance(event, CustomerIdentified):
                self._admit(*before, run)
                before = [], []
                if self._admit([event], [index], run):
                    self._identities.at(run.records[index].offset)
                    self._identities.identify(event)
                continue
            before[0].append(event)
            before[1].append(index)
        self._admit(*before, run)
