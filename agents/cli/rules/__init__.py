"""``cxstream rules``: check alert rules, test them, and ask what they would have told."""

import typer

from agents.cli.rules.backtest import backtest
from agents.cli.rules.check import check
from agents.cli.rules.trials import trials

rules = typer.Typer(
    name="rules", help="Check alert rules, test them, and see what they would have told.", no_args_is_help=True
)
rules.command()(check)
rules.command("test")(trials)
rules.command()(backtest)
