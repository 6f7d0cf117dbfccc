"""Friction of one customer at a time: when it begins, what is said of it, and how it ends."""

from dataclasses import replace
from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from typing import Any

import orjson
import pytest

from schemas.alert import FrictionAlert
from stream import friction
from stream.config import KEPT_MS, Config
from stream.driver import Driver
from stream.friction import SIGNALS
from stream.friction.definition import define
from stream.friction.mark import MOST, Mark, Marks, put
from stream.friction.signal import SEVERITIES, Signal
from stream.friction.story import event, found
from stream.frictions import KIND
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS
from stream.tuning import Tuning

START_MS = 1_773_187_200_000
NOW_MS = START_MS + 3_000 * DAY_MS
ORDER: dict[str, Any] = {"order": "o", "amount": 100, "currency": "EUR"}
HARD: dict[str, Any] = {"survey": "s", "kind": "ces", "score": 2}


class Story:
    """One partition, or some, and what it tells of friction."""

    def __init__(self, config: Config | None = None, partitions: int = 1) -> None:
        self.driver = Driver(Config() if config is None else config, partitions=partitions)
        self._number = 0

    def tell(self, type_: str, after_ms: int = 0, customer: str = "ann", **fields: Any) -> None:
        """Something happens so long after the start."""
        self._number += 1
        event = {"type": type_, "id": f"e{self._number}", "time": START_MS + after_ms, "customer": customer}
        record = customer.encode(), orjson.dumps({"channel": "web", **event, **fields})
        self.driver.feed([record], NOW_MS)
        assert self.driver.rejected == []

    def pass_(self, after_ms: int) -> None:
        """Time passes, in every partition."""
        for number in range(8):
            self.tell("visit.load", after_ms, f"other-{number}", page="/", load_ms=1)

    def told(self, signal: str, customer: str = "ann") -> list[tuple[str, int]]:
        """The transitions of a signal, and when they were."""
        return [(alert.state, alert.at_ms - START_MS) for alert in self.alerts(signal, customer)]

    def alerts(self, signal: str, customer: str = "ann") -> list[FrictionAlert]:
        alerts = {alert.id: alert for alert in self.driver.frictions}.values()
        return [alert for alert in alerts if (alert.alert, alert.customer) == (signal, customer)]

    def kept(self, customer: str = "ann") -> bool:
        return any(KIND + customer.encode() in store for store in self.driver.stores())


def tuned(signal: str, **given: Any) -> Config:
    return Config(friction={signal: Tuning(**given)})


def test_an_alert_says_what_is_hard_for_whom_and_on_what_it_rests() -> None:
    story = Story()
    story.tell("survey.answered", MINUTE_MS, region="eu", **HARD)
    (alert,) = story.alerts("hard_answer")
    assert (alert.customer, alert.state, alert.about, alert.severity) == ("ann", "firing", "s", "warning")
    assert alert.value == pytest.approx(1 / 6)
    assert alert.bound == pytest.approx(1 / 3)
    assert alert.labels == {"channel": "web", "region": "eu"}
    assert [(each.id, each.type, each.channel) for each in alert.evidence] == [("e1", "survey.answered", "web")]
    assert alert.since_ms == alert.at_ms == START_MS + MINUTE_MS
    assert alert.due_ms == START_MS + MINUTE_MS + 24 * HOUR_MS
    assert alert.id == f"{alert.fingerprint}-1-firing"


def test_a_better_answer_to_the_same_survey_resolves_it_also_where_it_comes_late() -> None:
    story = Story()
    story.tell("survey.answered", 0, **HARD)
    story.pass_(5 * HOUR_MS)
    story.tell("survey.answered", HOUR_MS, **{**HARD, "score": 6})
    assert story.told("hard_answer") == [("firing", 0), ("resolved", 5 * HOUR_MS)]


def test_an_earlier_answer_that_comes_late_changes_nothing() -> None:
    story = Story()
    story.tell("survey.answered", HOUR_MS, **HARD)
    story.tell("survey.answered", 0, **{**HARD, "score": 6})
    assert story.told("hard_answer") == [("firing", HOUR_MS)]


