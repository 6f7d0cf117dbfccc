"""The project's import names are ordinary words: nobody else may own them, and every folder is where it is expected."""

from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("schemas", "stream", "agents")


@pytest.mark.parametrize("name", PACKAGES)
def test_no_other_distribution_owns_an_import_name(name: str) -> None:
    assert set(packages_distributions().get(name, ())) <= {"cxstream"}


@pytest.mark.parametrize("name", PACKAGES)
def test_an_import_name_leads_to_this_checkout(name: str) -> None:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin) == ROOT / name / "__init__.py"


@pytest.mark.parametrize("folder", [*PACKAGES, "deploy", "tests", "docs"])
def test_the_layout_has_its_folders(folder: str) -> None:
    assert (ROOT / folder).is_dir()


@pytest.mark.parametrize(
    "file", ["pyproject.toml", "uv.lock", "docker-compose.yml", "Makefile", "README.md", "CHANGELOG.md", ".ci/run"]
)
def test_the_layout_has_its_files(file: str) -> None:
    assert (ROOT / file).is_file()


def test_the_lock_file_names_no_place_of_one_machine() -> None:
    sources = {line for line in (ROOT / "uv.lock").read_text().splitlines() if line.startswith("source = ")}
    assert sources == {'source = { registry = "https://pypi.org/simple" }', 'source = { editable = "." }'}


def test_no_doctest_is_skipped() -> None:
    skipping = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py") if "+SKIP" in path.read_text()]
    assert skipping == []
