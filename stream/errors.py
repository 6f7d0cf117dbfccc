"""The root of every error that cxstream raises on purpose."""


class CxstreamError(Exception):
    """Says what is wrong, where it came from and what to do; shown to the user without a stack trace."""


class ConfigError(CxstreamError):
    """Mistakes in a settings, rule or mapping file: all of them at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StateError(CxstreamError):
    """A state's store failed: no fault of the records that it was read or written for."""
