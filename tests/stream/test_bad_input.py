"""What sources get wrong, and what becomes of it; the list is docs/bad-input.md."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.rejected import Reason
from stream.config import Config
from stream.driver import Driver

START = 1_773_187_200_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
Event = dict[str, Any]


def told(*events: Event, now_ms: int = START + 60 * DAY) -> Driver:
    """The driver after these events, one by one; times in hours from the start of a day."""
    driver = Driver(Config(segmentations=((),)))
    for number, event in enumerate(events):
        body = {"id": f"e{number}", "customer": "ann", "channel": "web", **event}
        body["time"] = START + round(event["time"] * HOUR)
        driver.feed([(body["customer"].encode(), orjson.dumps(body))], now_ms)
    return driver


def values(driver: Driver, hours: tuple[int, int] = (0, 24)) -> dict[str, float]:
    start, end = (START + hour * HOUR for hour in hours)
    return {name: value.value for name, value in driver.values(start, end).items()}


def ticket(what: str, at: float, name: str = "t", **fields: Any) -> Event:
    return {"type": f"ticket.{what}", "time": at, "ticket": name, **fields}


def test_tickets_merged_in_a_circle_leave_all_counts() -> None:
    opened = [ticket("opened", 1, "a"), ticket("opened", 2, "b")]
    merged = [ticket("merged", 3, "a", into="b"), ticket("merged", 4, "b", into="a")]
    found = values(told(*opened, *merged, ticket("resolved", 5, "a"), ticket("resolved", 6, "b")))
    assert not {"tickets_opened", "fcr_ratio", "resolution_mean_seconds"} & found.keys()


def test_a_ticket_resolved_before_it_was_opened_is_counted_as_that() -> None:
    found = values(told(ticket("resolved", 1), ticket("opened", 2)))
    assert (found["negative_durations"], found["fcr_ratio"]) == (1, 1)
    assert "resolution_mean_seconds" not in found


def test_a_resolution_that_only_arrives_before_the_opening_is_none_the_worse() -> None:
    found = values(told(ticket("resolved", 2), ticket("opened", 1)))
    assert found["resolution_mean_seconds"] == 3600
    assert "negative_durations" not in found


def test_an_answer_counts_also_where_the_survey_was_sent_later_or_never() -> None:
    answer = {"type": "survey.answered", "time": 1, "survey": "s", "kind": "csat", "score": 9}
    sent = {"type": "survey.sent", "time": 2, "survey": "s", "kind": "csat"}
    assert "csat_response_rate" not in values(told(answer))
    found = values(told(answer, sent))
    assert (found["csat_score"], found["csat_response_rate"]) == (9, 1)


def test_an_answer_before_the_start_of_the_call_is_no_negative_wait() -> None:
    talk = {"session": "s", "channel": "phone"}
    found = values(told({"type": "call.answered", "time": 1, **talk}, {"type": "call.started", "time": 1.5, **talk}))
    assert found["wait_mean_seconds"] == 0


@pytest.mark.parametrize(("ahead_ms", "reason"), [(5 * MINUTE, None), (5 * MINUTE + 1, Reason.FUTURE)])
def test_a_source_whose_clock_is_fast_may_be_so_by_five_minutes(ahead_ms: int, reason: Reason | None) -> None:
    event = {"type": "visit.page", "page": "/", "time": 0}
    driver = told(event, now_ms=START - ahead_ms)
    assert [each.reason for each in driver.rejected] == ([] if reason is None else [reason])


def test_a_source_whose_clock_is_slow_counts_where_it_says() -> None:
    """Also where others have gone on by days; it says so as late."""
    page = {"type": "visit.page", "page": "/"}
    driver = told({**page, "time": 100}, {**page, "time": 3})
    assert values(driver)["touchpoints"] == 1
    assert sum(folded.late for folded in driver.folded) == 1


def test_each_line_of_the_list_names_a_test_that_there_is() -> None:
    root = Path(__file__).parents[2]
    lines = [line for line in (root / "docs" / "bad-input.md").read_text().splitlines() if line.startswith("| ")][2:]
    assert len(lines) > 10
    for line in lines:
        name = line.split("|")[-2].strip().strip("`")
        file, _, test = name.partition("::")
        assert f"def {test}(" in (root / "tests" / file).read_text(), name
