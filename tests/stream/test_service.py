"""Targets and confirmed resolutions: to the millisecond, by time alone, and whatever comes late."""

from itertools import count
from typing import Any

import orjson
import pytest

from stream.backlog import backlog
from stream.config import Config
from stream.driver import Driver
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS

START = 1_773_187_200_000
NOW = START + 1_000 * DAY_MS
_ids = count(10_000)


def driver(**config: Any) -> Driver:
    return Driver(Config(segmentations=((), ("region",)), **config))


def tell(to: Driver, at: int, kind: str, ticket: str | None = "t", **fields: Any) -> None:
    """A touchpoint of a time after the start, in a batch of its own."""
    event = {"id": f"e{next(_ids)}", "type": kind, "time": START + at, "customer": "ann", "channel": "web"}
    about = {} if ticket is None else {"ticket": ticket}
    to.feed([(b"ann", orjson.dumps(event | about | fields))], NOW)
    assert to.rejected == []


def come(to: Driver, at: int) -> None:
    """Event time comes to a moment by another customer's touchpoint."""
    event = {"id": f"e{next(_ids)}", "type": "visit.page", "time": START + at, "customer": "bob", "channel": "web"}
    to.feed([(b"bob", orjson.dumps(event | {"page": "/"}))], NOW)


def read(of: Driver, name: str, days: int = 60, **segment: str) -> tuple[float, int] | None:
    found = of.values(START, START + days * DAY_MS, tuple(segment.items())).get(name)
    return None if found is None else (found.value, found.samples)


@pytest.mark.parametrize(
    ("priority", "target"),
    [({"priority": "urgent"}, 240), ({"priority": "high"}, 1_440), ({}, 4_320), ({"priority": "low"}, 10_080)],
)
def test_a_ticket_is_overdue_once_its_target_has_passed_though_nothing_happens(
    priority: dict[str, str], target: int
) -> None:
    desk = driver()
    tell(desk, 0, "ticket.opened", **priority)
    come(desk, target * MINUTE_MS - 1)
    assert read(desk, "tickets_overdue") is None
    come(desk, target * MINUTE_MS)
    assert read(desk, "tickets_overdue") == (1, 1)
    assert read(desk, "resolution_breach_ratio") == (1, 1)


@pytest.mark.parametrize(("after", "breached"), [(4 * HOUR_MS, 0.0), (4 * HOUR_MS + 1, 1.0)])
def test_what_takes_exactly_as_long_as_its_target_is_in_time(after: int, breached: float) -> None:
    desk = driver()
    tell(desk, 0, "ticket.opened", priority="urgent")
    tell(desk, after, "ticket.resolved")
    assert read(desk, "resolution_breach_ratio") == (breached, 1)


@pytest.mark.parametrize(("after", "breached"), [(30 * MINUTE_MS, 0.0), (30 * MINUTE_MS + 1, 1.0)])
def test_a_first_reply_is_in_time_up_to_its_target(after: int, breached: float) -> None:
    desk = driver()
    tell(desk, 0, "ticket.opened", priority="urgent")
    tell(desk, after, "ticket.replied", author="agent")
    assert read(desk, "first_reply_breach_ratio") == (breached, 1)


def test_a_ticket_resolved_in_time_needs_no_reply() -> None:
    desk = driver()
    tell(desk, 0, "ticket.opened", priority="urgent")
    tell(desk, MINUTE_MS, "ticket.resolved")
    come(desk, DAY_MS)
    assert read(desk, "first_reply_breach_ratio") is None
    tell(desk, 2 * DAY_MS, "ticket.reopened")
    assert read(desk, "first_reply_breach_ratio") == (1, 1)


def test_a_ticket_reopened_and_resolved_after_its_target_is_overdue_where_the_target_had_passed() -> None:
    desk = driver()
    tell(desk, 0, "ticket.opened", priority="urgent")
    tell(desk, HOUR_MS, "ticket.resolved")
    come(desk, DAY_MS)
    assert read(desk, "resolution_breach_ratio") == (0, 1)
    tell(desk, 2 * DAY_MS, "ticket.reopened")
    tell(desk, 3 * DAY_MS, "ticket.resolved")
    assert read(desk, "tickets_overdue", days=1) == (1, 1)
    assert read(desk, "resolution_breach_ratio") == (1, 1)


