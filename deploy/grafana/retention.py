"""Retention: who comes, stays, leaves and pays."""

from deploy.grafana import queries
from deploy.grafana.dashboard import Dashboard, Row
from deploy.grafana.panel import Panel, Query
from deploy.grafana.queries import DAYS, by, matrix

_COHORTS = (
    "max by (weeks_ago, age_weeks) (cx_weekly_cohort_customers) / on (weeks_ago) group_left () "
    'max by (weeks_ago) (cx_weekly_cohort_customers{age_weeks="00"})'
)


def _chosen(name: str, window: str = DAYS) -> str:
    return queries.chosen(name, window)


def _over_time(title: str, question: str, unit: str, *queries: Query, stacked: bool = False) -> Panel:
    return Panel("timeseries", title, question, unit, queries, stacked=stacked)


RETENTION = Dashboard(
    uid="cx-retention",
    title="Retention",
    about="How many customers come, stay and leave; whether those who try us pay, and whether those who pay stay.",
    windows=("30d", "7d"),
    period="days",
    rows=(
        Row(
            "Active customers",
            (
                _over_time(
                    "Active by day, week and month",
                    "How many customers do something with us in a day, in 7, and in 30?",
                    "count",
                    Query(_chosen("active_customers", "day"), "today"),
                    Query(_chosen("active_customers", "7d"), "7 days"),
                    Query(_chosen("active_customers", "30d"), "30 days"),
                ),
                _over_time(
                    "New, staying, coming back",
                    "Of whom are the active customers made up?",
                    "count",
                    Query(_chosen("new_customers"), "new"),
                    Query(_chosen("retained_customers"), "stayed"),
                    Query(_chosen("returning_customers"), "came back"),
                    stacked=True,
                ),
                _over_time(
                    "Stickiness",
                    "On how many days of the window is an active customer there?",
                    "ratio",
                    Query(_chosen("stickiness_ratio"), "stickiness"),
                ),
                _over_time(
                    "Stay and churn",
                    "What share of the customers of the period before is still active?",
                    "ratio",
                    Query(_chosen("retention_ratio"), "stayed"),
                    Query(_chosen("churn_ratio"), "left"),
                ),
                _over_time(
                    "Fallen silent",
                    "How many customers of the period before have not been here since?",
                    "count",
                    Query(_chosen("dormant_customers"), "silent"),
                ),
                Panel(
                    "bargauge",
                    "Churn by segment",
                    "Which customers leave?",
                    "ratio",
                    [Query(by("segment", "churn_ratio", DAYS), "{{segment}}")],
                    leads_to="cx-friction",
                ),
            ),
        ),
        Row(
            "Cohorts",
            (
                Panel(
                    "table",
                    "Weekly cohorts",
                    "Of the customers who first came so many weeks ago (rows), what share came in each week since?",
                    "ratio",
                    [Query(_COHORTS, "")],
                    width=24,
                    height=10,
                    decimals=0,
                    transformations=matrix("weeks_ago", "age_weeks"),
                ),
            ),
        ),
        Row(
            "Trials and accounts",
            (
                _over_time(
                    "Trials",
                    "How many customers try us, and how many of these trials run out?",
                    "count",
                    Query(_chosen("trials_started"), "started"),
                    Query(_chosen("trials_expired"), "ran out"),
                ),
                _over_time(
                    "Trials that convert",
                    "What share of those who try us pay in the end?",
                    "ratio",
                    Query(_chosen("trial_conversion_ratio"), "converted"),
                ),
                _over_time(
                    "Paid accounts",
                    "How many accounts are paid for?",
                    "count",
                    Query(_chosen("accounts"), "accounts"),
                ),
                _over_time(
                    "Accounts won and lost",
                    "Do more customers become paying ones than cancel?",
                    "count",
                    Query(_chosen("accounts_new"), "new"),
                    Query(_chosen("accounts_lost"), "cancelled"),
                ),
                _over_time(
                    "Buy again",
                    "What share of purchases is by customers who had bought before?",
                    "ratio",
                    Query(_chosen("repeat_purchase_ratio"), "again"),
                ),
                Panel(
                    "bargauge",
                    "Active customers by segment",
                    "Which customers are there?",
                    "count",
                    [Query(by("segment", "active_customers", DAYS), "{{segment}}")],
                    leads_to="cx-journeys",
                ),
            ),
        ),
    ),
)
