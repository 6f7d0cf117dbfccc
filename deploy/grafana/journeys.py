"""Journeys: how customers get from one stage to the next, where they drop off, and between which channels they go."""

from deploy.grafana import queries
from deploy.grafana.dashboard import Dashboard, Row
from deploy.grafana.panel import Panel, Query
from deploy.grafana.queries import DAYS, by, matrix

STAGES = ("awareness", "consideration", "purchase", "retention", "advocacy")
"""Of the usual preset, in order; from the last one none goes on."""


def _chosen(name: str) -> str:
    return queries.chosen(name, DAYS)


def _stages(name: str, stages: tuple[str, ...]) -> list[Query]:
    return [Query(_chosen(f"stage_{stage}_{name}"), stage) for stage in stages]


JOURNEYS = Dashboard(
    uid="cx-journeys",
    title="Journeys",
    about="How customers come from first hearing of us to recommending us, and where they are lost on the way.",
    windows=("30d", "7d"),
    period="days",
    rows=(
        Row(
            "Stages",
            (
                Panel(
                    "bargauge",
                    "Stage flow",
                    "How many customers came to each stage of their journey?",
                    "count",
                    _stages("entered", STAGES),
                    width=12,
                ),
                Panel(
                    "bargauge",
                    "Drop-off by stage",
                    "Of those who left a stage, what share left us altogether?",
                    "ratio",
                    _stages("dropoff_ratio", STAGES[:-1]),
                    width=12,
                    leads_to="cx-retention",
                ),
                Panel(
                    "timeseries",
                    "Stage flow over time",
                    "Do more customers get further than before?",
                    "count",
                    _stages("entered", STAGES),
                    width=12,
                ),
                Panel(
                    "bargauge",
                    "Time in a stage",
                    "How long do customers take until they go on: half of them no longer than this?",
                    "seconds",
                    _stages("p50_seconds", STAGES[:-1]),
                    width=12,
                ),
                Panel(
                    "table",
                    "From stage to stage",
                    "Of all customers, how many went from one stage (rows) to another (columns) in 30 days?",
                    "count",
                    [Query("max by (from, to) (cx_stage_moves)", "")],
                    width=24,
                    transformations=matrix("from", "to"),
                ),
                Panel(
                    "timeseries",
                    "Lapsed and come back",
                    "How many customers fell silent, and how many of such came back?",
                    "count",
                    [
                        Query(_chosen("stage_lapsed_entered"), "lapsed"),
                        Query(_chosen("stage_lapsed_left"), "came back"),
                    ],
                    width=12,
                    leads_to="cx-retention",
                ),
                Panel(
                    "timeseries",
                    "Journeys begun",
                    "How many journeys began: of new customers, and of such as had lapsed?",
                    "count",
                    [Query(_chosen("journeys"), "journeys")],
                    width=12,
                ),
            ),
        ),
        Row(
            "Between channels",
            (
                Panel(
                    "table",
                    "From channel to channel",
                    "Of all customers, how many went on from one channel (rows) to another (columns) in 30 days?",
                    "count",
                    [Query("max by (from, to) (cx_channel_handoffs)", "")],
                    width=24,
                    transformations=matrix("from", "to"),
                ),
                Panel(
                    "bargauge",
                    "Handoffs by channel",
                    "To which channels do customers go on from another one?",
                    "count",
                    [Query(by("channel", "handoffs", DAYS), "{{channel}}")],
                ),
                Panel(
                    "timeseries",
                    "Continuity of handoffs",
                    "When customers change the channel over a ticket, does the ticket come with them?",
                    "ratio",
                    [Query(_chosen("handoff_continuity_ratio"), "same ticket")],
                    leads_to="cx-support",
                ),
                Panel(
                    "timeseries",
                    "Journeys over several channels",
                    "What share of journeys takes more than one channel?",
                    "ratio",
                    [Query(_chosen("multichannel_ratio"), "several channels")],
                ),
            ),
        ),
        Row(
            "To a purchase",
            (
                Panel(
                    "timeseries",
                    "Conversion",
                    "What share of the visits that may lead to a goal reach it?",
                    "ratio",
                    [Query(_chosen("conversion_ratio"), "goals reached")],
                ),
                Panel(
                    "timeseries",
                    "Carts left behind",
                    "What share of carts is given up?",
                    "ratio",
                    [Query(_chosen("cart_abandonment_ratio"), "given up")],
                    leads_to="cx-friction",
                ),
                Panel(
                    "timeseries",
                    "Purchases, by referral and again",
                    "What share of purchases comes by recommendation, and of customers who buy again?",
                    "ratio",
                    [Query(_chosen("referral_ratio"), "by referral"), Query(_chosen("repeat_purchase_ratio"), "again")],
                ),
            ),
        ),
    ),
)
