"""Logs, on standard error: ours and those of the libraries, as text for people or as one JSON object a line."""

import json
import logging
import sys
import threading
from collections.abc import Mapping
from math import isfinite
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor

from agents.repeats import Repeats
from stream.errors import CxstreamError

_OURS = ("agents", "stream", "schemas")
log = structlog.get_logger(__name__)


class _JsonHandler(logging.StreamHandler[Any]):
    """Writes JSON."""


def configure(form: str, level: str, **always: Any) -> None:
    """Write logs of this process as ``text`` or ``json``; ``always`` are fields of each line.

    ``level`` is for libraries. What this project has to say, it says from ``info`` on.

    In JSON each line has ``time``, ``level``, ``logger``, ``message`` and what else is known of it, such as ``topic``,
    ``partition`` and ``offset``; ``exception`` is a stack trace in one string.
    """
    common: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time" if form == "json" else "timestamp"),
    ]
    handler = (_JsonHandler if form == "json" else logging.StreamHandler)(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.ExtraAdder(allow=("repeated",))],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(_as_json(always) if form == "json" else _as_text()),
            ],
        )
    )
    handler.addFilter(_is_news)
    handler.addFilter(Repeats((*_OURS, "cxstream")))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.INFO)
    # kafka-python only asks and answers here: what it warns of while it tries is in the error that comes of it.
    logging.getLogger("kafka").setLevel(logging.NOTSET if level == "debug" else logging.CRITICAL)
    logging.captureWarnings(True)
    sys.excepthook = _unexpected
    threading.excepthook = _unexpected_in_thread
    sys.unraisablehook = _unraisable
    structlog.configure(
        processors=[*common, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _as_text() -> list[Processor]:
    # Not the usual stack traces, which show the values of variables: secrets and customers are among them.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def _as_json(always: Mapping[str, Any]) -> list[Processor]:
    def complete(_: Any, __: str, event: EventDict) -> EventDict:
        first = {"time": event.pop("time"), "level": event.pop("level"), "logger": event.pop("logger")}
        return {**first, "message": event.pop("event"), **always, **event}

    return [structlog.processors.format_exc_info, complete, structlog.processors.JSONRenderer(serializer=_serialized)]


def _serialized(event: EventDict, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=str).decode()
    except TypeError:  # keys that are no text, halves of surrogate pairs, numbers of more than 64 bits
        return json.dumps({_text(name): _plain(value) for name, value in event.items()})


def _plain(value: Any) -> str | int | float:
    if isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        return value
    return _text(value)


def _text(value: Any) -> str:
    """Half of a surrogate pair, as a path that is no UTF-8 has it, is written out: many a reader of JSON takes none."""
    return str(value).encode(errors="backslashreplace").decode()


def _is_news(record: logging.LogRecord) -> bool:
    """An error of our own is said in a line by whoever ends of it; libraries that pass it on show its stack as well."""
    return record.name.startswith(_OURS) or not (record.exc_info and isinstance(record.exc_info[1], CxstreamError))


def _unexpected(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    log.critical("ended", exc_info=(kind, error, trace))


def _unexpected_in_thread(ended: threading.ExceptHookArgs) -> None:
    error = ended.exc_value
    if error is not None and not isinstance(error, SystemExit):
        name = None if ended.thread is None else ended.thread.name
        log.critical("thread.ended", thread=name, exc_info=(ended.exc_type, error, ended.exc_traceback))


def _unraisable(found: "sys.UnraisableHookArgs") -> None:
    """An error where there is nobody to raise it to. What it is of is named, not shown: it may hold anything."""
    of = getattr(found.object, "__qualname__", type(found.object).__qualname__)
    error = found.exc_value
    trace = None if error is None else (found.exc_type, error, found.exc_traceback)
    log.error("unraisable", what=found.err_msg or "exception ignored", of=of, exc_info=trace)


def is_json() -> bool:
    """Whether logs are one JSON object a line."""
    return any(isinstance(handler, _JsonHandler) for handler in logging.getLogger().handlers)


def complain(message: str, command: str = "cxstream") -> None:
    """Say in one line why a command ends: as logs are written."""
    if is_json():
        structlog.get_logger(command).critical(message)
    else:
        sys.stderr.write(f"{command}: {message}\n")
        sys.stderr.flush()
