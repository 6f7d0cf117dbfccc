"""Accounts: who is paid for, whatever is said of it in whatever order, and the backlog, over all days before."""

from itertools import permutations

import orjson
import pytest

from stream.cases.account import AccountKind
from stream.config import Config
from stream.driver import Driver
from stream.metrics import Value

START = 1_773_187_200_000
HOUR, DAY = 3_600_000, 86_400_000
NOW = START + 3_000 * DAY
Turn = tuple[float, str]
PAID, LEFT = "account.converted", "account.cancelled"


def event(number: int, turn: Turn, **fields: object) -> tuple[bytes, bytes]:
    days, kind = turn
    time = START + round(days * DAY)
    common = {"type": kind, "id": f"e{number:03}", "time": time, "customer": "ann", "channel": "web"}
    return b"ann", orjson.dumps(common | fields)


def told(*turns: Turn, config: Config | None = None, **fields: object) -> Driver:
    driver = Driver(config or Config())
    for number, turn in enumerate(turns):
        driver.feed([event(number, turn, **fields)], NOW)
    assert driver.rejected == []
    return driver


def over(driver: Driver, first: int, end: int, segment: tuple[tuple[str, str], ...] = ()) -> dict[str, float]:
    found = driver.values(START + first * DAY, START + end * DAY, segment)
    return {name: value.value for name, value in found.items() if name.startswith("account")}


def test_an_account_is_paid_from_its_conversion_to_its_cancellation() -> None:
    driver = told((1.5, PAID), (3.5, LEFT))
    assert over(driver, 0, 1) == {}
    assert over(driver, 1, 2) == {"accounts": 1, "accounts_new": 1}
    assert over(driver, 2, 3) == {"accounts": 1, "account_retention_ratio": 1, "account_churn_ratio": 0}
    assert over(driver, 3, 4) == {
        "accounts": 0,
        "accounts_lost": 1,
        "account_retention_ratio": 0,
        "account_churn_ratio": 1,
    }
    assert over(driver, 4, 5) == {"accounts": 0}
    assert over(driver, 0, 5) == {"accounts": 0, "accounts_new": 1, "accounts_lost": 1}


@pytest.mark.parametrize("order", list(permutations([(1, PAID), (2, PAID), (3, LEFT), (4, LEFT), (5, PAID)])))
def test_what_changes_nothing_counts_as_nothing_in_any_order(order: tuple[Turn, ...]) -> None:
    driver = told(*order)
    changes = [
        (over(driver, day, day + 1).get("accounts_new"), over(driver, day, day + 1).get("accounts_lost"))
        for day in range(1, 6)
    ]
    assert changes == [(1, None), (None, None), (None, 1), (None, None), (1, None)]


def test_of_two_at_one_moment_the_one_with_the_larger_id_is_later() -> None:
    assert over(told((1, PAID), (1, LEFT)), 1, 2)["accounts"] == 0
    assert over(told((1, LEFT), (1, PAID)), 1, 2)["accounts"] == 1


def test_who_leaves_counts_where_the_account_was_joined() -> None:
    driver = told((1, PAID), region="eu")
    driver.feed([event(7, (2, LEFT), region="us")], NOW)
    assert over(driver, 2, 3, (("region", "eu"),))["accounts_lost"] == 1
    assert over(driver, 2, 3, (("region", "us"),)) == {}


def test_accounts_of_a_customer_are_told_apart_by_their_names() -> None:
    driver = told((1, PAID), account="a")
    driver.feed([event(7, (1, PAID), account="b"), event(8, (2, LEFT)), event(9, (3, LEFT), account="b")], NOW)
    assert over(driver, 2, 3)["accounts"] == 2
    assert over(driver, 3, 4)["account_retention_ratio"] == 0.5


@pytest.mark.parametrize("turns", [31, 32, 33, 64, 101])
def test_many_turns_of_one_account_all_count_though_only_the_last_are_kept(turns: int) -> None:
    driver = told(*((day, LEFT if day % 2 else PAID) for day in range(turns)))
    for day in range(turns):
        assert over(driver, day, day + 1)["accounts"] == (day + 1) % 2
    (data,) = (value for key, value in driver.stores()[0].items() if key.startswith(AccountKind.prefix))
    account = AccountKind.decode(data)
    assert len(account.turns) == min(turns, 32)
    assert len(account.counted) <= 32


def test_what_comes_for_before_the_turns_that_are_kept_is_left_out() -> None:
    driver = told(*((day, LEFT if day % 2 else PAID) for day in range(10, 50)))
    before = over(driver, 0, 50)
    driver.feed([event(900, (12.5, LEFT)), event(901, (0, PAID))], NOW)
    assert over(driver, 0, 50) == before


def test_a_ratio_of_more_than_there_were_is_none() -> None:
    driver = told((0, PAID), account="a")
    turns = [event(10 + at, (1 + at / 10, kind), account="b") for at, kind in enumerate([PAID, LEFT, PAID, LEFT])]
    driver.feed(turns, NOW)
    found = over(driver, 1, 2)
    assert found == {"accounts": 1, "accounts_new": 2, "accounts_lost": 2}


def test_days_that_are_not_kept_any_more_leave_the_stock() -> None:
    """As the definition says: who was there when the first of them began is missing; nobody is not -1."""
    driver = told((0, PAID), (1, PAID))
    driver.feed([event(50, (5, PAID), account="b")], NOW)
    driver.feed([event(51, (799, LEFT), account="b"), event(52, (800, "visit.page"), page="/")], NOW)
    driver.advance(NOW)
    assert over(driver, 799, 800)["accounts"] == 1
    driver.feed([event(53, (803, "visit.page"), page="/")], NOW)
    driver.advance(NOW)
    assert over(driver, 803, 804) == {"accounts": 0}
    driver.feed([event(54, (810, "visit.page"), page="/")], NOW)
    driver.advance(NOW)
    assert over(driver, 810, 811) == {}


def test_windows_and_alerts_read_stocks() -> None:
    driver = Driver(Config(windows=("day", "7d", "1h")))
    turns = [event(1, (0, PAID), account="a"), event(2, (1, PAID), account="b"), event(3, (20, LEFT), account="b")]
    driver.feed(turns, NOW)
    driver.advance(START + 21 * DAY)
    assert driver.value("accounts", "day") == Value(1, 2)
    assert driver.value("account_churn_ratio", "7d") == Value(0.5, 2)
    assert driver.value("accounts", "1h") is None


def test_the_backlog_is_what_was_opened_and_not_resolved_by_then() -> None:
    driver = Driver(Config())
    for number, (days, kind, ticket) in enumerate(
        [(0, "opened", "a"), (1, "opened", "b"), (2, "resolved", "a"), (5, "resolved", "b"), (5.5, "resolved", "new")]
    ):
        author = {"author": "customer"} if kind == "opened" else {}
        driver.feed([event(number, (days, f"ticket.{kind}"), ticket=ticket, **author)], NOW)
    backlog = [driver.values(START + day * DAY, START + (day + 1) * DAY)["backlog_tickets"] for day in range(7)]
    assert [value.value for value in backlog] == [1, 2, 1, 1, 1, 0, 0]
    assert [value.samples for value in backlog] == [1, 2, 3, 3, 3, 4, 4]
