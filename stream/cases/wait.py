"""A conversation that the customer began, by chat or telephone, and for how long the customer waited for a person."""

from msgspec import msgpack

from schemas.call import CallAnswered, CallEnded, CallStarted
from schemas.chat import ChatEnded, ChatMessage, ChatStarted
from schemas.touchpoint import Touchpoint
from stream.cases.case import Case, Contribution, Contributions, Kind, Moment, earliest, sooner
from stream.config import NORMAL, Config
from stream.facts import Waited
from stream.segments import Values


class Wait(Case):
    """State of one conversation: when it began, a person was there, and it ended; the earliest such event each.

    ``said_ms`` is the wait that the source gives itself, with the answer. ``start`` is the id of the event by which it
    began, of two at the same time the smaller, and ``priority`` what that says.
    """

    began_ms: int | None = None
    answered: Moment | None = None
    ended: Moment | None = None
    said_ms: int | None = None
    start: str = ""
    priority: str = NORMAL

    def encode(self) -> bytes:
        return _encode(self)


class WaitKind(Kind[Wait]):
    """Conversations, by their sessions. Those without one cannot be followed."""

    title = "wait"
    prefix = b"w"
    events = (ChatStarted, ChatMessage, ChatEnded, CallStarted, CallAnswered, CallEnded)
    widths = (2,)

    def __init__(self, config: Config) -> None:
        self._targets_ms = config.targets["wait"]

    def name(self, event: Touchpoint) -> tuple[str, ...] | None:
        if event.session is None or (isinstance(event, ChatMessage) and event.author != "agent"):
            return None
        if isinstance(event, CallStarted) and not event.by_customer:
            return None
        return ("call" if isinstance(event, _CALLS) else "chat", event.session)

    def begin(self, event: Touchpoint, values: Values) -> Wait:
        return Wait(0, ())

    def take(self, case: Wait, event: Touchpoint, values: Values) -> Contributions | None:
        if isinstance(event, ChatStarted | CallStarted):
            if case.began_ms is None or (event.time_ms, event.id) < (case.began_ms, case.start):
                case.began_ms, case.start, case.priority = event.time_ms, event.id, event.priority or NORMAL
        elif isinstance(event, ChatEnded | CallEnded):
            case.ended = earliest(case.ended, event, values)
        elif (answered := earliest(case.answered, event, values)) is not case.answered:
            case.answered = answered
            case.said_ms = event.wait_ms if isinstance(event, CallAnswered) else None
        else:
            return None
        return _counted(case, self._targets_ms[case.priority])

    def join(self, case: Wait, other: Wait) -> Contributions:
        is_earlier = case.began_ms is None or (other.began_ms or 0, other.start) < (case.began_ms, case.start)
        if other.began_ms is not None and is_earlier:
            case.began_ms, case.start, case.priority = other.began_ms, other.start, other.priority
        if (answered := sooner(case.answered, other.answered)) is not case.answered:
            case.answered, case.said_ms = answered, other.said_ms
        case.ended = sooner(case.ended, other.ended)
        return _counted(case, self._targets_ms[case.priority])

    @staticmethod
    def decode(data: bytes) -> Wait:
        return _decode(data)


_CALLS = (CallStarted, CallAnswered, CallEnded)


def _counted(wait: Wait, target_ms: int) -> Contributions:
    """The wait where it was over. One who was answered did not give up, whatever the source says."""
    if wait.began_ms is None:
        return ()
    if wait.answered is not None and (wait.ended is None or wait.answered[0] <= wait.ended[0]):
        time_ms, _, values = wait.answered
        waited_ms = max(0, time_ms - wait.began_ms) if wait.said_ms is None else wait.said_ms
        return (Contribution(time_ms, values, Waited(waited_ms, in_time=waited_ms <= target_ms)),)
    if wait.ended is not None:
        time_ms, _, values = wait.ended
        return (Contribution(time_ms, values, Waited(None, in_time=time_ms - wait.began_ms <= target_ms)),)
    return ()


_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Wait).decode
