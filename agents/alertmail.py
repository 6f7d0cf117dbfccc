"""Alerts as records of the topic `alerts`: every sender makes them here, so that subscribers see one contract."""

from msgspec import json

from agents.outbox import Letter
from agents.settings import Settings
from schemas.alert import AnyAlert
from schemas.cloudevent import headers


def letter(alert: AnyAlert, settings: Settings) -> Letter:
    """The record of an alert: keyed by fingerprint, with the attributes of a CloudEvent as headers."""
    return alert.fingerprint.encode(), json.encode(alert), headers(alert, settings.id)
