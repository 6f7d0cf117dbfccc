"""``cxstream topics``: make the project's topics, or see them."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from agents import topics as kafka_topics
from agents.cli.options import Bootstrap, SettingsFile
from agents.settings import load


def topics(
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    check: Annotated[bool, typer.Option(help="Only look; make nothing.")] = False,
) -> None:
    """Make the topics that are missing, and list all of them."""
    settings = load(settings_file, bootstrap=bootstrap)
    made = [] if check else kafka_topics.ensure(settings)
    with kafka_topics.admin(settings.cluster) as client:
        there = kafka_topics.partitions(client)
    table = Table("topic", "partitions", "settings", "")
    missing = 0
    for topic in kafka_topics.topics(settings):
        status = "made" if topic.name in made else "there" if topic.name in there else "missing"
        missing += status == "missing"
        config = ", ".join(f"{key}={value}" for key, value in topic.config.items())
        table.add_row(topic.name, str(there.get(topic.name, "-")), config, status)
    Console().print(table)
    if missing:
        raise typer.Exit(1)
