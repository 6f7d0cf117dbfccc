"""Friction: what goes wrong for customers right now, of which kind, and where."""

from deploy.grafana.dashboard import Dashboard, Row
from deploy.grafana.panel import Panel, Query
from deploy.grafana.queries import WINDOW, by, came, chosen

_TOLD = "cx_alert_transitions_total"
_FELT = "cx_friction_total"


def _firing(label: str) -> str:
    """Alerts that fire now. Each partition tells its own, from one worker to the next."""
    return f"sum by ({label}) (max without (instance) (cx_alerts_firing))"


def _taken_on(q: float) -> str:
    """Within how long the share ``q`` of alerts is acknowledged."""
    return f"histogram_quantile({q}, sum by (le) (increase(cx_alert_acknowledgement_seconds_bucket[{WINDOW}])))"


FRICTION = Dashboard(
    uid="cx-friction",
    title="Friction",
    about="Which alerts about customers' experience are open, of which kind, and where it is hard for customers.",
    windows=("1d", "1h", "7d"),
    rows=(
        Row(
            "Alerts",
            (
                Panel(
                    "stat",
                    "Open alerts",
                    "How many thresholds are broken now, for how bad a reason?",
                    "count",
                    [Query(_firing("severity"), "{{severity}}")],
                    width=6,
                ),
                Panel(
                    "bargauge",
                    "Open alerts by kind",
                    "What is broken for customers now?",
                    "count",
                    [Query(_firing("alert"), "{{alert}}")],
                    width=9,
                ),
                Panel(
                    "timeseries",
                    "Open alerts over time",
                    "Since when has it been broken, and how often?",
                    "count",
                    [Query(_firing("alert"), "{{alert}}")],
                    width=9,
                    stacked=True,
                ),
                Panel(
                    "timeseries",
                    "Fired and resolved",
                    "Does one alert come and go again and again?",
                    "count",
                    [Query(came(_TOLD, "alert", "state"), "{{alert}} {{state}}")],
                    width=12,
                ),
                Panel(
                    "timeseries",
                    "Friction of customers",
                    "What is hard for customers, one by one, and does it end?",
                    "count",
                    [Query(came(_FELT, "signal", "state"), "{{signal}} {{state}}", exemplars=True)],
                    width=12,
                ),
            ),
        ),
        Row(
            "Taken on",
            (
                Panel(
                    "timeseries",
                    "Time to acknowledge",
                    "How long does it take until somebody sees to an alert?",
                    "seconds",
                    [Query(_taken_on(0.5), "half within"), Query(_taken_on(0.9), "nine in ten within")],
                ),
                Panel(
                    "timeseries",
                    "How open alerts stand",
                    "Are there alerts that nobody sees to?",
                    "count",
                    [Query("sum by (status) (cx_alerts_open)", "{{status}}")],
                    stacked=True,
                ),
                Panel(
                    "timeseries",
                    "Escalated",
                    "How many alerts has nobody taken on in time?",
                    "count",
                    [Query(f"sum by (reason) (increase(cx_alert_escalations_total[{WINDOW}]))", "{{reason}}")],
                ),
            ),
        ),
        Row(
            "What is hard",
            (
                Panel(
                    "timeseries",
                    "Hard, or not to be recommended",
                    "What share of customers found it hard, and would warn of us?",
                    "ratio",
                    [
                        Query(chosen("ces_hard_ratio"), "found it hard"),
                        Query(chosen("nps_detractor_ratio"), "would not recommend us"),
                    ],
                ),
                Panel(
                    "timeseries",
                    "Given up",
                    "What share of customers gave up: waiting, or at the checkout?",
                    "ratio",
                    [
                        Query(chosen("abandonment_ratio"), "waiting for a person"),
                        Query(chosen("cart_abandonment_ratio"), "at the checkout"),
                    ],
                    leads_to="cx-support",
                ),
                Panel(
                    "timeseries",
                    "Failed, or had to come again",
                    "What share of payments failed, and of tickets had to be opened again?",
                    "ratio",
                    [
                        Query(chosen("payment_failure_ratio"), "payments failed"),
                        Query(chosen("reopened_ratio"), "tickets reopened"),
                    ],
                ),
            ),
        ),
        Row(
            "Where it is hard",
            (
                Panel(
                    "bargauge",
                    "Hard by channel",
                    "On which channel do most customers find it hard?",
                    "ratio",
                    [Query(by("channel", "ces_hard_ratio"), "{{channel}}")],
                    leads_to="cx-support",
                ),
                Panel(
                    "bargauge",
                    "Carts left behind by region",
                    "In which region do customers leave most carts behind?",
                    "ratio",
                    [Query(by("region", "cart_abandonment_ratio"), "{{region}}")],
                    leads_to="cx-journeys",
                ),
                Panel(
                    "bargauge",
                    "Failed payments by region",
                    "In which region do payments fail?",
                    "ratio",
                    [Query(by("region", "payment_failure_ratio"), "{{region}}")],
                ),
                Panel(
                    "bargauge",
                    "Detractors by segment",
                    "Which customers would warn of us?",
                    "ratio",
                    [Query(by("segment", "nps_detractor_ratio"), "{{segment}}")],
                ),
                Panel(
                    "bargauge",
                    "Hard by product",
                    "With which product do most customers find it hard?",
                    "ratio",
                    [Query(by("product", "ces_hard_ratio"), "{{product}}")],
                ),
                Panel(
                    "bargauge",
                    "Emails that drive customers away",
                    "What share of customers unsubscribes, and does not get our emails at all?",
                    "ratio",
                    [
                        Query(chosen("email_unsubscribe_ratio"), "unsubscribed"),
                        Query(chosen("email_bounce_ratio"), "bounced"),
                    ],
                ),
            ),
        ),
    ),
)
