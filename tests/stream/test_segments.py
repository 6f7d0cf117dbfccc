"""Segments: what values belong to, and what happens beyond the cap."""

import orjson
import pytest
from msgspec import msgpack

from schemas.cell import Segment
from schemas.chat import ChatStarted
from schemas.survey import SurveySent
from stream.config import Config
from stream.driver import Driver
from stream.segments import OTHER, Segments, reader

START = 1_773_187_200_000
DAY = 86_400_000
CHANNEL_REGION = (("channel",), ("channel", "region"))


def channels(limit: int, known: tuple[Segment, ...] = ()) -> Segments:
    return Segments(((), ("channel",)), ("channel",), limit, known)


def channel(value: str) -> Segment:
    return (("channel", value),)


def test_values_belong_to_one_segment_of_each_segmentation_in_its_order() -> None:
    segments = Segments(((), *CHANNEL_REGION), ("channel", "region"), 9)
    assert segments.of(("web", "eu")) == ((), channel("web"), (("channel", "web"), ("region", "eu")))


def test_a_missing_value_leaves_out_the_segments_that_need_it() -> None:
    segments = Segments(((), *CHANNEL_REGION, ("region",)), ("channel", "region"), 9)
    assert segments.of((None, "eu")) == ((), (("region", "eu"),))
    assert segments.of((None, None)) == ((),)


def test_beyond_the_cap_values_become_other() -> None:
    segments = channels(limit=2)
    assert [segments.of((value,))[1] for value in "abcd"] == [*map(channel, "ab"), channel(OTHER), channel(OTHER)]
    assert segments.capped == 2


def test_the_total_has_no_cap() -> None:
    assert channels(limit=0).of(("a",)) == ((), channel(OTHER))


def test_what_is_known_stays_known() -> None:
    segments = channels(limit=1)
    first = segments.of(("a",))
    segments.of(("b",))
    assert segments.of(("a",)) == first
    assert segments.new == [channel("a")]


def test_each_segmentation_has_a_cap_of_its_own() -> None:
    segments = Segments(CHANNEL_REGION, ("channel", "region"), limit=1)
    assert segments.of(("a", "x")) == (channel("a"), (("channel", "a"), ("region", "x")))
    assert segments.of(("a", "y")) == (channel("a"), (("channel", OTHER), ("region", OTHER)))


def test_what_was_known_before_a_restart_takes_up_the_cap() -> None:
    segments = channels(limit=1, known=(channel("a"),))
    assert segments.of(("b",)) == ((), channel(OTHER))
    assert segments.of(("a",)) == ((), channel("a"))
    assert segments.new == []


def test_what_is_known_of_a_segmentation_that_is_no_longer_configured_does_no_harm() -> None:
    assert channels(limit=1, known=((("region", "eu"),),)).of(("a",)) == ((), channel("a"))


def test_numbers_stand_for_segments() -> None:
    segments = channels(limit=9)
    assert tuple(map(segments.segment, segments.numbers(("a",)))) == segments.of(("a",))
    assert segments.numbers(("a",)) != segments.numbers(("b",))


def test_values_are_read_from_fields_and_from_labels() -> None:
    event = ChatStarted(id="1", time_ms=1, customer="a", channel="web", region="eu", labels={"tier": "gold"})
    assert reader(("channel", "tier", "region", "none"))(event) == ("web", "gold", "eu", None)
    assert reader(("region",))(event) == ("eu",)
    assert reader(("region", "channel"))(event) == ("eu", "web")
    assert reader(())(event) == ()
    assert reader(("tier",))(ChatStarted(id="1", time_ms=1, customer="a", channel="web")) == (None,)


def test_a_text_that_only_some_touchpoints_have_is_a_dimension_too() -> None:
    asked = SurveySent(id="1", time_ms=1, customer="a", channel="web", survey="s", kind="nps", purpose="relational")
    assert reader(("purpose", "channel"))(asked) == ("relational", "web")
    assert reader(("purpose",))(ChatStarted(id="1", time_ms=1, customer="a", channel="web")) == (None,)
    labelled = ChatStarted(id="1", time_ms=1, customer="a", channel="web", labels={"purpose": "mine", "score": "x"})
    assert reader(("purpose", "score", "by_customer"))(labelled) == ("mine", "x", None)


