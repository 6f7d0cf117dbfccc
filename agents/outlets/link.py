"""Addresses for people."""

import re
from urllib.parse import quote

from schemas.alert import AnyAlert
from stream.desk.matcher import labels_of


def linked(template: str, alert: AnyAlert) -> str:
    """The address with ``{fingerprint}``, ``{alertname}``, ``{customer}`` and labels put in."""
    values = {**labels_of(alert), "fingerprint": alert.fingerprint}
    return re.sub(r"\{([^{}]+)\}", lambda found: quote(values.get(found[1], ""), safe=""), template)
