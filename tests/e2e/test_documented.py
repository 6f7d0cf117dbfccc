"""What the documentation shows of commands is what they say."""

import shlex
from pathlib import Path

from agents.brokers import Broker
from tests.e2e.test_commands import cxstream
from tests.e2e.workers import Deployment

ROOT = Path(__file__).parents[2]


def shown(document: str, command: str) -> tuple[list[str], list[str]]:
    """The block of a document that shows a command: the command lines, and the lines of what they say."""
    blocks = (ROOT / "docs" / document).read_text().split("```")[1::2]
    block = next(block for block in blocks if command in block)
    lines = [line.rstrip() for line in block.splitlines() if line.strip() and line.strip() != "…"]
    return [line[2:] for line in lines if line.startswith("$ ")], [line for line in lines if not line.startswith("$ ")]


def test_the_journey_that_is_shown_is_that_of_the_simulated_customer(embedded: Broker, tmp_path: Path) -> None:
    (simulate, journey), lines = shown("journeys.md", "cxstream journey")
    deployed = Deployment(embedded.bootstrap, tmp_path)
    topic = deployed.settings.topic("touchpoints")
    where = "--bootstrap", embedded.bootstrap
    done = cxstream(*shlex.split(simulate)[1:], *where, "--topic", topic)
    assert done.returncode == 0, done.stderr
    said = cxstream(*shlex.split(journey)[1:], "--settings", str(deployed.file), COLUMNS="200")
    assert said.returncode == 0, said.stderr
    rest = iter(line.rstrip() for line in said.stdout.splitlines())
    assert [line for line in lines if line not in rest] == []
