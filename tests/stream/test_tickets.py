"""Tickets: what counts as resolved, at first contact, and after how long."""

from typing import Any

import orjson
import pytest

from stream.config import Config
from stream.driver import Driver

DAY = 86_400_000
START = 1_773_187_200_000
MINUTE = 60_000
Step = dict[str, Any]


def step(at: int, kind: str, **fields: Any) -> Step:
    """Something that happens to the ticket, ``at`` so many minutes."""
    common = {"time": START + at * MINUTE, "customer": "ann", "channel": "chat", "ticket": "t"}
    return {**common, "type": kind, **fields}


def opened(at: int = 0, **fields: Any) -> Step:
    return step(at, "ticket.opened", **fields)


def replied(at: int, author: str, **fields: Any) -> Step:
    return step(at, "ticket.replied", author=author, **fields)


def said(at: int, author: str, session: str | None = "s1") -> Step:
    return step(at, "chat.message", author=author, **({"session": session} if session else {}))


def resolved(at: int) -> Step:
    return step(at, "ticket.resolved")


def reopened(at: int, **fields: Any) -> Step:
    return step(at, "ticket.reopened", **fields)


def closed(at: int) -> Step:
    return step(at, "ticket.closed")


def told(*steps: Step) -> Driver:
    """The driver after these steps in this order, each in a batch of its own."""
    driver = Driver(Config(segmentations=((), ("region",))))
    for number, given in enumerate(steps):
        driver.feed([(b"ann", orjson.dumps({"id": f"e{number}", **given}))], START + 30 * DAY)
    assert driver.rejected == []
    return driver


def numbers(driver: Driver, start: int = 0, end: int = 1440, **segment: str) -> dict[str, float]:
    """What [start, end), in minutes, reads of tickets."""
    segments = tuple(segment.items())
    found = driver.values(START + start * MINUTE, START + end * MINUTE, segments)
    return {name: value.value for name, value in found.items() if name.startswith(("fcr", "resolution_mean", "neg"))}


def fcr(*steps: Step) -> tuple[float | None, float | None, float | None]:
    """At first contact, strictly, at one touch: each 1.0, 0.0, or None where the ticket is not resolved."""
    found = numbers(told(*steps))
    return found.get("fcr_ratio"), found.get("fcr_strict_ratio"), found.get("fcr_one_touch_ratio")


