"""What can be wrong: with a mapping (all its mistakes at once), and with a row."""

from msgspec import Struct

from stream.errors import ConfigError


class MappingError(ConfigError, ValueError):
    """A mapping that cannot be used, or that does not fit the file.

    ``problems`` has one line for each mistake: where it is (``file:line``), what it is and what to do.
    """


class UnmappableError(ValueError):
    """A row's value cannot become what the event needs. ``reason`` has no values of the row in it, ``detail`` has."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class RowProblem(Struct, frozen=True):
    """One thing that a row could not give. ``event`` is the rule's name, empty where the whole row is unusable.

    ``row`` counts data rows from 1, ``line`` the lines of the file. ``reason`` is fit for counting: it names the field
    and what is wrong; ``detail`` shows the value.
    """

    row: int
    line: int
    event: str
    reason: str
    detail: str = ""

    def __str__(self) -> str:
        where = f"row {self.row} (line {self.line})"
        named = f"{where}, {self.event}: {self.reason}" if self.event else f"{where}: {self.reason}"
        return f"{named}: {self.detail}" if self.detail else named
