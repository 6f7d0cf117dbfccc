"""Timers: they run out once, by the watermark or by the clock, also after a crash, and a batch takes only so many."""

from itertools import count
from typing import Any

import orjson
import pytest

from stream.cases.cart import CartKind
from stream.config import Config
from stream.driver import Driver
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS
from stream.timers import PREFIX

START = 1_773_187_200_000
_ids = count()


def driver(partitions: int = 1) -> Driver:
    return Driver(Config(segmentations=((),)), partitions=partitions)


def tell(to: Driver, at: int, kind: str, now: int | None = None, **fields: Any) -> None:
    """A touchpoint of a time after the start, in a batch of its own, at the same time of the clock or at ``now``."""
    customer = fields.pop("customer", "ann")
    event = {"id": f"e{next(_ids)}", "type": kind, "time": START + at, "customer": customer, "channel": "web", **fields}
    to.feed([(customer.encode(), orjson.dumps(event))], START + (at if now is None else now))
    assert to.rejected == []


def buy(to: Driver, at: int, **fields: Any) -> None:
    tell(to, at, "purchase.completed", order=f"o{at}", amount=100, currency="EUR", **fields)


def abandoned(of: Driver) -> int | None:
    """The carts abandoned, by what is in the books: a window would move on with the clock."""
    found = of.values(START, START + 60 * DAY_MS)
    carts = found.get("cart_abandonment_ratio")
    return None if carts is None else round(carts.value * carts.samples)


@pytest.mark.parametrize(("later", "expected"), [(-1, None), (0, 1)])
def test_a_cart_is_abandoned_to_the_millisecond_by_the_next_touchpoint(later: int, expected: int | None) -> None:
    shop = driver()
    tell(shop, 0, "visit.cart")
    tell(shop, HOUR_MS + later, "visit.page", page="/", customer="bob")
    assert abandoned(shop) == expected


def test_a_cart_is_abandoned_though_nothing_comes_any_more() -> None:
    shop = driver()
    tell(shop, 0, "visit.cart")
    shop.go_on(START + HOUR_MS)
    assert abandoned(shop) is None  # two seconds may be on their way
    shop.go_on(START + HOUR_MS + 2_000)
    assert abandoned(shop) == 1
    shop.go_on(START + 2 * HOUR_MS)
    assert abandoned(shop) == 1


def test_a_silent_partition_goes_on_at_the_speed_of_the_clock_whatever_the_age_of_what_came() -> None:
    shop = driver()
    tell(shop, 0, "visit.cart", now=900 * DAY_MS)
    shop.go_on(START + 900 * DAY_MS + HOUR_MS - MINUTE_MS)
    assert abandoned(shop) is None
    shop.go_on(START + 900 * DAY_MS + HOUR_MS + MINUTE_MS)
    assert abandoned(shop) == 1


@pytest.mark.parametrize("lose", [False, True])
def test_a_timer_runs_out_once_whatever_crashes(lose: bool) -> None:
    shop = driver()
    tell(shop, 0, "visit.cart")
    shop.crash(0, START + MINUTE_MS, lose=lose)
    shop.go_on(START + HOUR_MS + 2 * MINUTE_MS)
    assert abandoned(shop) == 1
    shop.crash(0, START + 2 * HOUR_MS, lose=lose)
    shop.go_on(START + 3 * HOUR_MS)
    assert abandoned(shop) == 1
    buy(shop, 3 * HOUR_MS)
    assert abandoned(shop) == 1


def test_a_purchase_that_arrives_late_takes_an_abandonment_back() -> None:
    shop = driver()
    tell(shop, 0, "visit.cart")
    shop.go_on(START + 2 * HOUR_MS)
    assert abandoned(shop) == 1
    buy(shop, HOUR_MS, now=2 * HOUR_MS)
    assert abandoned(shop) == 0


def test_a_purchase_after_more_than_an_hour_recovers_the_cart() -> None:
    shop = driver()
    tell(shop, 0, "visit.cart")
    buy(shop, HOUR_MS + 1)
    assert abandoned(shop) == 1
    assert shop.values(START, START + DAY_MS)["carts_recovered"].value == 1


