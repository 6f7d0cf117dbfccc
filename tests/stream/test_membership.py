"""The stage of the journey as a dimension: what counts where."""

from dataclasses import replace

import pytest

from stream.config import Config
from stream.driver import Driver
from stream.personas import Inactive, Persona
from tests.laws.stories import DAY, START
from tests.stream.test_personas import NOW, Went, config, purchase, visit

BY = ((), ("stage",), ("stage", "channel"))


def staged(**given: object) -> Driver:
    return Driver(replace(Config(segmentations=BY), **given))  # type: ignore[arg-type]


def touchpoints(driver: Driver, stage: str) -> int:
    return int(driver.counters(START, START + 100 * DAY, (("stage", stage),)).get("touchpoints", 0))


def active(driver: Driver, stage: str) -> int:
    found = driver.value("active_customers", (START, START + DAY), stage=stage)
    return 0 if found is None else int(found.value)


def counted(driver: Driver) -> dict[str, tuple[int, int]]:
    """Touchpoints, and who was active on the first day, by stage."""
    stages = sorted({dict(segment)["stage"] for segment in driver.segments() if "stage" in dict(segment)})
    return {stage: (touchpoints(driver, stage), active(driver, stage)) for stage in stages}


def test_a_touchpoint_counts_in_the_stage_before_it_and_the_day_in_the_stage_of_now() -> None:
    driver = staged()
    driver.feed([visit(1, START), visit(2, START + 1), purchase(3, START + 2), visit(4, START + DAY)], NOW)
    assert counted(driver) == {"new": (1, 0), "awareness": (2, 0), "purchase": (1, 1)}


def test_who_is_not_heard_of_has_lapsed_and_comes_back_as_one_who_had() -> None:
    driver = staged()
    driver.feed([visit(1, START), visit(2, START + 30 * DAY, "bob")], NOW)
    assert counted(driver)["lapsed"] == (0, 1)
    driver.feed([visit(3, START + 31 * DAY)], NOW)
    assert counted(driver) == {"new": (2, 0), "awareness": (0, 1), "lapsed": (1, 0)}


def test_a_silent_partition_has_customers_lapse_too() -> None:
    driver = staged()
    driver.feed([visit(1, START)], NOW)
    for _ in range(2):
        driver.go_on(NOW + 31 * DAY)
    assert counted(driver)["lapsed"] == (0, 1)


def test_a_late_touchpoint_may_take_a_customer_to_another_stage() -> None:
    driver = staged(lapse_ms=10 * DAY)
    driver.feed([visit(1, START), visit(2, START + 10 * DAY, "bob"), purchase(3, START + DAY)], NOW)
    assert counted(driver) == {"new": (2, 0), "awareness": (0, 0), "lapsed": (1, 0), "purchase": (0, 1)}


def test_a_label_called_stage_is_not_looked_at() -> None:
    driver = staged()
    driver.feed([visit(1, START, labels={"stage": "trial"})], NOW)
    assert counted(driver) == {"new": (1, 0), "awareness": (0, 1)}


@pytest.mark.parametrize(("preset", "stage"), [("four", "engagement"), ("five", "consideration")])
def test_stages_are_called_what_the_settings_say(preset: str, stage: str) -> None:
    driver = staged(stages=preset)
    driver.feed([visit(1, START, page="/product/1")], NOW)
    assert counted(driver) == {"new": (1, 0), stage: (0, 1)}


def test_other_rules_hold_from_when_the_customer_is_next_looked_at_as_time_passes_too() -> None:
    went, later = Went(), START + 2 * DAY
    slow, quick = (config(personas=(Persona("gone", (Inactive(days),)), Persona("here"))) for days in (30, 3))
    went.on(slow, visit(1, START))
    went.on(quick, visit(2, later, type="email.sent", channel="email", email="m1"))
    went.on(quick, visit(3, START + 4 * DAY, "bob"))
    assert went.active(0, ("persona", "gone")) == went.active(0) != {}