YES, NO, NONE = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (None, None, None)
AT_ONE_TOUCH = (0.0, 0.0, 1.0)
IN_MANY_TOUCHES = (1.0, 1.0, 0.0)
BY_TWO_TEAMS = (1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("expected", "steps"),
    [
        pytest.param(YES, [opened(), resolved(9)], id="the opening is the first contact"),
        pytest.param(YES, [opened(), replied(5, "agent"), resolved(9)], id="an answer is no contact"),
        pytest.param(
            YES, [opened(), replied(5, "customer"), resolved(9)], id="a word added before an answer is the same"
        ),
        pytest.param(
            AT_ONE_TOUCH,
            [opened(), replied(5, "agent"), replied(6, "customer"), resolved(9)],
            id="a message after an agent's reply is another contact",
        ),
        pytest.param(
            AT_ONE_TOUCH,
            [opened(), replied(5, "agent"), step(6, "email.received"), resolved(9)],
            id="an email after an agent's reply is another contact",
        ),
        pytest.param(
            AT_ONE_TOUCH, [opened(), step(6, "call.started"), resolved(9)], id="a call back is another contact"
        ),
        pytest.param(
            YES, [opened(), step(6, "call.started", direction="outbound"), resolved(9)], id="our own call is none"
        ),
        pytest.param(
            YES, [step(0, "call.started"), opened(1), resolved(9)], id="the call that led to it is the opening"
        ),
        pytest.param(
            IN_MANY_TOUCHES,
            [
                opened(session="s1"),
                said(1, "agent"),
                said(2, "customer"),
                said(3, "agent"),
                said(4, "customer"),
                resolved(9),
            ],
            id="the messages of one chat session are one contact",
        ),
        pytest.param(
            IN_MANY_TOUCHES,
            [said(0, "customer"), opened(), said(1, "agent"), said(2, "customer"), said(3, "agent"), resolved(9)],
            id="a chat that led to the ticket is its opening",
        ),
        pytest.param(
            AT_ONE_TOUCH,
            [said(0, "customer"), opened(), said(1, "agent"), said(2, "customer", "s2"), resolved(9)],
            id="another chat session is another contact",
        ),
        pytest.param(
            YES,
            [said(0, "customer"), opened(), said(2, "customer", "s2"), resolved(9)],
            id="another session that nobody had answered before is the same",
        ),
        pytest.param(
            YES,
            [opened(), replied(5, "agent", public=False), replied(6, "customer"), resolved(9)],
            id="a note that the customer cannot see is no reply",
        ),
        pytest.param(
            IN_MANY_TOUCHES,
            [opened(), replied(5, "agent"), replied(6, "agent"), resolved(9)],
            id="two replies are no single touch",
        ),
        pytest.param(
            BY_TWO_TEAMS,
            [opened(team="a"), step(5, "ticket.assigned", team="b"), resolved(9)],
            id="another team is not strict",
        ),
        pytest.param(
            YES,
            [opened(), step(4, "ticket.assigned", team="a"), step(5, "ticket.assigned", team="a"), resolved(9)],
            id="the first team, and the same again, are no move",
        ),
        pytest.param(
            YES,
            [opened(team="a"), step(5, "ticket.assigned", agent="bob"), resolved(9)],
            id="another agent of the team is no move",
        ),
        pytest.param(NO, [opened(), resolved(5), reopened(6), resolved(9)], id="reopened is never first contact"),
        pytest.param(NONE, [opened(), resolved(5), reopened(6)], id="reopened is not resolved"),
        pytest.param(NONE, [opened(), replied(5, "agent")], id="open is not resolved"),
        pytest.param(YES, [opened(), closed(9)], id="closed counts as resolved if it never was"),
        pytest.param(NONE, [opened(), resolved(5), step(9, "ticket.merged", into="u")], id="merged leaves all counts"),
        pytest.param(
            NONE, [opened(), step(4, "ticket.merged", into="u"), resolved(5)], id="merged stays out whatever comes"
        ),
        pytest.param(
            YES,
            [opened(), replied(2, "agent"), resolved(5), replied(6, "customer"), closed(9)],
            id="thanks after the resolution are no contact that it took",
        ),
        pytest.param(
            AT_ONE_TOUCH,
            [
                opened(),
                replied(1, "bot"),
                replied(2, "customer"),
                replied(3, "agent"),
                replied(4, "customer"),
                resolved(9),
            ],
            id="after a bot and an agent it is another contact",
        ),
        pytest.param(
            YES,
            [opened(), replied(1, "bot"), replied(2, "customer"), resolved(9)],
            id="a bot's reply is no agent's reply",
        ),
        pytest.param(
            IN_MANY_TOUCHES,
            [
                said(0, "customer"),
                replied(1, "customer"),
                said(2, "agent"),
                said(3, "customer"),
                said(4, "agent"),
                resolved(9),
            ],
            id="messages of one chat session are one also with another word between",
        ),
    ],
)
def test_first_contact(expected: tuple[float | None, ...], steps: list[Step]) -> None:
    assert fcr(*steps) == expected


def test_the_time_runs_from_the_opening_to_the_last_resolution() -> None:
    driver = told(opened(0), resolved(10), reopened(20), resolved(50))
    assert numbers(driver)["resolution_mean_seconds"] == 50 * 60


def test_a_resolution_said_twice_counts_once_at_the_later_time() -> None:
    driver = told(opened(0), resolved(10), resolved(30))
    assert numbers(driver, 0, 30) == {}
    assert numbers(driver, 30, 31)["resolution_mean_seconds"] == 30 * 60


def test_closing_does_not_move_a_resolution() -> None:
    driver = told(opened(0), resolved(10), closed(500))
    assert numbers(driver, 0, 60)["resolution_mean_seconds"] == 10 * 60
    assert numbers(driver, 60, 1440) == {}


def test_closing_counts_when_the_reopened_ticket_was_not_resolved_again() -> None:
    driver = told(opened(0), resolved(10), reopened(20), closed(40))
    assert numbers(driver)["resolution_mean_seconds"] == 40 * 60