def test_once_what_it_was_about_is_over_it_is_raised_anew_about_what_is_left() -> None:
    story = Story()
    story.tell("survey.answered", 0, **HARD)
    story.tell("survey.answered", 1, **{**HARD, "survey": "t"})
    story.tell("survey.answered", 2, **{**HARD, "score": 7})
    assert [(alert.state, alert.about, alert.sequence) for alert in story.alerts("hard_answer")] == [
        ("firing", "s", 1),
        ("resolved", "s", 1),
        ("firing", "t", 2),
    ]


def test_it_ends_when_its_time_is_over_though_nothing_happens() -> None:
    story = Story()
    story.tell("survey.answered", 0, **HARD)
    story.driver.go_on(NOW_MS + 2_000 + 7 * DAY_MS - 1)
    assert story.told("hard_answer") == [("firing", 0)]
    story.driver.go_on(NOW_MS + 2_000 + 7 * DAY_MS)
    assert story.told("hard_answer") == [("firing", 0), ("resolved", 7 * DAY_MS)]


def test_a_customer_who_still_waits_is_told_of_on_an_idle_partition() -> None:
    story = Story()
    story.tell("chat.started", 0, session="s", priority="urgent")
    story.driver.go_on(NOW_MS + 2_000 + 30_000)
    assert story.told("long_wait") == []
    story.driver.go_on(NOW_MS + 2_000 + 30_001)
    assert story.told("long_wait") == [("firing", 30_001)]


def test_an_agent_who_was_there_in_time_after_all_resolves_it() -> None:
    story = Story()
    story.tell("chat.started", 0, session="s", priority="urgent")
    story.pass_(MINUTE_MS)
    story.tell("chat.message", 30_000, session="s", author="agent")
    assert story.told("long_wait") == [("firing", 30_001), ("resolved", MINUTE_MS)]


