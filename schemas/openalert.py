"""An alert that is open, with what is done about it: the compacted topic `alerts-open`."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct, json

from schemas.alert import AnyAlert
from schemas.handling import Acknowledgement


class OpenAlert(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One alert that fires now. Its key, the fingerprint, has a tombstone once it is resolved.

    ``status`` is ``suppressed`` where a silence, another alert or maintenance keeps it quiet, else ``acknowledged``
    where somebody sees to it, else ``active``. ``silenced_by`` has ids of silences, ``inhibited_by`` fingerprints of
    alerts that say as much, and ``muted_by`` names of maintenance windows. ``alert.escalation`` says whether nobody
    took it on in time.
    """

    alert: AnyAlert
    status: Literal["active", "acknowledged", "suppressed"]
    acknowledged: Acknowledgement | None = None
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()


decode_open: Callable[[bytes], OpenAlert] = json.Decoder(OpenAlert).decode
"""What a record's value says.

Raises:
    DecodeError: it is none.
"""
