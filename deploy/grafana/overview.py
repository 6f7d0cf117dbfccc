"""Experience overview: how customers fare at a glance, and against the period before."""

from typing import Literal

from deploy.grafana.dashboard import Dashboard, Row
from deploy.grafana.panel import Panel, Query
from deploy.grafana.queries import WINDOW, by, change, chosen

MONTH = "30d"


def _figure(
    title: str,
    question: str,
    name: str,
    unit: str,
    better: Literal["more", "less"],
    leads_to: str,
    window: str = WINDOW,
    decimals: int | None = None,
) -> Panel:
    """A number, and how it differs from the period before."""
    queries = [
        Query(chosen(name, window), "now"),
        Query(change(name, window), "against the period before"),
    ]
    options = {"wideLayout": False}
    return Panel(
        "stat",
        title,
        question,
        unit,
        queries,
        width=4,
        height=6,
        decimals=decimals,
        leads_to=leads_to,
        better=better,
        options=options,
    )


def _course(title: str, question: str, name: str, unit: str, window: str = WINDOW) -> Panel:
    """A number over time, with what it was one period before."""
    queries = [Query(chosen(name, window), "now"), Query(chosen(name, window, ago=window), "the period before")]
    return Panel("timeseries", title, question, unit, queries)


def _cut(title: str, question: str, name: str, unit: str, dimension: str = "channel") -> Panel:
    return Panel("bargauge", title, question, unit, [Query(by(dimension, name), f"{{{{{dimension}}}}}")], decimals=2)


OVERVIEW = Dashboard(
    uid="cx-overview",
    title="Experience overview",
    about="How easy, satisfying and quick it is to be our customer, and whether that gets better.",
    windows=("1d", "1h", "7d", "30d"),
    rows=(
        Row(
            "Now, against the period before",
            (
                _figure(
                    "Effort (CES)",
                    "How easy was it for customers to get done what they came for? 7 is easiest.",
                    "ces_score",
                    "score",
                    "more",
                    "cx-friction",
                    decimals=2,
                ),
                _figure(
                    "Satisfaction (CSAT)",
                    "What share of the customers who answered was satisfied?",
                    "csat_satisfied_ratio",
                    "ratio",
                    "more",
                    "cx-friction",
                ),
                _figure(
                    "Recommendation (NPS)",
                    "How many more customers would recommend us than warn of us? From -100 to 100.",
                    "nps_score",
                    "score",
                    "more",
                    "cx-journeys",
                    decimals=1,
                ),
                _figure(
                    "First contact resolution (FCR)",
                    "What share of the tickets took customers a single contact?",
                    "first_contact_resolution_ratio",
                    "ratio",
                    "more",
                    "cx-support",
                ),
                _figure(
                    "Resolution time (ART)",
                    "How long do customers wait on average until their ticket is resolved?",
                    "resolution_mean_seconds",
                    "seconds",
                    "less",
                    "cx-support",
                ),
                _figure(
                    "Active customers (MAU)",
                    "How many customers did something with us in the last 30 days?",
                    "active_customers",
                    "count",
                    "more",
                    "cx-retention",
                    window=MONTH,
                ),
            ),
        ),
        Row(
            "Over time",
            (
                _course("Effort over time", "Does it get easier for customers? 7 is easiest.", "ces_score", "score"),
                _course(
                    "Satisfaction over time",
                    "Are more customers satisfied than in the period before?",
                    "csat_satisfied_ratio",
                    "ratio",
                ),
                _course("Recommendation over time", "Would more customers recommend us?", "nps_score", "score"),
                _course(
                    "First contact resolution over time",
                    "Do more tickets take customers a single contact?",
                    "first_contact_resolution_ratio",
                    "ratio",
                ),
                _course(
                    "Resolution time over time",
                    "Do customers wait longer for a resolution than in the period before?",
                    "resolution_mean_seconds",
                    "seconds",
                ),
                _course(
                    "Active customers over time",
                    "Do more customers come than 30 days before?",
                    "active_customers",
                    "count",
                    window=MONTH,
                ),
            ),
        ),
        Row(
            "Where",
            (
                _cut("Effort by channel", "On which channel is it hardest?", "ces_score", "score"),
                _cut(
                    "Satisfaction by product",
                    "With which product are customers least satisfied?",
                    "csat_satisfied_ratio",
                    "ratio",
                    "product",
                ),
                _cut(
                    "Recommendation by segment",
                    "Which customers would recommend us, and which would not?",
                    "nps_score",
                    "score",
                    "segment",
                ),
                _cut("Touchpoints by channel", "Where do customers meet us?", "touchpoints", "count"),
                _cut(
                    "Satisfaction by region",
                    "In which region are customers least satisfied?",
                    "csat_satisfied_ratio",
                    "ratio",
                    "region",
                ),
                Panel(
                    "bargauge",
                    "Answers behind these numbers",
                    "On how many answers and tickets do these numbers rest: are they enough to go by?",
                    "count",
                    [
                        Query(chosen("ces_score_samples"), "answers on effort"),
                        Query(chosen("csat_score_samples"), "answers on satisfaction"),
                        Query(chosen("nps_score_samples"), "answers on recommendation"),
                        Query(chosen("first_contact_resolution_ratio_samples"), "tickets resolved"),
                    ],
                ),
            ),
        ),
    ),
)
