"""What boards show beside the metrics of segments: alerts that are firing, and customers by cohort."""

from collections import Counter
from collections.abc import Iterator, Mapping

from agents.naming import escaped
from stream.board import Board
from stream.cohorts import cohort, matrix, start

Line = tuple[str, float]
"""Labels, as text, and a value."""
FIRING, COHORTS = "cx_alerts_firing", "cx_weekly_cohort_customers"
HELPS = {
    FIRING: "Alerts of rules that are firing now, of those that ever did",
    COHORTS: "Customers by how many weeks ago they were first active, and at what age in weeks they were again",
}
WEEKS = 12
"""How many cohorts are shown: the labels say how long ago, so that no new ones come with time."""


def lines(boards: Mapping[int, Board]) -> Iterator[tuple[str, Line]]:
    """The name, labels and value of each; no two boards have the same."""
    for partition, board in boards.items():
        for line in _firing(partition, board):
            yield FIRING, line
        for line in _cohorts(board):
            yield COHORTS, line


def _firing(partition: int, board: Board) -> Iterator[Line]:
    states = {alert.fingerprint: alert for alert in board.standing()}
    found: Counter[tuple[str, str]] = Counter()
    for alert in states.values():
        found[alert.alert, alert.severity] += alert.state == "firing"
    for (name, severity), number in sorted(found.items()):
        yield f'alert="{escaped(name)}",severity="{escaped(severity)}",partition="{partition}"', number


def _cohorts(board: Board) -> Iterator[Line]:
    """Of the board that has the total: what counts on the first day of each of the last weeks."""
    if () not in board.history.versions:
        return
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