#          ├──── 0 h ────┼──── 1 h ────┼──── 2 h ────┤
#   at 10 min  resolved
#   at 70 min               reopened              : nothing counts
#   at 130 min                            resolved : counts there
def test_a_reopened_ticket_is_taken_back_where_it_was_counted_and_comes_back_later() -> None:
    steps = [opened(0), resolved(10), reopened(70), resolved(130)]
    hours = [(0, 60), (60, 120), (120, 180)]
    counted = [[bool(numbers(told(*steps[:count]), *hour)) for hour in hours] for count in (2, 3, 4)]
    assert counted == [[True, False, False], [False, False, False], [False, False, True]]


def test_a_merged_ticket_is_taken_back() -> None:
    driver = told(opened(0), resolved(10), step(70, "ticket.merged", into="u"))
    assert numbers(driver) == {}


def test_a_negative_duration_is_counted_as_such_and_not_averaged() -> None:
    driver = told(opened(10), resolved(5))
    assert numbers(driver) == {
        "fcr_ratio": 1.0,
        "fcr_strict_ratio": 1.0,
        "fcr_one_touch_ratio": 1.0,
        "negative_durations": 1.0,
    }


def test_a_ticket_whose_opening_is_not_known_has_no_duration() -> None:
    found = numbers(told(replied(0, "customer"), resolved(5)))
    assert found["fcr_ratio"] == 1.0
    assert found.keys().isdisjoint({"resolution_mean_seconds", "negative_durations"})


def test_an_opening_that_arrives_late_completes_the_duration() -> None:
    assert numbers(told(resolved(30), opened(0)))["resolution_mean_seconds"] == 30 * 60


def test_a_ticket_counts_in_the_segment_of_its_first_touchpoint() -> None:
    driver = told(opened(0, region="eu"), {**resolved(5), "region": "us"})
    assert numbers(driver, region="eu")["fcr_ratio"] == 1.0
    assert numbers(driver, region="us") == {}


def test_tickets_of_the_same_name_of_two_customers_are_two() -> None:
    driver = told(opened(0), resolved(10), {**opened(0), "customer": "bob"}, {**resolved(30), "customer": "bob"})
    assert driver.values(START, START + DAY)["fcr_ratio"].samples == 2
    assert numbers(driver)["resolution_mean_seconds"] == 20 * 60


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(
            [opened(0), resolved(10), resolved(30), reopened(20)], id="a reopening that arrives after its end"
        ),
        pytest.param([opened(0), closed(30), resolved(10)], id="a resolution that arrives after the closing"),
        pytest.param(
            [opened(0), resolved(9), replied(5, "customer"), replied(2, "agent")], id="replies that arrive late"
        ),
    ],
)
def test_a_tickets_events_count_in_order_of_their_times(steps: list[Step]) -> None:
    ordered = sorted(steps, key=lambda given: given["time"])
    assert numbers(told(*steps)) == numbers(told(*ordered))


def test_a_late_touchpoint_before_all_others_moves_the_ticket_to_its_segment() -> None:
    driver = told({**opened(5), "region": "us"}, resolved(9), {**replied(0, "customer"), "region": "eu"})
    assert numbers(driver, region="eu")["fcr_ratio"] == 1.0
    assert numbers(driver, region="us") == {}


def test_a_ticket_with_more_steps_than_are_kept_in_order_counts_all_of_them() -> None:
    """200 contacts, then a resolution; and a late one that comes before what is kept still counts."""
    many = [step(at, "call.started") for at in range(1, 201)]
    assert numbers(told(opened(0), *many, resolved(300)))["fcr_ratio"] == 0.0
    late = numbers(
        told(opened(0), *[replied(at, "agent") for at in range(1, 201)], resolved(300), step(1, "call.started"))
    )
    assert late["fcr_ratio"] == 0.0


def test_a_chat_handed_to_another_team_is_a_move() -> None:
    moved = told(opened(0, team="a"), step(1, "chat.handed_off", to_team="b"), resolved(2))
    assert numbers(moved)["fcr_ratio"] == 1.0
    assert numbers(moved)["fcr_strict_ratio"] == 0.0


def test_replies_before_the_opening_do_not_hide_the_first_one_after_it() -> None:
    driver = told(replied(1, "agent"), replied(2, "agent"), opened(10), replied(11, "agent"))
    found = driver.values(START, START + DAY)
    assert (found["first_reply_mean_seconds"].value, found["first_reply_mean_seconds"].samples) == (60, 1)
