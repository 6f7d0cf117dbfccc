"""What a friction signal is: what it finds in the marks of one customer, and for how long that holds."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from msgspec import Struct

from stream.config import Config
from stream.friction.mark import Mark, Marks, count
from stream.slices import HOUR_MS
from stream.tuning import Tuning

SEVERITIES = ("info", "warning", "critical")
FOREVER_MS = 2**62
_AS_IT_IS = Tuning()


class Finding(Struct, frozen=True):
    """Something that holds from ``since_ms`` up to ``until_ms``, as far as is known.

    ``value`` is what was measured and ``bound`` what it broke, in the unit of the signal. ``about`` says which of
    several it is, where a customer can have several at once. Somebody is to get in touch until ``due_ms``, where there
    is one.
    """

    since_ms: int
    until_ms: int
    value: float
    bound: float
    evidence: Sequence[Mark]
    about: str | None = None
    due_ms: int | None = None
    notes: dict[str, str] = {}


class Signal(ABC):
    """One signal, as a deployment has set it. ``sign`` says how a value breaks the bound.

    ``hears`` are the kinds of marks that may be the ground of what it finds, ``calmed_by`` those that can only take it
    away: it is asked about these only where it has found something. ``thresholds`` are its numbers where settings say
    nothing: 1 or more, with their unit in the name, and ``limits`` what they may be at most. From fewer marks than
    ``least``, of all that it hears, nothing follows.

    Laws, checked for every registered signal: what it finds is the same in whatever order the touchpoints came, and
    nothing where there are no marks of what it hears.
    """

    hears: ClassVar[tuple[str, ...]]
    calmed_by: ClassVar[tuple[str, ...]] = ()
    thresholds: ClassVar[Mapping[str, int]]
    limits: ClassVar[Mapping[str, int]] = {}
    unit: ClassVar[str]
    sign: ClassVar[str] = "≥"
    severity: ClassVar[str] = "warning"
    cooldown_hours: ClassVar[int] = 24
    name: ClassVar[str]
    least = 1
    horizon_ms: int

    def __init_subclass__(cls) -> None:
        cls.name = cls.__module__.rpartition(".")[2]

    def __init__(self, config: Config) -> None:
        tuning = config.friction.get(self.name, _AS_IT_IS)
        self.set = {**self.thresholds, **tuning.thresholds}
        self.level = tuning.severity or self.severity
        self.cooldown_ms = self.cooldown_hours * HOUR_MS if tuning.cooldown_ms is None else tuning.cooldown_ms
        self.begin(config)

    @abstractmethod
    def begin(self, config: Config) -> None:
        """Take what it needs from the settings; ``horizon_ms`` is for how long a mark can matter, at most."""

    def soonest_ms(self, kind: str, new: Mark, marks: Marks) -> int:
        """From when more may hold by a mark of a kind that it hears, which has just come among ``marks``.

        It is not asked before that, unless it has found something: so this is a cheap look, and may be too early.
        ``FOREVER_MS`` where the mark can only take something away.
        """
        return new.time_ms if count(marks, self.hears) >= self.least else FOREVER_MS

    @abstractmethod
    def find(self, marks: Marks) -> Iterator[Finding]:
        """What there is, was and, if nothing else comes, will be; of the past as much as there are marks of."""
