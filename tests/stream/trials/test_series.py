"""Series of values as promtool's documentation has them."""

import pytest

from stream.trials.series import expanded


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("1+1x4", [1, 2, 3, 4, 5]),
        ("-2+4x3", [-2, 2, 6, 10]),
        ("1-2x4", [1, -1, -3, -5, -7]),
        ("1x4", [1, 1, 1, 1, 1]),
        ("4", [4]),
        ("1 _x3 5 _", [1, None, None, None, 5, None]),
        ("0.5-0.25x2", [0.5, 0.25, 0]),
        ("", []),
    ],
)
def test_they_are_written_as_for_prometheus(written: str, values: list[float | None]) -> None:
    assert expanded(written) == values


@pytest.mark.parametrize("written", ["a", "1x", "x4", "1++1x2", "_x", "1e5", "1,2"])
def test_what_is_spelt_otherwise_is_named(written: str) -> None:
    with pytest.raises(ValueError, match="^" + written.replace("+", r"\+") + "$"):
        expanded(f"1 {written} 2")
