"""Tables and values as people read them in a terminal."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_WIDEST = 300


def print_table(table: Table) -> Console:
    """Print a table as wide as the terminal, or wider where columns that must not wrap need it; else as it comes."""
    console = Console()
    for column in table.columns:
        if column.no_wrap:
            column.min_width = max(cell_len(str(cell)) for cell in (column.header, *column.cells))
    measured = Measurement.get(console, console.options.update(max_width=_WIDEST), table)
    width = max(console.width, measured.minimum) if console.is_terminal else measured.maximum
    console = Console(width=width)
    console.print(table)
    return console


def plain(value: float | None) -> str:
    """A value for a spreadsheet; nothing where there is none.

    >>> plain(0.1 + 0.2), plain(None)
    ('0.3', '')
    """
    return "" if value is None else f"{value:.12g}"


def change(now: float, before: float, unit: str) -> str:
    """By how much a value has changed: ratios in points, all others in percent.

    >>> change(0.45, 0.40, "ratio"), change(110, 100, "customers"), change(4.0, 0.0, "score")
    ('+5.0 pts', '+10 %', '')
    """
    if unit == "ratio":
        return f"{100 * (now - before):+.1f} pts"
    return f"{100 * (now - before) / abs(before):+.0f} %" if before else ""


def bar(part: float, most: float, width: int = 24) -> str:
    """A bar of a chart, as long as its part of ``most``, in eighths of a character.

    >>> bar(1, 2, width=3), bar(0, 0)
    ('█▌', '')
    """
    eighths = round(8 * width * part / most) if most > 0 and part > 0 else 0
    return "█" * (eighths // 8) + ("" if eighths % 8 == 0 else "▏▎▍▌▋▊▉"[eighths % 8 - 1])


def spark(values: Sequence[float | None]) -> str:
    """A line of small columns, from the least to the most; a blank where there is no value.

    >>> spark([1, None, 3, 2])
    '▁ █▅'
    """
    known = [value for value in values if value is not None]
    least, most = min(known, default=0), max(known, default=0)
    step = (most - least) / 7 or 1
    return "".join(" " if value is None else "▁▂▃▄▅▆▇█"[round((value - least) / step)] for value in values)
