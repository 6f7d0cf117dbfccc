"""Patterns that people write, in RE2's syntax as Prometheus and Alertmanager have it: matched in linear time.

What Python's own expressions can besides (references back, looking around) is refused: with these, one pattern on one
customer's id could take for ever.
"""

from collections.abc import Callable
from functools import lru_cache

import re2

LONGEST_PATTERN = 500
_MOST_BYTES = 1 << 20
"""Of memory that one compiled pattern may take."""


class PatternError(ValueError):
    """What is no pattern: the message says why."""


def fits(pattern: str, text: str) -> bool:
    """Does the pattern fit the whole text? A dot fits a newline too.

    Raises:
        PatternError: it is none, is longer than 500 characters, or would take more than a megabyte.

    >>> fits("eu|us", "us"), fits("eu", "europe"), fits("[[:alpha:]]+", "abc")
    (True, False, True)
    """
    return _compiled(pattern)(text)


def check(pattern: str) -> None:
    """Make sure that it is one.

    Raises:
        PatternError: as ``fits`` does.
    """
    _compiled(pattern)


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> Callable[[str], bool]:
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"a pattern has at most {LONGEST_PATTERN} characters")
    options = re2.Options()
    options.dot_nl, options.never_capture, options.log_errors, options.max_mem = True, True, False, _MOST_BYTES
    try:
        found = re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        why = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise PatternError(f"`{pattern}` is no regular expression (RE2): {why}") from None
    return lambda text: found.fullmatch(text.encode(errors="replace")) is not None
