"""What boards show beside the metrics of segments: alerts that are firing, and matrices of the total.

No two boards have the same: alerts say the partition, and the total is on one board alone.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from agents.naming import escaped
from stream.board import Board
from stream.cohorts import cohort, matrix, start
from stream.metrics.handoffs import pairs
from stream.metrics.stages import transitions
from stream.windows import known_window

Line = tuple[str, float]
"""Labels, as text, and a value."""
FIRING, COHORTS = "cx_alerts_firing", "cx_weekly_cohort_customers"
MOVES, HANDOFFS = "cx_stage_moves", "cx_channel_handoffs"
HELPS = {
    FIRING: "Alerts of rules that are firing now, of those that ever did",
    MOVES: "Moves of customers from one stage of their journey to another in 30 days, from none where they began",
    HANDOFFS: "Handoffs from one channel to another in 30 days",
    COHORTS: "Customers by how many weeks ago they were first active, and at what age in weeks they were again",
}
WEEKS = 12
"""How many cohorts are shown: the labels say how long ago, so that no new ones come with time."""


def lines(boards: Mapping[int, Board]) -> Iterator[tuple[str, Line]]:
    """The name, and labels and value, of each."""
    for partition, board in boards.items():
        yield from ((FIRING, line) for line in _firing(partition, board))
        if () in board.history.versions and board.progress.as_of_ms:
            yield from ((COHORTS, line) for line in _cohorts(board))
            yield from _flows(board)


def _firing(partition: int, board: Board) -> Iterator[Line]:
    states = {alert.fingerprint: alert for alert in board.watch.standing()}
    found: Counter[tuple[str, str]] = Counter()
    for alert in states.values():
        found[alert.alert, alert.severity] += alert.state == "firing"
    for (name, severity), number in sorted(found.items()):
        yield f'alert="{escaped(name)}",severity="{escaped(severity)}",partition="{partition}"', number


def _cohorts(board: Board) -> Iterator[Line]:
    """What counts on the first day of each of the last weeks."""
    calendar, this = board.config.calendar, start("week", board.config.calendar.day_number(board.progress.as_of_ms))
    counted = {}
    for ago in range(WEEKS):
        start_ms = calendar.day_number_start_ms(cohort("week", this, ago))
        counted[cohort("week", this, ago)] = board.history.read((), start_ms, calendar.day_end_ms(start_ms)).total
    for began, ages in matrix("week", counted).items():
        ago = (this - began) // 7
        if ago < WEEKS:
            for age, number in ages.items():
                yield f'weeks_ago="{ago:02}",age_weeks="{age:02}"', number


def _flows(board: Board) -> Iterator[tuple[str, Line]]:
    start_ms, end_ms = known_window("30d").covered(board.config.calendar, board.progress.as_of_ms)
    reading = board.history.read((), start_ms, end_ms)
    for name, flows in ((MOVES, transitions(reading)), (HANDOFFS, pairs(reading))):
        for (before, after), number in sorted(flows.items()):
            yield name, (f'from="{escaped(before)}",to="{escaped(after)}"', number)
