"""``cxstream explain``: what a metric or a signal of friction means, from its own definition.

The same texts make docs/metrics.md and docs/friction.md.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

from agents.cli import signals
from stream.errors import CxstreamError
from stream.friction import SIGNALS
from stream.mapping.nodes import suggestion
from stream.metrics import METRICS, UNITS
from stream.metrics.definition import Definition, define

_HEAD = """<!-- Made by `make docs` from the definitions in stream/metrics: change it there. -->

# Metrics

A value comes with what it rests on, its `samples`: what it is divided by, or else how many were counted for it.

It counts in the segments of the touchpoint at which it counts. What has a life of its own counts in those of one of its
touchpoints: a ticket of its earliest, a cart of its last change, a trial of its earliest start; a lapse in those of the
last step before it.

Of two touchpoints at the same moment, the one with the smaller id was first; in tickets and journeys, the one that
arrived first.
"""


def explain(
    metric: Annotated[
        str | None,
        typer.Argument(
            help="A metric (nps), a value of one (nps_score), or a signal (long_wait); `friction`: all of these."
        ),
    ] = None,
    output: Annotated[Literal["text", "markdown"], typer.Option("--format", help="For people or pages.")] = "text",
) -> None:
    """Say what a metric means: formula, counters, edge cases, source and an example. Or a signal of friction."""
    if metric == signals.ALL or metric in SIGNALS:
        signals.explain(metric, output)
        return
    definitions = [define(each) for each in METRICS]
    if output == "markdown":
        typer.echo(
            _HEAD + "".join(map(_page, definitions if metric is None else [_find(definitions, metric)])), nl=False
        )
    elif metric is None:
        for each in definitions:
            Console().print(Text.assemble((f"{each.name:12}", "bold"), each.summary), soft_wrap=True)
    else:
        for line in _lines(_find(definitions, metric)):
            Console().print(line, soft_wrap=True)


def _find(definitions: list[Definition], name: str) -> Definition:
    for each in definitions:
        if name == each.name or name in each.formulas:
            return each
    known = [*(each.name for each in definitions), *UNITS, *SIGNALS]
    raise CxstreamError(f"there is no metric `{name}`{suggestion(name, known)}; `cxstream explain` lists them")


def _lines(of: Definition) -> Iterator[Text]:
    yield Text(of.summary)
    yield from _block("Formulas", (f"{name} = {formula}  [{UNITS[name]}]" for name, formula in of.formulas.items()))
    yield from _block("Counters", (f"{name}: {meaning}" for name, meaning in of.counters.items()))
    yield from _block("Edge cases", of.edge_cases)
    yield from _block("Source", [of.source])
    yield from _block("Example", of.example.splitlines())


def _block(title: str, lines: Iterable[str]) -> Iterator[Text]:
    yield Text(f"\n{title}", "bold")
    for line in lines:
        yield Text(f"  {line}")


def _page(of: Definition) -> str:
    formulas = "".join(f"| `{name}` | {formula} | {UNITS[name]} |\n" for name, formula in of.formulas.items())
    counters = "".join(f"- `{name}`: {meaning}\n" for name, meaning in of.counters.items())
    cases = "".join(f"- {case}\n" for case in of.edge_cases)
    return (
        f"\n## {of.name}\n\n{of.summary}\n\n| value | formula | unit |\n| --- | --- | --- |\n{formulas}"
        f"\nCounters:\n\n{counters}\nEdge cases:\n\n{cases}\nSource: {of.source}.\n\n```python\n{of.example}\n```\n"
    )
