"""The checked-in JSON Schemas are those of the types."""

import pytest

from schemas.document import DOCUMENTS, FOLDER, document


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_checked_in_schema_equals_the_generated_one(name: str) -> None:
    assert (FOLDER / f"{name}.schema.json").read_bytes() == document(name), "run: make docs"


def test_no_checked_in_schema_is_left_over() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.schema.json" for name in DOCUMENTS}
