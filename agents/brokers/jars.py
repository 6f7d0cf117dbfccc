"""Apache Kafka's jars: fetched once from Maven Central, then kept in the user's cache."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.brokers.broker import BrokerError
from agents.brokers.settings import VERSION

POM = Path(__file__).with_name("pom.xml")
FETCHED_WITHIN_S = 600.0


def cache() -> Path:
    """The directory that holds the jars, whether or not they are there yet."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base, "cxstream", f"kafka-{VERSION}")


def jars_missing() -> str | None:
    """None where the jars are cached or Maven can fetch them, else one line that says why not."""
    if cache().is_dir() or shutil.which("mvn"):
        return None
    return f"Apache Kafka's jars are not in {cache()}, and there is no Maven (mvn) to fetch them: install it"


def jars() -> Path:
    """The directory with the jars, fetched now if need be. Raises BrokerError when they can't be.

    They appear there all at once, so an interrupted download leaves nothing half done; a second process waits for the
    first instead of fetching them again.
    """
    home = cache()
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with _locked(home.with_name(f"{home.name}.lock")):
            if not home.is_dir():
                _fetch(home)
    except OSError as error:
        raise BrokerError(
            f"can't keep Apache Kafka's jars in {home}: {error}. Point XDG_CACHE_HOME elsewhere."
        ) from error
    return home


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel lets go of it when the file closes, also after a crash
        yield


def _fetch(home: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f"{home.name}-", dir=home.parent) as unfinished:
        libs = Path(unfinished, "libs")
        _run_maven(
            ["dependency:copy-dependencies", f"-DoutputDirectory={libs}", f"-DcxstreamKafka={VERSION}"], unfinished
        )
        libs.rename(home)


def _run_maven(goals: list[str], directory: str) -> None:
    # A copy of the pom, because Maven wants to write beside it and the package may be installed read-only.
    pom = shutil.copy(POM, directory)
    command = [shutil.which("mvn") or "mvn", "-B", "-ntp", "-f", str(pom), *goals]
    try:
        subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=FETCHED_WITHIN_S
        )
    except subprocess.CalledProcessError as error:
        trouble = "\n".join(line for line in error.output.splitlines() if "ERROR" in line) or error.output[-2000:]
        raise BrokerError(
            f"Maven couldn't fetch Apache Kafka {VERSION} (is Maven Central reachable?):\n{trouble}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise BrokerError(
            f"Maven didn't fetch Apache Kafka {VERSION} within {FETCHED_WITHIN_S:g} s: try again."
        ) from error
