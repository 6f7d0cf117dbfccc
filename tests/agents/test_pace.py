"""What is done once a second leaves time to other work."""

from agents.pace import Pace


def paced(took_s: float) -> Pace:
    pace = Pace()
    pace.done(100.0, 100.0 + took_s)
    return pace


def test_it_is_due_at_first() -> None:
    assert Pace().is_due(100.0, is_idle=False)


def test_what_takes_no_time_is_done_once_a_second() -> None:
    pace = paced(took_s=0.01)
    assert [pace.is_due(at, is_idle=False) for at in (100.9, 101.0)] == [False, True]


def test_what_takes_long_waits_while_there_is_other_work() -> None:
    pace = paced(took_s=0.12)
    assert [pace.is_due(at, is_idle=False) for at in (101.0, 103.9, 104.1)] == [False, False, True]
    assert [pace.is_due(at, is_idle=True) for at in (100.9, 101.0)] == [False, True]


def test_it_never_waits_for_longer_than_ten_seconds() -> None:
    pace = paced(took_s=5.0)
    assert [pace.is_due(at, is_idle=False) for at in (109.9, 110.0)] == [False, True]
