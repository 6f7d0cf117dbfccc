"""Logs are text or JSON, whoever writes them; and a process that does not end is ended."""

import json
import logging
import os
import subprocess
import sys
import time
from typing import Any

import orjson

from agents.repeats import Repeats

LINES = """
import logging, sys, warnings
import structlog
from agents import logs
from stream.errors import CxstreamError

logs.configure(sys.argv[1], "warning", worker="pod-3:6066")
ours = structlog.get_logger("agents.outbox")
ours.info("outbox.refused", topic="touchpoints", partition=3, offset=7, keys={("a", 1): object()})
logging.getLogger("aiokafka.client").error('Unable connect to "%s": %s', "b:1", ValueError("no\\nway"))
logging.getLogger("faust.worker").info("nobody wants to know")
secret = "tell-nobody"
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("mode.worker").exception("crashed")
    ours.exception("crashed")
try:
    raise CxstreamError("said once")
except CxstreamError:
    logging.getLogger("mode.worker").exception("passed on")
warnings.warn("careful")
logs.complain("it is over")
secret += 1
"""


def said(form: str) -> str:
    run = subprocess.run([sys.executable, "-c", LINES, form], check=False, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (1, "")
    return run.stderr


def test_each_line_is_one_json_object_with_its_context() -> None:
    refused, unable, mode, own, careful, over, ended = map(json.loads, said("json").splitlines())
    assert all(isinstance(line.pop("time"), str) for line in (refused, unable, over))
    assert {
        name: refused[name] for name in ("level", "logger", "message", "worker", "topic", "partition", "offset")
    } == {
        "level": "info",
        "logger": "agents.outbox",
        "message": "outbox.refused",
        "worker": "pod-3:6066",
        "topic": "touchpoints",
        "partition": 3,
        "offset": 7,
    }
    assert unable["message"] == 'Unable connect to "b:1": no\nway'
    assert (unable["level"], unable["logger"]) == ("error", "aiokafka.client")
    for line in (mode, own):
        assert line["exception"].endswith("ZeroDivisionError: division by zero")
    assert "careful" in careful["message"]
    assert over == {"level": "critical", "logger": "cxstream", "message": "it is over", "worker": "pod-3:6066"}
    assert "can only concatenate str" in ended["exception"]
    assert "tell-nobody" not in ended["exception"]


def test_text_is_for_people_and_shows_no_values_of_variables() -> None:
    lines = said("text")
    assert "outbox.refused" in lines
    assert "cxstream: it is over\n" in lines
    assert "ZeroDivisionError: division by zero" in lines
    assert "passed on" not in lines
    assert "nobody wants to know" not in lines
    assert "tell-nobody" not in lines.replace("secret = ", "")


AWKWARD = """
import gc, sys, threading
import structlog
from agents import logs

logs.configure(sys.argv[1], "warning", worker="pod-3:6066")
ours = structlog.get_logger("agents.outbox")
ours.info("large", offset=2**70, file="/tmp/x\\udcff.yaml", share=float("nan"), more={"\\udcff": 2**70})
thread = threading.Thread(target=lambda: 1 / 0, name="fetcher")
thread.start()
thread.join()
class Careless:
    def __repr__(self):
        return "tell-nobody"
    def __del__(self):
        raise ValueError("too late")
Careless()
gc.collect()
threading.Thread(target=sys.exit).start()
"""


def test_whatever_is_said_and_wherever_it_fails_a_line_is_one_json_object() -> None:
    run = subprocess.run([sys.executable, "-c", AWKWARD, "json"], check=True, capture_output=True, text=True)
    large, thread, late = map(orjson.loads, run.stderr.splitlines())
    assert json.loads(run.stderr.splitlines()[0])["offset"] == 2**70
    assert (large["message"], large["file"], large["share"]) == ("large", r"/tmp/x\udcff.yaml", "nan")
    assert (thread["message"], thread["thread"], thread["level"]) == ("thread.ended", "fetcher", "critical")
    assert thread["exception"].endswith("ZeroDivisionError: division by zero")
    assert (late["message"], late["of"]) == ("unraisable", "Careless.__del__")
    assert late["exception"].endswith("ValueError: too late")
    assert "tell-nobody" not in run.stderr


def test_what_is_wrong_with_a_command_is_one_json_object_too() -> None:
    environment = {**os.environ, "CXSTREAM_LOG_FORMAT": "json"}
    for arguments, words, code in (
        (["worker", "--settings", "/tmp/x\udcff.yaml"], r"/tmp/x\udcff.yaml: cannot be read", 1),
        (["worker", "--prot", "1"], "No such option: --prot", 2),
        ([], "no command is given", 2),
    ):
        command = [sys.executable, "-m", "agents.cli", *arguments]
        run = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        assert run.returncode == code
        (line,) = run.stderr.splitlines()
        assert words in orjson.loads(line)["message"]


def test_a_command_that_has_done_its_work_says_nothing_in_json() -> None:
    command = [sys.executable, "-m", "agents.cli", "explain", "fcr_ratio"]
    environment = {**os.environ, "CXSTREAM_LOG_FORMAT": "json"}
    run = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert (run.returncode, run.stderr) == (0, "")


def message(text: str, name: str = "aiokafka") -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, "%s", (text,), None)


def test_what_a_library_repeats_is_said_once_in_ten_seconds_and_counted() -> None:
    now = [0.0]
    repeats = Repeats(("agents",), lambda: now[0])
    passed: list[Any] = []
    for second in range(25):
        now[0] = float(second)
        record = message("no way")
        if repeats.filter(record):
            passed.append((second, getattr(record, "repeated", 0)))
    assert passed == [(0, 0), (10, 9), (20, 9)]
    assert repeats.filter(message("another way"))
    assert all(repeats.filter(message("our way", "agents.outbox")) for _ in range(3))


STUCK = """
import signal, sys, time
from agents import logs, parting

logs.configure(sys.argv[1], "warning")
signal.signal(signal.SIGTERM, lambda *_: None)
parting.limit(0.5)
print("up", flush=True)
while True:
    time.sleep(0.01)
"""


def test_a_process_that_does_not_come_to_an_end_is_ended_with_a_line() -> None:
    for form in ("text", "json"):
        with subprocess.Popen(
            [sys.executable, "-c", STUCK, form], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == "up\n"
            began = time.monotonic()
            process.terminate()
            assert process.wait(30) == 1
            assert time.monotonic() - began >= 0.5
            (line,) = process.stderr.read().splitlines()
            told = json.loads(line)["message"] if form == "json" else line.removeprefix("cxstream: ")
            assert told.startswith("not at an end 0.5 s after being told to")
