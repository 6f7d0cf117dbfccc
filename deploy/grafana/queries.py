"""PromQL that panels share. Every query names the cut, so that nobody is counted in two segments and added up."""

CUTS = "total|((channel|region|segment|product),?)+"
"""The cuts that the variables of a dashboard can choose: by nothing, or by some of these four."""
PEOPLE = ",".join(f'{name}=~"${name}"' for name in ("channel", "region", "segment", "product"))
WINDOW, DAYS = "$window", "$days"
"""What metrics are read over: any window, and on dashboards where it takes whole days to see something, those."""


def chosen(name: str, window: str = WINDOW, ago: str = "") -> str:
    """A metric for whom the variables choose, over a window; ``ago`` is a duration before now.

    >>> chosen("ces_score", "1d", ago="1d")
    'max without (instance) (cx_ces_score{window="1d",cut=~"total|(...,product=~"$product"} offset 1d)'
    """
    offset = f" offset {ago}" if ago else ""
    return f'max without (instance) (cx_{name}{{window="{window}",cut=~"{CUTS}",{PEOPLE}}}{offset})'


def change(name: str, window: str = WINDOW) -> str:
    """What it is now less what it was in the period before, as a rule has recorded it."""
    return f'cut_window:cx_{name}:delta{{window="{window}",cut=~"{CUTS}",{PEOPLE}}}'


def by(dimension: str, name: str, window: str = WINDOW) -> str:
    """A metric for each value of a dimension, whatever the variables choose.

    >>> by("channel", "ces_score", "1d")
    'max without (instance) (cx_ces_score{window="1d",cut="channel"})'
    """
    return f'max without (instance) (cx_{name}{{window="{window}",cut="{dimension}"}})'


def percentile(name: str, q: float, window: str = WINDOW) -> str:
    """Of the distribution of durations of that name, the one that the share ``q`` of them does not exceed."""
    of = f'cx_{name}_seconds_bucket{{window="{window}",cut=~"{CUTS}",{PEOPLE}}}'
    return f"histogram_quantile({q}, max without (instance) ({of}))"


def came(name: str, *labels: str) -> str:
    """How often something came to pass, by labels; what never did, which counters have as zero, is left out.

    >>> came("cx_friction_total", "signal")
    'sum by (signal) (increase(cx_friction_total[$__rate_interval])) and sum by (signal) (cx_friction_total) > 0'
    """
    of = ", ".join(labels)
    return f"sum by ({of}) (increase({name}[$__rate_interval])) and sum by ({of}) ({name}) > 0"


def matrix(rows: str, columns: str) -> tuple[dict[str, object], ...]:
    """What Grafana does with a table of series to show their values by two labels."""
    fields = {"rowField": rows, "columnField": columns, "valueField": "Value", "emptyValue": "null"}
    return ({"id": "groupingToMatrix", "options": fields},)
