"""What can wait leaves time to other work."""

from hypothesis import given
from hypothesis import strategies as st

from agents.pace import Pace

seconds = st.floats(0.0, 1e6)


def test_a_quarter_of_what_was_idle_is_for_it() -> None:
    assert Pace(0.0, 0.0).turn(1.0, 0.2) == 0.2


def test_a_turn_is_counted_from_the_last_one() -> None:
    pace = Pace(0.0, 0.0)
    pace.turn(1.0, 0.0)
    assert pace.turn(2.0, 1.0) == 0.03


def test_at_first_nothing_has_been_idle() -> None:
    assert Pace(500.0, 3.0).turn(500.0, 3.0) == 0.0


@given(past_s=seconds, worked_s=seconds)
def test_there_is_always_a_little_time_and_never_all(past_s: float, worked_s: float) -> None:
    turn_s = Pace(0.0, 0.0).turn(past_s, worked_s)
    assert past_s * 0.029 <= turn_s <= past_s * 0.26  # several threads may have worked for longer than there was time
