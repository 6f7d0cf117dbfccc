"""How alerts stand, for those who look at a list of them: worked out from the topics, whether a desk runs or not."""

from msgspec import DecodeError
from rich.text import Text

from agents.clock import now_ms
from agents.reader import Reader, printable
from agents.settings import Settings
from agents.topics import TopicError
from schemas.alert import AnyAlert
from schemas.handling import AnyHandling, decode_handling
from schemas.openalert import OpenAlert
from stream.desk.handling import OpenAlerts

_STYLES = {"active": "bold red", "acknowledged": "yellow", "suppressed": "dim"}


def handlings(reader: Reader, settings: Settings) -> dict[str, AnyHandling]:
    """What `handling` comes to, by key; nothing where the topic is not there yet."""
    found: dict[str, AnyHandling] = {}
    try:
        for record in reader.read(settings.topic("handling")):
            key = (record.key or b"").decode(errors="replace")
            found.pop(key, None)
            try:
                if record.value is not None:
                    found[key] = decode_handling(record.value)
            except DecodeError:
                continue  # the desk counts these
    except TopicError:
        return {}
    return found


def standing(firing: list[AnyAlert], handled: dict[str, AnyHandling], settings: Settings) -> dict[str, OpenAlert]:
    """How each alert that fires stands now, by fingerprint."""
    alerts = OpenAlerts(settings.policy)
    for alert in firing:
        alerts.hear(alert, alert.at_ms)
    for record in handled.values():
        alerts.handle(record)
    return dict(alerts.view(now_ms()))


def state(alert: AnyAlert, known: OpenAlert | None = None) -> Text:
    """A transition's state; of an alert that is open, how it stands."""
    if known is not None:
        return Text(words(known), _STYLES[known.status])
    if alert.state == "resolved":
        return Text("resolved", "green")
    return Text("firing" if alert.escalation is None else "escalated", "bold red")


def words(known: OpenAlert) -> str:
    """Status and why, in a few words."""
    told = {"active": "firing", "acknowledged": _taken(known), "suppressed": f"suppressed ({_why(known)})"}[
        known.status
    ]
    return printable(f"{told}, escalated" if known.alert.escalation is not None else told)


def _taken(known: OpenAlert) -> str:
    taken = known.acknowledged
    return "acknowledged" if taken is None else f"acknowledged ({taken.assignee or taken.by})"


def _why(known: OpenAlert) -> str:
    reasons = [f"silence {each}" for each in known.silenced_by] + [f"maintenance {each}" for each in known.muted_by]
    reasons += [f"alert {each}" for each in known.inhibited_by]
    return ", ".join(reasons)