def test_effort_and_satisfaction_are_read_by_purpose() -> None:
    driver = Driver(Config(segmentations=((), ("purpose",))))
    for number, (purpose, score) in enumerate([("relational", 2), ("transactional", 6), ("transactional", 7)]):
        given = {"type": "survey.answered", "survey": f"s{number}", "kind": "ces", "score": score, "purpose": purpose}
        event = {"id": f"e{number}", "time": START, "customer": "ann", "channel": "web", **given}
        driver.feed([(b"ann", orjson.dumps(event))], START + DAY)
    read = {of: driver.values(START, START + DAY, segment) for of, segment in purposes()}
    assert {of: values["ces_score"].value for of, values in read.items()} == {"transactional": 6.5, "relational": 2}


def purposes() -> list[tuple[str, Segment]]:
    return [(purpose, (("purpose", purpose),)) for purpose in ("transactional", "relational")]


def fed(driver: Driver, *events: dict[str, object], batch: int = 100) -> Driver:
    made = [
        (str(event["customer"]).encode(), orjson.dumps({"id": f"{number}", "time": START + number, **event}))
        for number, event in enumerate(events)
    ]
    for at in range(0, len(made), batch):
        driver.feed(made[at : at + batch], START + DAY)
    assert driver.rejected == []
    driver.advance(START + DAY)
    return driver


def visit(channel: str, customer: str = "ann") -> dict[str, object]:
    return {"type": "chat.started", "channel": channel, "customer": customer}


def sent(channel: str, customer: str = "ann") -> dict[str, object]:
    return {"type": "email.sent", "channel": channel, "customer": customer}


def capped(limit: int) -> Driver:
    return Driver(Config(segmentations=((), ("channel",)), max_segments=limit))


def test_beyond_the_cap_everything_is_counted_in_other() -> None:
    driver = fed(capped(2), visit("a"), visit("b", "bob"), visit("c", "cid"), visit("d", "cid"), sent("e"))
    assert driver.segments() == {(), channel("a"), channel("b"), channel(OTHER)}
    other = driver.values(START, START + DAY, channel(OTHER))
    assert (other["touchpoints"].samples, other["active_customers"].samples) == (3, 1)


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_which_segments_are_told_apart_does_not_depend_on_batches(batch: int) -> None:
    driver = fed(capped(1), sent("a"), visit("b"), sent("c"), batch=batch)
    assert driver.segments() == {(), channel("a"), channel(OTHER)}


def test_a_correction_is_taken_back_where_it_was_counted_also_after_a_restart() -> None:
    answer = {"type": "survey.answered", "survey": "s", "kind": "csat", "score": 9, "customer": "ann"}
    driver = fed(capped(1), visit("a"), {**answer, "channel": "b"})
    driver.crash(0, START + DAY, again=0)
    later = {**answer, "channel": "a", "id": "z", "time": START + 50, "score": 5}
    driver.feed([(b"ann", orjson.dumps(later))], START + DAY)
    assert "csat_score" not in driver.values(START, START + DAY, channel(OTHER))
    assert driver.values(START, START + DAY, channel("a"))["csat_score"].value == 5


def test_values_with_control_characters_do_not_mix_segments_up() -> None:
    driver = Driver(Config(segmentations=(("region",), ("region", "product"))))
    place: dict[str, object] = {"type": "chat.started", "channel": "web", "customer": "ann"}
    tricky = {**place, "region": "eu\x1fproduct\x1eapp"}
    fed(driver, {**place, "region": "eu", "product": "app"}, tricky)
    found = driver.values(START, START + DAY, (("region", "eu\x1fproduct\x1eapp"),))
    assert found["active_customers"].samples == 1


def test_segments_survive_the_key_of_their_cell() -> None:
    segment: Segment = (("region", "é\x1f"), ("product", ""))
    assert msgpack.decode(msgpack.encode(segment), type=Segment) == segment
