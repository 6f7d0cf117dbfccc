"""The mappings that come with the project, and how one is found."""

from importlib.resources import files
from pathlib import Path

from stream.errors import CxstreamError

SUFFIX = ".yaml"


class UnknownMappingError(CxstreamError, ValueError):
    """Neither a shipped mapping nor a file. The message lists what there is."""


def names() -> list[str]:
    """Names of the shipped mappings."""
    return sorted(item.name.removesuffix(SUFFIX) for item in files(__name__).iterdir() if item.name.endswith(SUFFIX))


def find(name_or_path: str) -> tuple[str, str]:
    """YAML text of a mapping, and its origin for messages. A bare shipped name wins over a file of that name.

    Raises:
        UnknownMappingError: there is neither.
        OSError: the file cannot be read.
    """
    if name_or_path in names():
        return (files(__name__) / f"{name_or_path}{SUFFIX}").read_text("utf-8"), f"{name_or_path}{SUFFIX}"
    path = Path(name_or_path)
    if not path.is_file():
        raise UnknownMappingError(
            f"no mapping {name_or_path!r}: give a file's path, or one of those shipped: {', '.join(names())}"
        )
    try:
        return path.read_text("utf-8"), str(path)
    except UnicodeDecodeError:
        raise UnknownMappingError(f"{name_or_path} is not UTF-8 text, so no mapping") from None
