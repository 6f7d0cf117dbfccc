"""The Java runtime on this machine."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

OLDEST = 17


def java() -> str | None:
    """JAVA_HOME's program, else the one on PATH, else None."""
    home = os.environ.get("JAVA_HOME")
    own = Path(home, "bin", "java") if home else None
    return str(own) if own is not None and own.is_file() else shutil.which("java")


def java_missing() -> str | None:
    """None where a Java that Kafka runs on is found, else one line that says what is wrong."""
    program = java()
    if program is None:
        return f"no Java found: install a JRE {OLDEST} or newer, or set JAVA_HOME"
    version = _version(program)
    if version is None:
        return f"{program} doesn't tell its version: install a JRE {OLDEST} or newer"
    return None if version >= OLDEST else f"{program} is Java {version}: install a JRE {OLDEST} or newer"


@functools.cache
def _version(program: str) -> int | None:
    """The feature version: 17 for `openjdk version "17.0.15"`, 8 for `java version "1.8.0_452"`."""
    try:
        told = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found[1]) if found else None
