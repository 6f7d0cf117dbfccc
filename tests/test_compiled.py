"""The core compiled by mypyc obeys the same laws as the one that is not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.full import can_compile

ROOT = Path(__file__).parents[1]
WHICH = "import stream.fold, stream.tally; print(stream.fold.__file__, stream.tally.__file__)"


@pytest.mark.timeout(900)  # compiles, and then runs all laws
@pytest.mark.skipif(not can_compile(), reason="no C compiler")
def test_the_compiled_core_obeys_the_same_laws(tmp_path: Path) -> None:
    folder = tmp_path / "compiled"
    subprocess.run(["sh", str(ROOT / "scripts" / "compiled"), str(folder)], check=True)

    def python(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-P", *arguments]
        environment = {"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"}
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, env=environment)

    assert [Path(file).suffix for file in python("-c", WHICH).stdout.split()] == [".so", ".so"]
    for built in folder.rglob("*.so"):
        assert b"/build/stream" not in built.read_bytes(), "it names the folder it was built in, another one each time"
    laws = ["-q", "-p", "no:cacheprovider", "-o", f"pythonpath={folder} {ROOT}", str(ROOT / "tests" / "laws")]
    done = python("-m", "pytest", *laws)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
