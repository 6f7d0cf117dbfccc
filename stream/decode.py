"""Bytes → touchpoints or a reason why not. A whole batch at once; one by one only where that fails."""

from collections.abc import Sequence
from operator import attrgetter, itemgetter

from msgspec import DecodeError, ValidationError, json

from schemas.handover import Handover
from schemas.rejected import Reason
from schemas.survey import OffScaleError
from schemas.touchpoint import channel_error
from schemas.union import AnyTouchpoint

_decoder: json.Decoder[AnyTouchpoint | Handover] = json.Decoder(AnyTouchpoint | Handover)
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"\xff\x06\x00\x00sNaPpY", b"\x82SNAPPY")
"""First bytes of gzip, zstd, lz4 and snappy: a producer that compressed the value itself."""
_HANDOVER = b'{"type":"customer.handover",'
"""First bytes of what workers write themselves, which may be larger than what others may send."""

_BOUNDS = tuple(f"Expected {bound}" for bound in ("`int` >", "`int` <", "`str` of", "`str` matching", "`array` of"))
_SCALED = ("score`", "scale.min`", "scale.max`", "rating`")

_FIRST, _LAST, _CHANNEL = itemgetter(0), itemgetter(-1), attrgetter("channel")

Refusal = tuple[Reason, str]
Outcome = AnyTouchpoint | Handover | Refusal


def decode(values: Sequence[bytes | None], max_bytes: int) -> Sequence[Outcome]:
    """One outcome for each value, in order: the touchpoint, or the reason and a sentence why there is none.

    >>> decode([b'{"type": "chat.started"}', None], 1000)[1]
    (<Reason.TOMBSTONE: 'tombstone'>, 'the record has no value')
    """
    lines = _lines(values, max_bytes)
    if lines is not None:
        try:
            touchpoints = _decoder.decode_lines(lines)
        except (ValueError, RecursionError):
            pass
        else:
            if len(touchpoints) == len(values) and not any(map(channel_error, set(map(_CHANNEL, touchpoints)))):
                return touchpoints
    return [decode_one(value, max_bytes) for value in values]


def _lines(values: Sequence[bytes | None], max_bytes: int) -> bytes | None:
    """All values as lines, or None where that could make one event of two records.

    A value that begins with ``{`` and ends with ``}`` cannot go on in the next one: after a closing brace only a comma
    or another bracket may follow, and a string cannot hold the line break.
    """
    try:
        framed = set(map(_FIRST, values)) == {123} and set(map(_LAST, values)) == {125}  # type: ignore[arg-type]
    except (TypeError, IndexError):  # a tombstone, an empty record
        return None
    if not framed or max(map(len, values)) > max_bytes:  # type: ignore[arg-type]  # none of them is None
        return None
    lines = b"\n".join(values)  # type: ignore[arg-type]  # none of them is None
    if not lines.isascii():
        try:
            lines.decode()
        except UnicodeDecodeError:
            return None
    return lines


def decode_one(value: bytes | None, max_bytes: int) -> Outcome:
    """The touchpoint or handover, or why there is none."""
    if value is None:
        return Reason.TOMBSTONE, "the record has no value"
    if not value.strip():
        return Reason.EMPTY, "the record is empty"
    if len(value) > max_bytes and not value.startswith(_HANDOVER):
        return Reason.OVERSIZED, f"the record has {len(value)} bytes, more than {max_bytes}"
    if value.startswith(_COMPRESSED):
        return Reason.UNKNOWN_COMPRESSION, "the value itself is compressed; let the producer compress its batches"
    try:
        value.decode()
        touchpoint = _decoder.decode(value)
        problem = channel_error(touchpoint.channel)
        return touchpoint if problem is None else (Reason.OUT_OF_RANGE, problem)
    except UnicodeDecodeError as error:
        return Reason.NOT_UTF8, str(error)
    except ValidationError as error:
        return _invalid(error), str(error)
    except DecodeError as error:
        return Reason.MALFORMED_JSON, str(error)
    except RecursionError:
        return Reason.MALFORMED_JSON, "nested too deeply"


def _invalid(error: ValidationError) -> Reason:
    """The reason behind a message of msgspec's, which has no codes.

    It reads ``what - at `$.path```; the path comes last, so that a value quoted in the message cannot pass for it.
    """
    what, _, path = str(error).rpartition(" - at ")
    what = what or path
    if isinstance(error.__cause__, OffScaleError):
        return Reason.OFF_SCALE
    if what.startswith("Object missing required field"):
        return Reason.MISSING_FIELD
    if what.startswith("Invalid value") and path == "`$.type`":
        return Reason.UNKNOWN_TYPE
    if what.startswith(_BOUNDS):
        if path.endswith(_SCALED):
            return Reason.OFF_SCALE
        is_duration = what.startswith("Expected `int` >= 0") and path.endswith("_ms`")
        return Reason.NEGATIVE_DURATION if is_duration else Reason.OUT_OF_RANGE
    return Reason.OUT_OF_RANGE if what.startswith("Invalid enum value") else Reason.WRONG_TYPE
