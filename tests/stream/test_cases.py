"""Orders and emails: what they count as, whatever happens to them."""

import re
from typing import Any

import orjson
import pytest

from stream.config import Config
from stream.driver import Driver

START = 1_773_187_200_000
HOUR, DAY = 3_600_000, 86_400_000
Event = dict[str, Any]


def paid(at: int, amount: int, order: str = "o", **fields: Any) -> Event:
    return {"type": "purchase.completed", "time": at, "order": order, "amount": amount, "currency": "EUR", **fields}


def refunded(at: int, amount: int, **fields: Any) -> Event:
    return {"type": "purchase.refunded", "time": at, "order": "o", "amount": amount, "currency": "EUR", **fields}


def email(at: int, fate: str) -> Event:
    return {"type": f"email.{fate}", "time": at, "email": "m"}


def numbers(*events: Event, hours: tuple[int, int] = (0, 24)) -> dict[str, float]:
    """What some hours of the day read, of these events in this order, each in a batch of its own; times in hours."""
    driver = Driver(Config(segmentations=((),)))
    for number, event in enumerate(events):
        common = {"id": f"e{number}", "customer": "ann", "channel": "web"}
        body = {**common, **event, "time": START + event["time"] * HOUR}
        driver.feed([(b"ann", orjson.dumps(body))], START + 60 * DAY)
    assert driver.rejected == []
    start, end = (START + hour * HOUR for hour in hours)
    found = driver.values(start, end)
    others = re.compile("touchpoints|.*customers|stage_|journeys|multichannel")
    return {name: value.value for name, value in found.items() if not others.match(name)}


def test_an_order_given_back_whole_is_no_purchase_any_more_and_its_money_goes_where_it_went() -> None:
    events = [paid(1, 100), refunded(5, 100)]
    assert "purchases" not in numbers(*events)
    assert numbers(*events, hours=(0, 4))["revenue"] == 100
    assert numbers(*events, hours=(4, 24))["revenue"] == -100


def test_an_order_given_back_twice_gives_its_money_back_once() -> None:
    found = numbers(paid(1, 100), refunded(5, 100), refunded(6, 100))
    assert (found["revenue"], found["revenue_refunded"], found["excess_refunds"]) == (0, 100, 1)


def test_a_refund_that_comes_before_its_order_is_limited_once_that_is_known() -> None:
    assert numbers(refunded(5, 300))["revenue_refunded"] == 300
    found = numbers(refunded(5, 300), paid(1, 100))
    assert (found["revenue"], found["excess_refunds"]) == (0, 1)


def test_an_order_said_to_be_paid_twice_is_paid_once_at_the_earlier_time() -> None:
    found = numbers(paid(9, 250), paid(2, 100))
    assert (found["revenue"], found["purchases"]) == (100, 1)
    assert numbers(paid(9, 250), paid(2, 100), hours=(3, 24)) == {}


def test_other_currencies_are_not_added_up() -> None:
    found = numbers(paid(1, 100), paid(2, 100, "other", currency="USD"))
    assert "revenue" not in found
    assert found["purchases"] == 2


def test_a_refund_in_another_currency_leaves_the_purchase() -> None:
    found = numbers(paid(1, 100), refunded(2, 100, currency="USD"))
    assert found["purchases"] == 1
    assert "revenue" not in found


@pytest.mark.parametrize("number", [32, 33, 100])
def test_many_refunds_of_one_order_are_counted_though_not_all_are_remembered(number: int) -> None:
    found = numbers(paid(0, 1_000), *(refunded(1, 20) for _ in range(number)))
    assert found["revenue_refunded"] == min(1_000, 20 * number)
    assert found.get("excess_refunds", 0) == max(0, number - 50)
    assert found.get("purchases", 0) == (number < 50)


def test_a_purchase_that_arrives_late_is_the_first() -> None:
    later_first = [paid(5, 100, "b"), paid(2, 100, "a")]
    assert numbers(*later_first, hours=(0, 4))["repeat_purchase_ratio"] == 0
    assert numbers(*later_first, hours=(4, 24))["repeat_purchase_ratio"] == 1


def test_what_becomes_of_an_email_counts_where_it_was_delivered() -> None:
    found = numbers(email(20, "clicked"), email(1, "delivered"), hours=(0, 2))
    assert (found["email_open_ratio"], found["email_click_ratio"]) == (1, 1)


def test_an_email_that_is_never_said_to_be_delivered_has_no_ratio() -> None:
    assert numbers(email(1, "opened")) == {}


def test_a_conversion_counts_within_thirty_days_of_the_start_and_not_before_it() -> None:
    started = {"type": "account.trial_started", "time": 2}
    for at, converted in ((1, 0), (2, 1), (2 + 30 * 24, 1), (3 + 30 * 24, 0)):
        found = numbers(started, {"type": "account.converted", "time": at}, hours=(0, 24))
        assert (found["trials_started"], found["trial_conversion_ratio"]) == (1, converted)


def test_two_accounts_of_a_customer_have_a_trial_each() -> None:
    one, other = ({"type": "account.trial_started", "time": 2, "account": name} for name in "ab")
    assert numbers(one, other, one)["trials_started"] == 2


def test_an_amount_that_would_not_add_up_is_rejected() -> None:
    driver = Driver(Config(segmentations=((),)))
    body = {"id": "e", "customer": "ann", "channel": "web", **paid(0, 10**12 + 1), "time": START}
    driver.feed([(b"ann", orjson.dumps(body))], START + DAY)
    (rejected,) = driver.rejected
    assert "amount" in rejected.detail