def test_the_hour_begins_anew_with_each_change_but_not_with_a_look() -> None:
    shop = driver()
    tell(shop, 0, "visit.cart")
    tell(shop, 50 * MINUTE_MS, "visit.cart", action="removed")
    tell(shop, 55 * MINUTE_MS, "visit.cart", action="viewed")
    shop.go_on(START + 109 * MINUTE_MS)
    assert abandoned(shop) is None
    shop.go_on(START + 111 * MINUTE_MS)
    assert abandoned(shop) == 1


def test_what_happened_to_a_cart_long_ago_stays_counted() -> None:
    shop = driver()
    for number in range(100):
        tell(shop, 3 * number * HOUR_MS, "visit.cart")
        buy(shop, 3 * number * HOUR_MS + (MINUTE_MS if number % 2 else 2 * HOUR_MS))
    found = shop.values(START, START + 60 * DAY_MS)
    assert (found["carts"].value, abandoned(shop), found["carts_recovered"].value) == (100, 50, 50)


def test_a_batch_takes_only_so_many_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.timers._AT_ONCE", 500)
    shop = driver()
    for number in range(2_500):
        tell(shop, number, "visit.cart", customer=f"customer-{number}")
    taken = []
    for minute in range(1, 8):
        shop.go_on(START + HOUR_MS + minute * MINUTE_MS)
        taken.append(abandoned(shop))
    assert taken == [500, 1_500, 2_500, 2_500, 2_500, 2_500, 2_500]  # a minute here has two batches
    assert not [key for store in shop.stores() for key in store if key.startswith(PREFIX + CartKind.prefix)]


def test_a_trial_expires_when_it_ends_unless_it_was_paid() -> None:
    sold = driver()
    for number, ends in enumerate((DAY_MS, 2 * DAY_MS, None)):
        account = f"a{number}"
        tell(sold, 0, "account.trial_started", account=account, **({} if ends is None else {"ends_ms": START + ends}))
    tell(sold, HOUR_MS, "account.converted", account="a1")
    for day, expired in ((1, None), (2, 1), (29, 1), (31, 2)):
        sold.go_on(START + day * DAY_MS)
        found = sold.values(START, START + 60 * DAY_MS).get("trials_expired")
        assert (None if found is None else found.value) == expired


def test_what_was_counted_before_a_crash_is_taken_back_after_it() -> None:
    """The outputs of a batch may be out before its state is lost: what comes then must still be told right."""
    shop = driver()
    tell(shop, 0, "visit.cart")
    shop.go_on(START + 2 * HOUR_MS)
    assert abandoned(shop) == 1
    shop.crash(0, START + 2 * HOUR_MS, again=0, lose=True)
    tell(shop, 30 * MINUTE_MS, "visit.cart", now=2 * HOUR_MS)
    buy(shop, 31 * MINUTE_MS, now=2 * HOUR_MS)
    shop.go_on(START + 5 * HOUR_MS)
    found = shop.values(START, START + DAY_MS)
    assert (found["carts"].value, abandoned(shop)) == (1, 0)


def test_late_touchpoints_do_not_stop_time() -> None:
    shop = driver()
    tell(shop, 0, "visit.cart")
    for number in range(1, 5):
        tell(shop, -number, "visit.page", page="/", customer="bob", now=number * 50 * MINUTE_MS)
        shop.go_on(START + number * 50 * MINUTE_MS + MINUTE_MS)
    assert abandoned(shop) == 1


def test_nobody_is_forgotten_before_their_timer_has_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.timers._AT_ONCE", 500)
    shop = Driver(Config(segmentations=((),), kept_ms={"cart": 33 * DAY_MS}))
    for number in range(1_200):
        tell(shop, number, "visit.cart", customer=f"customer-{number}")
    for day in range(100, 105):
        tell(shop, day * DAY_MS, "visit.page", page="/", customer="bob")
    found = shop.values(START, START + 120 * DAY_MS)
    assert found["carts"].value == 1_200
