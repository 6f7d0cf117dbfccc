"""A worker with a bug in its fold: a page named `/poison` makes it raise.

No event is known to do so to the real one; this is how the way of one that does is tested to its end. Run as
``python -m tests.chaos.queasy worker``, in place of ``agents.cli``.
"""

from typing import Any

from agents.cli import main
from stream.admission import Admitted
from stream.following import Following

_take: Any = Following.take


def _raises(following: Following, admitted: Admitted) -> None:
    _take(following, admitted)
    if any(getattr(event, "page", None) == "/poison" for event in admitted.events):  # late: there is much to take back
        raise ZeroDivisionError("a bug")


if __name__ == "__main__":
    setattr(Following, "take", _raises)  # noqa: B010  # what it is to be cannot be said in types
    main()
