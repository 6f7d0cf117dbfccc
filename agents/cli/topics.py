"""``cxstream topics``: make the project's topics, or see them."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from agents import topics as kafka_topics
from agents.cli.options import Bootstrap, SettingsFile
from agents.settings import load
from agents.topics import Topic
from agents.topicsettings import configure, differing


def topics(
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    check: Annotated[bool, typer.Option("--check", help="Only look; make nothing.")] = False,
    repair: Annotated[
        bool, typer.Option("--configure", help="Also set topics that are there as they would be made.")
    ] = False,
) -> None:
    """Make the topics that are missing, and list all of them; with --check, 1 where one is missing or set otherwise."""
    if check and repair:
        raise typer.BadParameter("with --check nothing is changed: leave out --configure", param_hint="--configure")
    settings = load(settings_file, bootstrap=bootstrap)
    made = [] if check else kafka_topics.ensure(settings)
    wanted = kafka_topics.topics(settings)
    with kafka_topics.admin(settings.cluster) as client:
        there = kafka_topics.partitions(client)
        wrong = differing(client, [each for each in wanted if each.name in there])
        if repair and wrong:
            configure(client, wanted, wrong)
    table = Table("topic", "partitions", "settings", "")
    for topic in wanted:
        status = "made" if topic.name in made else "there" if topic.name in there else "missing"
        table.add_row(topic.name, str(there.get(topic.name, "-")), _set(topic, wrong.get(topic.name, {})), status)
    Console().print(table)
    if (check and wrong) or any(topic.name not in there for topic in wanted):
        raise typer.Exit(1)


def _set(topic: Topic, wrong: dict[str, str]) -> str:
    """What is to be set; and what is, where that is something else."""
    each = (
        f"{name}={value}" + (f" [red](was {wrong[name]})[/red]" if name in wrong else "")
        for name, value in topic.config.items()
    )
    return ", ".join(each)
