"""``schemas`` and ``stream`` read no clock and do no I/O, where imports alone (see import-linter) cannot show it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PURE = ("schemas", "stream")
GENERATOR = ROOT / "schemas" / "document.py"  # run by `make docs`: it writes the checked-in JSON Schemas

FUNCTIONS = {"open", "print", "input", "breakpoint"}
CLOCK = {"now", "utcnow", "today"}
METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "uuid1", "uuid4"}


def impurities(source: str) -> Iterator[str]:
    """The calls in ``source`` that a pure module must not make, each with its line."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id=name) if name in FUNCTIONS | METHODS:
                yield f"line {node.lineno}: {name}()"
            case ast.Attribute(attr=name) if name in METHODS:
                yield f"line {node.lineno}: .{name}()"
            case ast.Attribute(
                value=ast.Name(id="datetime" | "date" as owner) | ast.Attribute(attr="datetime" | "date" as owner),
                attr=name,
            ) if name in CLOCK:
                yield f"line {node.lineno}: {owner}.{name}()"


@pytest.mark.parametrize(
    "call",
    [
        "open('x')",
        "print(1)",
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "Path('x').read_text()",
        "uuid4()",
        "uuid.uuid4()",
    ],
)
def test_an_impure_call_is_found(call: str) -> None:
    assert len(list(impurities(f"x = 1\ny = {call}\n"))) == 1


@pytest.mark.parametrize("call", ["window.now(1)", "datetime.fromtimestamp(0, UTC)", "reopen('x')", "state.now"])
def test_a_pure_call_is_left_alone(call: str) -> None:
    assert list(impurities(f"y = {call}\n")) == []


@pytest.mark.parametrize("package", PURE)
def test_the_core_is_pure(package: str) -> None:
    modules = [path for path in (ROOT / package).rglob("*.py") if path != GENERATOR]
    found = [f"{path.relative_to(ROOT)}, {what}" for path in modules for what in impurities(path.read_text())]
    assert modules
    assert found == []
