"""Whether a process gets on, from what is looked at once a second."""

from faust.types import TP

from agents.pulse import Pulse

PLACE = TP("touchpoints", 0)
OTHER = TP("touchpoints", 1)


def beats(pulse: Pulse, seconds: range, behind: dict[TP, int], at: dict[TP, int]) -> None:
    for second in seconds:
        pulse.beat(second * 1_000, behind, at)


def test_a_partition_that_stands_still_with_records_to_come_is_stuck() -> None:
    pulse = Pulse(6_000, 0)
    beats(pulse, range(59), {PLACE: 5, OTHER: 0}, {PLACE: 7, OTHER: 3})
    assert pulse.trouble(58_000) is None
    beats(pulse, range(59, 62), {PLACE: 5, OTHER: 0}, {PLACE: 7, OTHER: 3})
    found = pulse.trouble(61_000)
    assert found is not None
    assert found == ("stuck", "touchpoints-0 has stood at 7 for 61 s, with records to come")
    pulse.beat(62_000, {PLACE: 5}, {PLACE: 8})
    assert pulse.trouble(62_000) is None


def test_one_with_nothing_to_come_may_stand_and_one_that_is_gone_is_forgotten() -> None:
    pulse = Pulse(6_000, 0)
    beats(pulse, range(100), {PLACE: 0}, {PLACE: 7})
    assert pulse.trouble(99_000) is None
    beats(pulse, range(100, 150), {PLACE: 1}, {PLACE: 7})
    beats(pulse, range(150, 170), {}, {})
    beats(pulse, range(170, 190), {PLACE: 1}, {PLACE: 7})
    assert pulse.trouble(189_000) is None


def test_one_that_is_no_longer_looked_after_is_stuck() -> None:
    pulse = Pulse(6_000, 0)
    assert pulse.trouble(15_000) is None
    found = pulse.trouble(16_000)
    assert found is not None
    assert found.status == "stuck"


def test_a_pause_longer_than_a_session_puts_in_doubt_until_it_is_settled_or_a_session_has_passed() -> None:
    pulse = Pulse(6_000, 0)
    pulse.beat(5_900)
    assert pulse.doubt(5_900) is None
    for look in (pulse.doubt, pulse.beat):  # whoever looks first
        look(pulse._beat_ms + 20_000)
        at_ms = pulse._beat_ms if look == pulse.beat else pulse._beat_ms + 20_000
        pulse.beat(at_ms)
        found = pulse.doubt(at_ms + 1_000)
        assert found == ("fenced", "was paused for 20 s: another one may have taken over meanwhile")
        if look == pulse.doubt:
            pulse.settle()
            assert pulse.doubt(at_ms + 1_000) is None
        else:
            for second in range(1, 7):
                pulse.beat(at_ms + second * 1_000)
            assert pulse.doubt(at_ms + 6_000) is None
