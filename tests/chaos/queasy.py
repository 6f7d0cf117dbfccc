"""A worker with a bug in its fold: a page named `/poison` makes it raise.

No event is known to do so to the real one; this is how the way of one that does is tested to its end. Run as
``python -m tests.chaos.queasy worker``, in place of ``agents.cli``.
"""

from typing import Any

from agents.cli import main
from schemas.touchpoint import Touchpoint
from stream.fold import Fold

_touchpoint: Any = Fold._touchpoint


def _raises(fold: Fold, event: Touchpoint, *rest: Any) -> Any:
    refusal = _touchpoint(fold, event, *rest)
    if getattr(event, "page", None) == "/poison":  # late, so that there is something to take back
        raise ZeroDivisionError("a bug")
    return refusal


if __name__ == "__main__":
    setattr(Fold, "_touchpoint", _raises)  # noqa: B010  # what the fold is to be cannot be said in types
    main()
