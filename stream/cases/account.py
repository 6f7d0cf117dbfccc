"""A customer's account: when it was paid for, and when no more."""

from bisect import bisect_left

from msgspec import Struct, msgpack

from schemas.account import AccountCancelled, AccountConverted
from schemas.touchpoint import Touchpoint
from stream.cases.case import Case, Contribution, Contributions, Kind, Moment, sooner
from stream.facts import Joined, Left
from stream.segments import Values

_TURNS = 32
"""Conversions and cancellations of one account that may still be put in order."""


class Turn(Struct, array_like=True, frozen=True):
    """A conversion (``paid``) or a cancellation, in order of time; of two at the same time, by the event's id."""

    time_ms: int
    event: str
    paid: bool
    values: Values


class Account(Case):
    """``turns`` are the last, in order; ``joined`` is when it was joined before them, where it still was paid then."""

    turns: list[Turn]
    joined: Moment | None = None

    def encode(self) -> bytes:
        return _encode(self)


class AccountKind(Kind[Account]):
    """Accounts, by their names; where none is named, a customer has one."""

    title = "account"
    prefix = b"a"
    events = (AccountConverted, AccountCancelled)

    def name(self, event: Touchpoint) -> tuple[str, ...] | None:
        return (event.account or "",) if isinstance(event, AccountConverted | AccountCancelled) else None

    def begin(self, event: Touchpoint, values: Values) -> Account:
        return Account(0, (), [])

    def take(self, case: Account, event: Touchpoint, values: Values) -> Contributions | None:
        turn = Turn(event.time_ms, event.id, isinstance(event, AccountConverted), values)
        at = bisect_left(case.turns, (turn.time_ms, turn.event), key=_place)
        if at == 0 and len(case.turns) >= _TURNS:
            return None  # what came before these turns is settled
        case.turns.insert(at, turn)
        while len(case.turns) > _TURNS:
            _settle(case)
        return _walk(case.joined, case.turns)[1]

    def join(self, case: Account, other: Account) -> Contributions:
        case.turns = sorted((*case.turns, *other.turns), key=_place)
        case.joined = sooner(case.joined, other.joined)
        return _walk(case.joined, case.turns)[1]

    @staticmethod
    def decode(data: bytes) -> Account:
        return _decode(data)


_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Account).decode


def _place(turn: Turn) -> tuple[int, str]:
    return turn.time_ms, turn.event


def _walk(joined: Moment | None, turns: list[Turn]) -> tuple[Moment | None, Contributions]:
    """When the account was joined, if it is paid after these turns, and what they count as.

    Who leaves counts in the segments of the joining. What changes nothing counts as nothing.
    """
    counted: list[Contribution] = []
    for turn in turns:
        if turn.paid and joined is None:
            joined = (*_place(turn), turn.values)
            counted.append(Contribution(turn.time_ms, turn.values, Joined()))
        elif not turn.paid and joined is not None:
            counted.append(Contribution(turn.time_ms, joined[2], Left()))
            joined = None
    return joined, tuple(counted)


def _settle(case: Account) -> None:
    """The first turn is not looked at again: what it counts as is not taken back any more."""
    case.joined, counted = _walk(case.joined, case.turns[:1])
    del case.turns[0]
    case.settle(counted)
