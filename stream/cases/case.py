"""A case: something with a life of its own that touchpoints tell of, such as a ticket or an order.

What a case counts as follows from all that is known of it. Where that changes, the old is taken back where it was
counted, and the new is counted: so the same touchpoints come to the same numbers in whatever order they arrive.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, Generic, Protocol, TypeVar

from msgspec import Struct

from schemas.touchpoint import Touchpoint
from stream.config import Config
from stream.facts import CaseFact
from stream.segments import Values


class Contribution(Struct, array_like=True, frozen=True):
    """Something that a case counts as: a fact, in the slice of ``time_ms`` and the segments of ``values``."""

    time_ms: int
    values: Values
    fact: CaseFact


Contributions = tuple[Contribution, ...]
"""All that a case counts as, in any order."""


class Case(Struct, array_like=True):
    """What is kept of every case. ``touched_ms`` is the watermark when the last touchpoint about it came."""

    touched_ms: int
    counted: Contributions

    def settle(self, settled: Iterable[Contribution]) -> None:
        """Of what is counted, this stays as it is, whatever comes: it is not taken back any more."""
        left = list(self.counted)
        for each in settled:
            if each in left:
                left.remove(each)
        self.counted = tuple(left)

    def encode(self) -> bytes:
        raise NotImplementedError


class Timed(Case):
    """A case of a kind that counts by time passing too. ``due_ms`` is when it is to be looked at again, if later."""

    due_ms: int


Moment = tuple[int, str, Values]
"""When something happened to a case, by which event, and in what segments."""


def earliest(known: Moment | None, event: Touchpoint, values: Values) -> Moment:
    """The earlier of a moment and that of an event; of two at the same time, that with the smaller id."""
    if known is not None and known[:2] <= (event.time_ms, event.id):
        return known
    return event.time_ms, event.id, values


def sooner(one: Moment | None, other: Moment | None) -> Moment | None:
    """The earlier of two moments, in the same way."""
    if one is None or other is None:
        return one or other
    return min(one, other, key=lambda moment: moment[:2])


class Told(Struct, frozen=True):
    """What one case of a customer tells another: a fact that it counts as, or (``sign`` -1) no longer does."""

    customer: str
    fact: CaseFact


class Telling(Protocol):
    """What may tell of a case: something about a customer."""

    @property
    def customer(self) -> str: ...


C = TypeVar("C", bound=Case)
E = TypeVar("E", bound=Telling, contravariant=True)


class KindOf(ABC, Generic[E, C]):
    """A kind of case, called ``title`` in settings, that an ``E`` tells of. ``prefix`` is the first byte of its keys.

    ``events`` are the touchpoints that may tell of one, ``facts`` those that other cases may count as and that it is
    ``Told``; ``widths`` are how many parts a ``name`` may have, and ``timed`` says whether its cases are ``Timed``.
    """

    title: ClassVar[str]
    prefix: ClassVar[bytes]
    events: ClassVar[tuple[type[Touchpoint], ...]] = ()
    facts: ClassVar[tuple[type, ...]] = ()
    widths: ClassVar[tuple[int, ...]] = (1,)
    timed: ClassVar[bool] = False

    def __init__(self, config: Config) -> None:
        """Cases as a deployment counts them."""

    @abstractmethod
    def name(self, event: E) -> tuple[str, ...] | None:
        """What tells the case from others of the same customer; None where ``event`` is about none."""

    @abstractmethod
    def begin(self, event: E, values: Values) -> C:
        """A case of which this is the first that is told, before it is taken in."""

    @abstractmethod
    def take(self, case: C, event: E, values: Values) -> Contributions | None:
        """Let something happen to a case, in place; what the case counts as from now on.

        None where it changes nothing at all: then the case is not even said to have been touched. ``case.counted``
        itself where it changes nothing of that, nor of what is to come. What is at a time to come counts from then on,
        unless something happens to the case before.
        """

    def counted(self, case: C) -> Contributions:
        """What the case counts as, as ``take`` said last; of a kind whose cases are ``Timed``, also what is to come."""
        return case.counted

    @staticmethod
    @abstractmethod
    def decode(data: bytes) -> C:
        """A case as it is stored."""


class Kind(KindOf[Touchpoint, C]):
    """A kind of case that touchpoints tell of."""

    @abstractmethod
    def join(self, case: C, other: C) -> Contributions:
        """Let a case be, in place, what ``other`` is too: both have one name, of two ids of one customer.

        What it counts as then, as ``take`` says it.
        """
