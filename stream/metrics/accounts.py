"""Accounts: who pays, who is new among them, and who leaves."""

from collections.abc import Iterator

from stream.facts import Fact, Joined, Left
from stream.metrics.base import Metric, Reading, Value

NEW, LOST = "accounts.new", "accounts.lost"
STANDING = ("accounts", "account_retention_ratio", "account_churn_ratio")
"""What is read over whole days alone."""


class Accounts(Metric):
    """How many accounts are paid for, how many come and leave, and what share of them stays.

    Formulas:
        accounts = accounts that are paid for at the end of the window
        accounts_new = accounts that became paid
        accounts_lost = paid accounts that were cancelled
        account_retention_ratio = (accounts at the end − new ones) / accounts at the start
        account_churn_ratio = lost ones / accounts at the start, so 1 − retention
    Counters:
        accounts.new: accounts that became paid
        accounts.lost: paid accounts that were cancelled
    Edge cases:
        A customer's account, by its name (`account`; one where none is named), is paid from `account.converted` until
            `account.cancelled`, in order of their times, of two at the same time by the event's id. A conversion while
            it is paid changes nothing, nor does a cancellation while it is not: `cancellations` counts these too.
        An account counts as new where it was converted and as lost where it was cancelled, in the segments of the
            conversion. One that is cancelled and converted again is lost, and new again.
        How many there are, and the ratios, are read over whole local days, and from all days that are kept, which are
            800. So from the 801st day on they lack as many accounts as were paid when the first of these days began;
            where that makes them less than 0, they are not shown. How many are new and lost is right all the same.
        An account of which nothing was heard for `account_days` (802) is forgotten: a cancellation after that is not of
            a paid one.
        There is no ratio without accounts at the start, nor where more were lost than there were: then most were new.
        Of one account, the last 32 conversions and cancellations are put in order; what comes for before is left out.
    Source:
        Customer retention rate ((end − new) / start) and churn rate as subscription analytics defines them
    Example:
        >>> before = {"accounts.new": 12, "accounts.lost": 4}
        >>> found = Accounts().read(Reading({"accounts.new": 3, "accounts.lost": 2}, [{}], stock=before))
        >>> {name: value.value for name, value in found.items()}  # doctest: +NORMALIZE_WHITESPACE
        {'accounts_new': 3, 'accounts_lost': 2, 'accounts': 9, 'account_retention_ratio': 0.75,
         'account_churn_ratio': 0.25}
    """

    values = {
        "accounts": "accounts",
        "accounts_new": "accounts",
        "accounts_lost": "accounts",
        "account_retention_ratio": "ratio",
        "account_churn_ratio": "ratio",
    }
    facts = (Joined, Left)
    stocks = (NEW, LOST)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Joined):
            yield NEW, fact.sign
        elif isinstance(fact, Left):
            yield LOST, fact.sign

    def read(self, reading: Reading) -> dict[str, Value]:
        new, lost = reading.total.get(NEW, 0), reading.total.get(LOST, 0)
        found = {"accounts_new": Value(new, new)} if new else {}
        if lost:
            found["accounts_lost"] = Value(lost, lost)
        return found if reading.stock is None else found | self._standing(reading, new, lost)

    def _standing(self, reading: Reading, new: int, lost: int) -> dict[str, Value]:
        """What rests on all accounts there ever were."""
        start = reading.at_start(NEW, LOST)
        ever = (reading.stock or {}).get(NEW, 0) + new
        if not ever or start < 0 or start + new < lost:
            return {}
        found = {"accounts": Value(start + new - lost, ever)}
        if start and lost <= start:
            found["account_retention_ratio"] = Value((start - lost) / start, start)
            found["account_churn_ratio"] = Value(lost / start, start)
        return found
