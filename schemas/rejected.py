"""A record that could not become a touchpoint: where it came from, why, and what it was."""

from enum import StrEnum

from msgspec import Struct


class Reason(StrEnum):
    """Why a record was rejected. Closed: every outcome has a name and a counter."""

    TOMBSTONE = "tombstone"
    EMPTY = "empty"
    OVERSIZED = "oversized"
    NOT_UTF8 = "not_utf8"
    UNKNOWN_COMPRESSION = "unknown_compression"
    MALFORMED_JSON = "malformed_json"
    UNKNOWN_TYPE = "unknown_type"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    NEGATIVE_DURATION = "negative_duration"
    OFF_SCALE = "off_scale"
    TOO_OLD = "too_old"
    FUTURE = "future"
    LATE = "late"
    FOLD_ERROR = "fold_error"


class Rejected(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rejected record. ``topic``, ``partition`` and ``offset`` say where it stands; together they are its id.

    ``value`` is the record as text (undecodable bytes escaped as ``\\xNN``), cut to 10,000 characters; ``size`` its
    length in bytes.
    """

    reason: Reason
    detail: str
    topic: str
    partition: int
    offset: int
    size: int
    value: str | None = None
    key: str | None = None