def test_a_ticket_that_is_merged_resolves_all_that_was_raised_about_it() -> None:
    story = Story()
    story.tell("ticket.opened", 0, ticket="t", priority="urgent")
    story.pass_(5 * HOUR_MS)
    story.tell("ticket.merged", 5 * HOUR_MS, ticket="t", into="u")
    late = {"slow_first_reply": HOUR_MS // 2 + 1, "ticket_overdue": 4 * HOUR_MS + 1}
    for signal, at_ms in late.items():
        assert story.told(signal) == [("firing", at_ms), ("resolved", 5 * HOUR_MS)]


def test_a_cart_that_is_paid_later_resolves_it() -> None:
    story = Story()
    story.tell("visit.cart", 0, cart="c")
    story.tell("purchase.completed", 3 * HOUR_MS, cart="c", **ORDER)
    assert story.told("cart_abandoned") == [("firing", HOUR_MS + 1), ("resolved", 3 * HOUR_MS)]


def test_a_cart_that_is_paid_within_the_hour_to_the_millisecond_is_not_abandoned() -> None:
    story = Story()
    story.tell("visit.cart", 0, cart="c")
    story.tell("purchase.completed", HOUR_MS, cart="c", **ORDER)
    story.pass_(DAY_MS)
    assert story.told("cart_abandoned") == []


def test_what_happened_exactly_as_long_ago_as_the_window_is_out_of_it() -> None:
    story = Story()
    for after_ms in (0, HOUR_MS, 72 * HOUR_MS):
        story.tell("call.started", after_ms)
    assert story.told("repeat_contact") == []
    story.tell("call.started", 73 * HOUR_MS - 1)
    assert story.told("repeat_contact") == [("firing", 73 * HOUR_MS - 1)]


def test_more_evidence_is_no_new_transition() -> None:
    story = Story()
    for hours in range(9):
        story.tell("call.started", hours * HOUR_MS)
    assert story.told("repeat_contact") == [("firing", 2 * HOUR_MS)]


def test_a_repeated_touchpoint_is_no_evidence() -> None:
    story = Story()
    for number in (1, 2, 2, 2):
        story.tell("call.started", number * HOUR_MS, id=f"call-{number}")
    assert story.told("repeat_contact") == []


def test_a_cooldown_holds_the_next_one_back() -> None:
    story = Story(tuned("payment_failed", cooldown_ms=HOUR_MS))
    story.tell("purchase.failed", 0, **ORDER)
    story.tell("purchase.completed", 1, **ORDER)
    story.tell("purchase.failed", 2, **{**ORDER, "order": "p"})
    assert story.told("payment_failed") == [("firing", 0), ("resolved", 1)]
    story.pass_(2 * HOUR_MS)
    assert story.told("payment_failed")[2:] == [("firing", HOUR_MS + 1)]
    assert story.alerts("payment_failed")[-1].about == "p"


def test_what_is_over_before_the_cooldown_is_never_told() -> None:
    story = Story(tuned("payment_failed", cooldown_ms=HOUR_MS))
    for after_ms, order in ((0, "o"), (2, "p")):
        story.tell("purchase.failed", after_ms, **{**ORDER, "order": order})
        story.tell("purchase.completed", after_ms + 1, **{**ORDER, "order": order})
    story.pass_(2 * HOUR_MS)
    assert len(story.told("payment_failed")) == 2


def test_severity_and_thresholds_are_as_set() -> None:
    story = Story(tuned("repeat_contact", severity="critical", thresholds={"contacts": 2}))
    story.tell("call.started", 0)
    story.tell("call.started", HOUR_MS)
    (alert,) = story.alerts("repeat_contact")
    assert (alert.severity, alert.bound) == ("critical", 2)


def test_a_signal_that_is_off_hears_nothing() -> None:
    story = Story(Config(friction={name: Tuning(on=False) for name in SIGNALS}))
    story.tell("survey.answered", 0, **HARD)
    assert story.driver.frictions == []
    assert not story.kept()


def test_a_signal_that_is_switched_off_resolves_its_alerts_when_next_looked_at() -> None:
    story = Story()
    story.tell("survey.answered", 0, **HARD)
    story.driver.config = tuned("hard_answer", on=False)
    story.driver.crash(0, NOW_MS, 0)
    story.tell("call.started", HOUR_MS)
    assert story.told("hard_answer") == [("firing", 0), ("resolved", HOUR_MS)]


def test_a_signal_that_is_switched_off_resolves_its_alerts_on_an_idle_partition_too() -> None:
    story = Story()
    story.tell("survey.answered", 0, **HARD)
    story.driver.config = Config(friction={name: Tuning(on=False) for name in SIGNALS})
    story.driver.crash(0, NOW_MS, 0)
    story.pass_(40 * DAY_MS)
    assert [state for state, _ in story.told("hard_answer")] == ["firing", "resolved"]


def test_dimensions_that_change_leave_the_labels_that_are_known() -> None:
    story = Story(Config(segmentations=((), ("channel",), ("region",), ("product",))))
    story.tell("call.started", 0, region="eu", product="app")
    story.tell("call.started", HOUR_MS, region="eu", product="app")
    story.driver.config = Config(segmentations=((), ("product",), ("team",)))
    story.driver.crash(0, NOW_MS, 0)
    story.tell("call.started", 2 * HOUR_MS, product="web")
    (alert,) = story.alerts("repeat_contact")
    assert alert.labels == {"product": "web", "channel": "web"}


def test_a_crash_between_output_and_state_says_the_same_again() -> None:
    story = Story()
    story.tell("survey.answered", 0, **HARD)
    story.driver.crash(0, NOW_MS, lose=True)
    first, again = story.driver.frictions
    assert first == again


def test_ids_that_are_joined_have_their_friction_together() -> None:
    story = Story(partitions=3)
    story.tell("survey.answered", 0, "x7", **HARD)
    story.tell("call.started", HOUR_MS, "x7")
    story.tell("call.started", 2 * HOUR_MS, "ann")
    story.tell("call.started", 3 * HOUR_MS, "ann")
    story.pass_(4 * HOUR_MS)
    story.tell("customer.identified", 4 * HOUR_MS, "ann", previous="x7")
    assert story.told("hard_answer", "x7") == [("firing", 0), ("resolved", 4 * HOUR_MS)]
    assert story.told("hard_answer") == [("firing", 4 * HOUR_MS)]
    assert story.told("repeat_contact") == [("firing", 4 * HOUR_MS)]
    assert [each.id for each in story.alerts("repeat_contact")[0].evidence] == ["e2", "e3", "e4"]
    story.tell("survey.answered", 5 * HOUR_MS, "x7", **{**HARD, "score": 7})
    assert story.told("hard_answer")[1:] == [("resolved", 5 * HOUR_MS)]


def test_an_id_that_comes_back_never_has_the_id_of_an_alert_twice() -> None:
    story = Story()
    story.tell("survey.answered", 0, **HARD)
    story.tell("survey.answered", 1, **{**HARD, "score": 7})
    story.pass_(60 * DAY_MS)
    assert story.kept()
    story.tell("survey.answered", 60 * DAY_MS, **HARD)
    assert [alert.sequence for alert in story.alerts("hard_answer")] == [1, 1, 2]


def test_nothing_is_kept_once_nothing_matters_any_more() -> None:
    story = Story()
    story.tell("call.started", 0)
    story.tell("survey.answered", 0, "bob", **HARD)
    story.pass_(60 * DAY_MS)
    assert not story.kept()
    assert story.kept("bob")
    story.pass_(60 * DAY_MS + KEPT_MS)
    assert not story.kept("bob")


def test_what_is_open_is_resolved_before_the_customer_is_forgotten() -> None:
    config = replace(tuned("hard_answer", thresholds={"open_hours": 60 * 24}), kept_ms={"customer": 33 * DAY_MS})
    story = Story(config)
    story.tell("survey.answered", 0, **HARD)
    story.pass_(100 * DAY_MS)
    assert story.told("hard_answer") == [("firing", 0), ("resolved", 33 * DAY_MS)]


def test_page_views_leave_no_mark_unless_slow() -> None:
    story = Story(tuned("churn_risk", on=False))
    story.tell("visit.page", 0, page="/", load_ms=3_999)
    assert not story.kept()
    story.tell("visit.page", 0, page="/", load_ms=4_000)
    assert story.kept()


def test_marks_are_bounded_and_a_flood_of_one_thing_leaves_the_rest() -> None:
    marks: Marks = {}
    put(marks, "opened", Mark(0, "first", "ticket.opened", "web", (), "t"))
    for number in range(1_000):
        put(marks, "sent", Mark(number, f"{number:04}", "email.sent", "email", (), None, "same"))
    assert sum(map(len, marks.values())) == MOST
    assert len(marks["opened"]) == 1
    assert [marks["sent"][0].time_ms, marks["sent"][-1].time_ms] == [0, 999]


def concrete(signal: type[Signal] = Signal) -> set[type[Signal]]:
    """Every signal that there is in some file."""
    for module in iter_modules(friction.__path__, "stream.friction."):
        import_module(module.name)
    below = {each for sub in signal.__subclasses__() for each in {sub, *concrete(sub)}}
    return {each for each in below if not isabstract(each)}


def test_every_signal_is_registered_under_the_name_of_its_file() -> None:
    assert concrete() == set(SIGNALS.values())
    assert all(signal.__module__ == f"stream.friction.{name}" for name, signal in SIGNALS.items())


def test_a_ticket_is_overdue_while_it_stands_open_and_not_in_between() -> None:
    ticket = event("ticket.opened", ticket="t", priority="urgent")
    again = event("ticket.reopened", "6:00", ticket="t")
    first, second = (event("ticket.resolved", at, ticket="t") for at in ("1:00", "7:00"))
    assert found("ticket_overdue", ticket, first, second) == []
    assert found("ticket_overdue", ticket, first, again, second) == ["6:00 to 7:00: 14400 > 14400, t"]


def test_messages_are_told_apart_wherever_their_campaign_ends() -> None:
    sent = ({"campaign": "a b"}, {"campaign": "a", "subject": "b"}, {"subject": "a b"})
    assert found("impersonal", *(event("email.sent", **each) for each in sent)) == []
    assert found("impersonal", *(event("email.sent", f"{at}:00", **sent[1]) for at in range(2))) == [
        '1:00 to 336:00: 2 ≥ 2, campaign "a", subject "b"'
    ]


def test_a_payment_that_fails_once_the_order_is_paid_is_of_no_matter() -> None:
    order: dict[str, Any] = {"order": "o", "amount": 100, "currency": "EUR"}
    paid, at_once = event("purchase.completed", **order), event("purchase.failed", "23:59", **order)
    assert found("payment_failed", paid, at_once) == []
    assert found("payment_failed", paid, event("purchase.failed", "24:00", **order)) == ["24:00 to 48:00: 1 ≥ 1, o"]


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_says_what_it_means_and_finds_nothing_in_nothing(name: str) -> None:
    signal = SIGNALS[name](Config())
    said = define(SIGNALS[name])
    assert said.summary
    assert said.example
    assert all(
        usual >= 1 and f"`{key}`" in " ".join((said.summary, *said.notes)) for key, usual in said.thresholds.items()
    )
    assert signal.level in SEVERITIES
    assert signal.unit
    assert list(signal.find({})) == []
