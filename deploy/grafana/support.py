"""Support operations: how long customers wait, how much is open, and whether targets are kept."""

from deploy.grafana.dashboard import Dashboard, Row
from deploy.grafana.panel import Panel, Query
from deploy.grafana.queries import CUTS, PEOPLE, WINDOW, by, chosen, percentile


def _percentiles(name: str) -> list[Query]:
    return [
        Query(chosen(f"{name}_{each}_seconds"), text)
        for each, text in (("p50", "half"), ("p90", "nine in ten"), ("p99", "99 %"))
    ]


def _over_time(title: str, question: str, unit: str, queries: list[Query]) -> Panel:
    return Panel("timeseries", title, question, unit, queries)


_OPEN = f'sum by (le) (max without (instance) (cx_wait_seconds_bucket{{window="{WINDOW}",cut=~"{CUTS}",{PEOPLE}}}))'

SUPPORT = Dashboard(
    uid="cx-support",
    title="Support operations",
    about="How long customers wait for a person, a reply and a resolution, what is open, and which targets are missed.",
    windows=("1d", "1h", "7d", "30d"),
    rows=(
        Row(
            "Waiting",
            (
                _over_time(
                    "Waiting for a person",
                    "How long do customers wait in chats and calls: half of them, nine in ten, nearly all?",
                    "seconds",
                    _percentiles("wait"),
                ),
                Panel(
                    "bargauge",
                    "How waits are distributed",
                    "How many customers waited no longer than so many seconds?",
                    "count",
                    [Query(_OPEN, "{{le}} s")],
                ),
                _over_time(
                    "Gave up waiting",
                    "What share of customers was gone before a person was there?",
                    "ratio",
                    [Query(chosen("abandonment_ratio"), "gave up")],
                ),
                Panel(
                    "bargauge",
                    "Three in four waited no longer",
                    "How long did three quarters of the customers wait at most, for a person, a reply, a resolution?",
                    "seconds",
                    [
                        Query(percentile("wait", 0.75), "a person"),
                        Query(percentile("first_reply", 0.75), "a first reply"),
                        Query(percentile("resolution", 0.75), "a resolution"),
                    ],
                ),
                _over_time(
                    "First reply",
                    "How long do customers wait for the first word on their ticket?",
                    "seconds",
                    _percentiles("first_reply"),
                ),
                _over_time(
                    "Resolution",
                    "How long do customers wait until their ticket is resolved?",
                    "seconds",
                    _percentiles("resolution"),
                ),
            ),
        ),
        Row(
            "Backlog",
            (
                _over_time(
                    "Open tickets",
                    "How many customers still wait for a resolution at the end of today?",
                    "count",
                    [Query(chosen("backlog_tickets", "7d"), "open")],
                ),
                _over_time(
                    "Opened, and left over",
                    "Do more tickets come than are resolved?",
                    "count",
                    [
                        Query(chosen("tickets_opened"), "opened"),
                        Query(chosen("backlog_change"), "more open than before"),
                    ],
                ),
                Panel(
                    "bargauge",
                    "Opened by channel",
                    "On which channel do customers ask for help?",
                    "count",
                    [Query(by("channel", "tickets_opened"), "{{channel}}")],
                    leads_to="cx-journeys",
                ),
            ),
        ),
        Row(
            "Targets",
            (
                _over_time(
                    "Targets missed",
                    "How often did customers wait longer than we want: for a person, a reply, a resolution?",
                    "ratio",
                    [
                        Query(chosen("wait_breach_ratio"), "a person"),
                        Query(chosen("first_reply_breach_ratio"), "a first reply"),
                        Query(chosen("resolution_breach_ratio"), "a resolution"),
                    ],
                ),
                Panel(
                    "bargauge",
                    "Waiting by team",
                    "Customers of which team wait longest: nine in ten of them no longer than this?",
                    "seconds",
                    [Query(by("team", "wait_p90_seconds"), "{{team}}")],
                    width=16,
                ),
            ),
        ),
        Row(
            "Targets by team",
            (
                Panel(
                    "bargauge",
                    "Waits over the target by team",
                    "Customers of which team wait longer than we want?",
                    "ratio",
                    [Query(by("team", "wait_breach_ratio"), "{{team}}")],
                ),
                Panel(
                    "bargauge",
                    "First replies over the target by team",
                    "Tickets of which team wait too long for a first reply?",
                    "ratio",
                    [Query(by("team", "first_reply_breach_ratio"), "{{team}}")],
                ),
                Panel(
                    "bargauge",
                    "Resolutions over the target by team",
                    "Tickets of which team take too long?",
                    "ratio",
                    [Query(by("team", "resolution_breach_ratio"), "{{team}}")],
                ),
            ),
        ),
        Row(
            "Once and for all",
            (
                Panel(
                    "bargauge",
                    "First contact resolution",
                    "What share of tickets takes a single contact, by how strict a count?",
                    "ratio",
                    [
                        Query(chosen("first_contact_resolution_ratio"), "one contact"),
                        Query(chosen("first_contact_resolution_strict_ratio"), "and one team"),
                        Query(chosen("first_contact_resolution_one_touch_ratio"), "one reply"),
                        Query(chosen("first_contact_resolution_confirmed_ratio"), "nothing more within a week"),
                    ],
                ),
                _over_time(
                    "Effort of a ticket",
                    "How many messages and changes of team does a ticket take?",
                    "count",
                    [
                        Query(chosen("messages_per_ticket"), "messages"),
                        Query(chosen("reassignments_per_ticket"), "changes of team"),
                    ],
                ),
                _over_time(
                    "Reopened",
                    "What share of resolutions did not hold?",
                    "ratio",
                    [Query(chosen("reopened_ratio"), "reopened")],
                ),
            ),
        ),
    ),
)
