"""An email that we sent, and what became of it."""

from msgspec import msgpack

from schemas.email import EmailBounced, EmailClicked, EmailDelivered, EmailOpened, EmailUnsubscribed
from schemas.touchpoint import Touchpoint
from stream.cases.case import Case, Contribution, Contributions, Kind, Moment, earliest, sooner
from stream.facts import Bounced, Delivered
from stream.segments import Values

_Email = EmailDelivered | EmailOpened | EmailClicked | EmailBounced | EmailUnsubscribed


class Email(Case):
    """``delivered`` and ``bounced`` are when, by which event and in what segments: the earliest."""

    delivered: Moment | None = None
    bounced: Moment | None = None
    opened: bool = False
    clicked: bool = False
    unsubscribed: bool = False

    def encode(self) -> bytes:
        return _encode(self)


class EmailKind(Kind[Email]):
    """Emails, by their ids. Those without an id cannot be followed."""

    title = "email"
    prefix = b"e"
    events = (EmailDelivered, EmailOpened, EmailClicked, EmailBounced, EmailUnsubscribed)

    def name(self, event: Touchpoint) -> tuple[str, ...] | None:
        return None if not isinstance(event, _Email) or event.email is None else (event.email,)

    def begin(self, event: Touchpoint, values: Values) -> Email:
        return Email(0, ())

    def take(self, case: Email, event: Touchpoint, values: Values) -> Contributions:
        if isinstance(event, EmailDelivered):
            case.delivered = earliest(case.delivered, event, values)
        elif isinstance(event, EmailBounced):
            case.bounced = earliest(case.bounced, event, values)
        case.clicked |= isinstance(event, EmailClicked)
        case.unsubscribed |= isinstance(event, EmailUnsubscribed)
        case.opened |= isinstance(event, EmailOpened) or case.clicked
        return tuple(_counted(case))

    def join(self, case: Email, other: Email) -> Contributions:
        case.delivered = sooner(case.delivered, other.delivered)
        case.bounced = sooner(case.bounced, other.bounced)
        case.clicked |= other.clicked
        case.unsubscribed |= other.unsubscribed
        case.opened |= other.opened
        return tuple(_counted(case))

    @staticmethod
    def decode(data: bytes) -> Email:
        return _decode(data)


def _counted(email: Email) -> list[Contribution]:
    counted = []
    if email.delivered is not None:
        time_ms, _, values = email.delivered
        fact = Delivered(email.opened, email.clicked, email.unsubscribed)
        counted.append(Contribution(time_ms, values, fact))
    if email.bounced is not None:
        time_ms, _, values = email.bounced
        counted.append(Contribution(time_ms, values, Bounced()))
    return counted


_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Email).decode
