"""Pipeline health: whether the numbers on the other dashboards are current, and complete."""

from deploy.grafana.dashboard import Dashboard, Row
from deploy.grafana.panel import Panel, Query

_HERE = 'instance=~"$instance"'
_RATE = "[$__rate_interval]"
_REJECTED = f"cx_touchpoints_rejected_total{{{_HERE}}}"


def _over_time(title: str, question: str, unit: str, *queries: Query, stacked: bool = False) -> Panel:
    return Panel("timeseries", title, question, unit, queries, stacked=stacked)


def _seconds_of(name: str, q: float) -> str:
    return f"histogram_quantile({q}, sum by (le) (rate({name}_bucket{{{_HERE}}}{_RATE})))"


def _told(what: str) -> str:
    return f"sum by (outlet) (increase(cx_outlet_{what}_total{_RATE}))"


PIPELINE = Dashboard(
    uid="cx-pipeline-health",
    title="Pipeline health",
    about="Whether what customers do is counted in time and completely, so that the other dashboards can be trusted.",
    windows=(),
    alerts='max by (alertname, severity) (ALERTS{alertname=~"Cx.+",alertstate="firing"})',
    rows=(
        Row(
            "Are the numbers current?",
            (
                Panel(
                    "stat",
                    "Workers",
                    "Is somebody there to count what customers do?",
                    "count",
                    [Query(f'sum(up{{job=~"cxstream.*",job!~".*-desk",{_HERE}}})', "up")],
                    width=4,
                    height=6,
                ),
                Panel(
                    "stat",
                    "Event time is behind by",
                    "How old is the newest touchpoint that the numbers include?",
                    "seconds",
                    [Query(f"min(cx_watermark_delay_seconds{{{_HERE}}})", "at least")],
                    width=5,
                    height=6,
                ),
                Panel(
                    "stat",
                    "Records that wait",
                    "How much of what customers did is not in the numbers yet?",
                    "count",
                    [Query(f"sum(cx_lag_records{{{_HERE}}})", "records")],
                    width=5,
                    height=6,
                ),
                Panel(
                    "stat",
                    "Time to catch up",
                    "When will the numbers be current, at the present speed?",
                    "seconds",
                    [Query("max(job:cx_catch_up_seconds:estimate)", "estimate")],
                    width=5,
                    height=6,
                ),
                Panel(
                    "stat",
                    "Recovering for",
                    "Is anything of customers not counted as its state is read back?",
                    "seconds",
                    [Query(f"max(cx_recovering_seconds{{{_HERE}}})", "at most")],
                    width=5,
                    height=6,
                ),
                _over_time(
                    "Touchpoints",
                    "How much do customers do, of what kind?",
                    "per second",
                    Query(f"sum by (type) (rate(cx_touchpoints_folded_total{{{_HERE}}}{_RATE}))", "{{type}}"),
                    stacked=True,
                ),
                _over_time(
                    "Records that wait by topic",
                    "Where does what customers did wait to be counted?",
                    "count",
                    Query(f"sum by (topic) (cx_lag_records{{{_HERE}}})", "{{topic}}"),
                ),
                _over_time(
                    "Event time behind by partition",
                    "Are some customers' numbers older than others'?",
                    "seconds",
                    Query(f"max by (partition) (cx_watermark_delay_seconds{{{_HERE}}})", "{{partition}}"),
                ),
            ),
        ),
        Row(
            "Are they complete?",
            (
                _over_time(
                    "Rejected by reason",
                    "What of customers is not counted, as it could not be read?",
                    "per second",
                    Query(
                        f"sum by (reason) (rate({_REJECTED}{_RATE})) and sum by (reason) ({_REJECTED}) > 0",
                        "{{reason}}",
                    ),
                    stacked=True,
                ),
                _over_time(
                    "Share rejected",
                    "Is what is missing enough to bend the numbers?",
                    "ratio",
                    Query("max(job:cx_touchpoints_rejected:ratio_rate5m)", "rejected"),
                ),
                _over_time(
                    "Repeated, late, read again",
                    "How much came twice or late, and was counted right all the same?",
                    "per second",
                    Query(f"sum(rate(cx_touchpoints_duplicate_total{{{_HERE}}}{_RATE}))", "repeated"),
                    Query(f"sum(rate(cx_touchpoints_late_total{{{_HERE}}}{_RATE}))", "late"),
                    Query(f"sum(rate(cx_records_replayed_total{{{_HERE}}}{_RATE}))", "read again"),
                ),
                Panel(
                    "stat",
                    "Values that count as other",
                    "Are there segments of customers that are not told apart any more?",
                    "count",
                    [Query(f"sum(cx_segment_values_capped_total{{{_HERE}}})", "values")],
                ),
                _over_time(
                    "Writes refused",
                    "Do numbers stand still because a disk or brokers refuse writes?",
                    "seconds",
                    Query(f"max by (instance, by) (cx_stalled_seconds{{{_HERE}}})", "{{instance}} {{by}}"),
                ),
                _over_time(
                    "Forgotten",
                    "Of how many customers and tickets is nothing known any more, as they were kept for long enough?",
                    "per second",
                    Query(f"sum(rate(cx_state_forgotten_total{{{_HERE}}}{_RATE}))", "forgotten"),
                ),
            ),
        ),
        Row(
            "Does anybody hear of it?",
            (
                Panel(
                    "stat",
                    "Desks at work",
                    "Is somebody told of alerts? It is to be one; others stand by.",
                    "count",
                    [Query("sum(cx_desk_active)", "at work")],
                    width=6,
                    height=6,
                ),
                Panel(
                    "stat",
                    "Rules in force",
                    "Does every worker watch for what the rule file says?",
                    "count",
                    [
                        Query(f"max(cx_rules{{{_HERE}}})", "rules"),
                        Query(f"count(cx_rules_valid{{{_HERE}}}) - sum(cx_rules_valid{{{_HERE}}})", "refuse the file"),
                    ],
                    width=6,
                    height=6,
                ),
                Panel(
                    "stat",
                    "Transitions that wait to be told",
                    "What has happened that an outlet was not told yet?",
                    "count",
                    [Query("sum by (outlet) (cx_outlet_waiting)", "{{outlet}}")],
                    width=6,
                    height=6,
                ),
                Panel(
                    "stat",
                    "Given up",
                    "Of how many notices will nobody ever hear, and how many faults of our own were there?",
                    "count",
                    [
                        Query("sum(cx_outlet_dropped_total)", "given up"),
                        Query("sum(cx_outlet_faults_total)", "faults"),
                    ],
                    width=6,
                    height=6,
                ),
                Panel(
                    "timeseries",
                    "Notices that outlets took",
                    "How often is somebody told of something, and where?",
                    "count",
                    [Query(_told("sent"), "{{outlet}}")],
                    width=12,
                ),
                Panel(
                    "timeseries",
                    "Attempts that failed",
                    "Which outlet does not take what it is told?",
                    "count",
                    [Query(_told("failed"), "{{outlet}}")],
                    width=12,
                ),
            ),
        ),
        Row(
            "What does it take?",
            (
                _over_time(
                    "From folded to durable",
                    "How long does it take until what a customer did cannot be lost any more?",
                    "seconds",
                    Query(_seconds_of("cx_commit_seconds", 0.5), "half"),
                    Query(_seconds_of("cx_commit_seconds", 0.99), "99 %"),
                ),
                _over_time(
                    "CPU",
                    "Do workers keep up with customers at ease? 1 is all that one can do.",
                    "ratio",
                    Query(f"rate(process_cpu_seconds_total{{{_HERE}}}{_RATE})", "{{instance}}"),
                ),
                _over_time(
                    "Memory",
                    "Is there room for more customers?",
                    "bytes",
                    Query(f"process_resident_memory_bytes{{{_HERE}}}", "{{instance}} in all"),
                    Query(f"sum by (instance) (cx_hot_bytes{{{_HERE}}})", "{{instance}} decoded state"),
                ),
                _over_time(
                    "Cells",
                    "How much is kept to answer questions about customers?",
                    "count",
                    Query(f"sum by (table) (cx_cells{{{_HERE}}})", "{{table}}"),
                ),
                _over_time(
                    "Records in a batch",
                    "Is there so much of customers at once that large batches are made?",
                    "count",
                    Query(_seconds_of("cx_batch_records", 0.5), "half"),
                    Query(_seconds_of("cx_batch_records", 0.99), "99 %"),
                ),
                _over_time(
                    "Scrapes",
                    "How long does Prometheus take to ask workers for the numbers?",
                    "seconds",
                    Query(f"scrape_duration_seconds{{{_HERE}}}", "{{instance}}"),
                ),
            ),
        ),
    ),
)