def test_a_resolution_that_arrives_late_takes_the_breach_back() -> None:
    desk = driver()
    tell(desk, 0, "ticket.opened", priority="urgent")
    come(desk, DAY_MS)
    tell(desk, HOUR_MS, "ticket.resolved")
    assert read(desk, "resolution_breach_ratio") == (0, 1)
    assert read(desk, "first_reply_breach_ratio") == (1, 1)


def test_a_ticket_resolved_before_it_was_opened_is_neither_in_time_nor_overdue_nor_ever_open() -> None:
    desk = driver()
    tell(desk, 0, "ticket.resolved")
    tell(desk, DAY_MS, "ticket.opened")
    come(desk, 30 * DAY_MS)
    assert read(desk, "resolution_breach_ratio") is None
    days = {day: desk.counters(START + day * DAY_MS, START + (day + 1) * DAY_MS) for day in range(3)}
    assert [backlog(days, day).ages for day in range(3)] == [{}, {}, {}]


def test_the_priority_and_topic_are_those_of_the_earliest_opening_and_of_two_that_of_the_smaller_id() -> None:
    for ids in (("a", "b"), ("b", "a")):
        desk = driver()
        for name in ids:
            tell(desk, 0, "ticket.opened", id=name, priority="urgent" if name == "a" else "low")
        come(desk, 5 * HOUR_MS)
        assert read(desk, "tickets_overdue") == (1, 1)
    tell(desk, -HOUR_MS, "ticket.opened", priority="low")
    assert read(desk, "tickets_overdue") is None


def test_a_merged_ticket_is_in_no_number() -> None:
    desk = driver()
    tell(desk, 0, "ticket.opened", topic="login")
    tell(desk, HOUR_MS, "ticket.resolved")
    come(desk, 30 * DAY_MS)
    assert read(desk, "fcr_confirmed_ratio") == (1, 1)
    tell(desk, 2 * HOUR_MS, "ticket.merged", into="u")
    for name in ("fcr_confirmed_ratio", "resolution_breach_ratio", "first_reply_breach_ratio"):
        assert read(desk, name) is None


@pytest.mark.parametrize(("wait", "breached"), [(30_000, 0.0), (30_001, 1.0)])
@pytest.mark.parametrize("end", ["call.answered", "call.ended"])
def test_a_wait_is_over_its_target_by_a_millisecond_also_where_the_customer_gave_up(
    wait: int, breached: float, end: str
) -> None:
    desk = driver()
    tell(desk, 0, "call.started", None, session="s", priority="urgent")
    tell(desk, wait, end, None, session="s")
    assert read(desk, "wait_breach_ratio") == (breached, 1)


def test_the_priority_of_a_wait_is_that_of_its_start_of_two_that_of_the_smaller_id() -> None:
    for ids in (("a", "b"), ("b", "a")):
        desk = driver()
        for name in ids:
            tell(desk, 0, "chat.started", None, session="s", id=name, priority="urgent" if name == "a" else "low")
        tell(desk, MINUTE_MS, "chat.message", None, session="s", author="agent")
        assert read(desk, "wait_breach_ratio") == (1, 1)


# Confirmed resolutions


def resolve(to: Driver, at: int, ticket: str, **opening: Any) -> None:
    """A ticket opened at a time and resolved an hour later."""
    tell(to, at, "ticket.opened", ticket, **opening)
    tell(to, at + HOUR_MS, "ticket.resolved", ticket)


@pytest.mark.parametrize("topic", [{}, {"topic": "login"}])
def test_a_resolution_is_confirmed_a_week_later_to_the_millisecond(topic: dict[str, str]) -> None:
    desk = driver()
    resolve(desk, 0, "t", **topic)
    come(desk, 7 * DAY_MS + HOUR_MS - 1)
    assert read(desk, "fcr_confirmed_ratio") is None
    come(desk, 7 * DAY_MS + HOUR_MS)
    assert read(desk, "fcr_confirmed_ratio") == (1, 1)
    assert read(desk, "fcr_confirmed_ratio", days=7) is None


@pytest.mark.parametrize(
    ("after", "confirmed"), [(0, 1.0), (1, 0.0), (7 * DAY_MS, 0.0), (7 * DAY_MS + 1, 1.0)], ids=str
)
def test_another_ticket_on_the_topic_within_the_week_unmakes_a_resolution(after: int, confirmed: float) -> None:
    desk = driver()
    resolve(desk, 0, "t", topic="login")
    tell(desk, HOUR_MS + after, "ticket.opened", "u", topic="login")
    come(desk, 30 * DAY_MS)
    assert read(desk, "fcr_confirmed_ratio") == (confirmed, 1)


