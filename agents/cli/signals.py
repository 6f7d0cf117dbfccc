"""What signals of friction mean, for people and for docs/friction.md."""

from collections.abc import Iterator
from typing import Literal

import typer
from rich.console import Console
from rich.text import Text

from stream.friction import SIGNALS
from stream.friction.definition import Definition, define

ALL = "friction"
"""What all signals together are called."""
_HEAD = """<!-- Made by `make docs` from the definitions in stream/friction: change it there. -->

# Friction

What is hard for one customer. Each signal looks at the customer's recent touchpoints, and puts an alert on the topic
`alerts` when it finds something (`firing`) and when that is over (`resolved`): by a touchpoint, by one that comes late
or corrects another, or by time passing. The alert says for whom it is, what was measured and what bound it broke, the
touchpoints that it rests on (`evidence`, the last ten), and what it is `about` where a customer can have several at
once: a ticket, an order, a survey. Answers to surveys come with a `due`: somebody is to get in touch by then.

A customer has one alert of a signal at a time. More evidence changes nothing; once what it is about is over, it is
resolved, and the next one, also about something else, waits for the cooldown. Its labels are the configured dimensions
of the last touchpoint that it rests on. `id` is the same however often it is sent; the topic is keyed by `fingerprint`.

Time is event time, also where nothing comes ([decision 13](decisions/0013-journeys-and-timers.md)). What happened
exactly as long ago as a window is long is out of it; what takes exactly as long as its target is in time.

Each signal can be set, or switched off; what is not given is as below:

```yaml
friction:
  repeat_contact: {contacts: 4, hours: 48, severity: critical, cooldown_hours: 12}
  impersonal: off
```

Changed settings count for a customer from when a touchpoint or time next has them looked at. Of a customer the last 96
touchpoints that matter are remembered, fewer of what there is most of; so a count may be 32 at most.

`cxstream alerts` shows them, `cxstream explain long_wait` says what one means, `cx_friction_total` counts them by
signal and state. How it works: [decision 17](decisions/0017-friction.md).
"""


def explain(name: str, output: Literal["text", "markdown"]) -> None:
    """Say what a signal means, or all of them."""
    definitions = [define(each) for each in SIGNALS.values() if name in (ALL, each.name)]
    if output == "markdown":
        typer.echo(_HEAD + "".join(map(_page, definitions)), nl=False)
    elif name == ALL:
        for each in definitions:
            Console().print(Text.assemble((f"{each.name:20}", "bold"), each.summary), soft_wrap=True)
    else:
        for line in _lines(definitions[0]):
            Console().print(line, soft_wrap=True)


def _lines(of: Definition) -> Iterator[Text]:
    yield Text(of.summary)
    for note in of.notes:
        yield Text(f"\n{note}")
    yield Text("\nSettings", "bold")
    for key, value in _settings(of).items():
        yield Text(f"  {key}: {value}")
    yield Text("\nValue", "bold")
    yield Text(f"  {of.unit}, {of.sign} bound")
    yield Text("\nExample", "bold")
    for line in of.example.splitlines():
        yield Text(f"  {line}")


def _settings(of: Definition) -> dict[str, int | str]:
    return {**of.thresholds, "severity": of.severity, "cooldown_hours": of.cooldown_hours}


def _page(of: Definition) -> str:
    notes = "".join(f"{note}\n\n" for note in of.notes)
    usual = ", ".join(f"{key}: {value}" for key, value in _settings(of).items())
    return (
        f"\n## {of.name}\n\n{of.summary}\n\n{notes}"
        f"Usual: `{{{usual}}}`. Value: {of.unit}, {of.sign} bound.\n\n```python\n{of.example}\n```\n"
    )