def test_a_ticket_on_another_topic_or_of_none_unmakes_nothing_until_it_is_said_to_be_on_the_same() -> None:
    desk = driver()
    resolve(desk, 0, "t", topic="login")
    tell(desk, DAY_MS, "ticket.opened", "u", topic="bill")
    tell(desk, DAY_MS, "ticket.opened", "v")
    come(desk, 10 * DAY_MS)
    assert read(desk, "fcr_confirmed_ratio") == (1, 1)
    tell(desk, DAY_MS - 1, "ticket.opened", "u", topic="login")
    assert read(desk, "fcr_confirmed_ratio") == (0, 1)
    tell(desk, DAY_MS - 2, "ticket.opened", "u", topic="bill")
    assert read(desk, "fcr_confirmed_ratio") == (1, 1)


def test_a_ticket_that_is_merged_unmakes_nothing_any_more() -> None:
    desk = driver()
    resolve(desk, 0, "t", topic="login")
    tell(desk, DAY_MS, "ticket.opened", "u", topic="login")
    come(desk, 30 * DAY_MS)
    assert read(desk, "fcr_confirmed_ratio") == (0, 1)
    tell(desk, 2 * DAY_MS, "ticket.merged", "u", into="t")
    assert read(desk, "fcr_confirmed_ratio") == (1, 1)


def test_tickets_without_a_topic_and_of_other_customers_stand_alone() -> None:
    desk = driver()
    resolve(desk, 0, "t")
    resolve(desk, DAY_MS, "u")
    resolve(desk, 2 * DAY_MS, "v", topic="login")
    tell(desk, 3 * DAY_MS, "ticket.opened", "w", topic="login", customer="bob")
    come(desk, 30 * DAY_MS)
    assert read(desk, "fcr_confirmed_ratio") == (1, 3)


def test_a_reopened_ticket_is_confirmed_by_its_last_resolution_and_never_at_first_contact() -> None:
    desk = driver()
    resolve(desk, 0, "t", topic="login")
    come(desk, 10 * DAY_MS)
    tell(desk, 11 * DAY_MS, "ticket.reopened")
    assert read(desk, "fcr_confirmed_ratio") is None
    tell(desk, 12 * DAY_MS, "ticket.resolved")
    come(desk, 30 * DAY_MS)
    assert read(desk, "fcr_confirmed_ratio") == (0, 1)


def test_a_confirmed_resolution_counts_in_the_segment_of_its_ticket() -> None:
    desk = driver()
    resolve(desk, 0, "t", topic="login", region="eu")
    tell(desk, 9 * DAY_MS, "ticket.opened", "u", topic="login", region="us")
    come(desk, 30 * DAY_MS)
    assert read(desk, "fcr_confirmed_ratio", region="eu") == (1, 1)
    assert read(desk, "fcr_confirmed_ratio", region="us") is None


@pytest.mark.parametrize("hours", [3, 10, 200])
def test_many_tickets_on_one_topic_are_counted_though_not_all_are_remembered(hours: int) -> None:
    """Only the last one stands, and where they are more than a week apart, each."""
    desk = driver()
    for number in range(100):
        resolve(desk, number * hours * HOUR_MS, f"t{number}", topic="login")
    come(desk, 100 * hours * HOUR_MS + 30 * DAY_MS)
    assert read(desk, "fcr_confirmed_ratio", days=1_000) == (1.0 if hours == 200 else 0.01, 100)


@pytest.mark.parametrize("lose", [False, True])
def test_a_resolution_is_confirmed_once_whatever_crashes(lose: bool) -> None:
    desk = driver()
    for number, topic in enumerate(({}, {"topic": "login"}, {"topic": "login"})):
        resolve(desk, 2 * number * HOUR_MS, f"t{number}", **topic)
        desk.crash(0, NOW, lose=lose)
    come(desk, 30 * DAY_MS)
    desk.crash(0, NOW, again=3, lose=lose)
    come(desk, 31 * DAY_MS)
    assert read(desk, "fcr_confirmed_ratio") == (2 / 3, 3)


def test_a_first_reply_after_replies_before_the_opening_is_counted() -> None:
    desk = driver()
    for minute in (0, 1):
        tell(desk, minute * MINUTE_MS, "ticket.replied", author="agent")
    tell(desk, 2 * MINUTE_MS, "ticket.opened")
    tell(desk, 3 * MINUTE_MS, "ticket.replied", author="agent")
    assert read(desk, "first_reply_mean_seconds") == (60, 1)
