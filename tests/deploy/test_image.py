"""The image: its Dockerfile is looked at, and its steps are gone through where no Docker engine runs."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from agents.environment import PREFIX
from agents.settings import Settings
from tests.deploy.test_compose import SERVICES

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
UV = ROOT / ".venv" / "uv" / "bin" / "uv"


def instructions() -> Iterator[tuple[str, str]]:
    """What the Dockerfile says, line by line, without comments."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, " ".join(rest.split())


def said(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_both_stages_are_from_one_exact_version() -> None:
    images = {rest.split()[0] for rest in said("FROM")}
    assert len(images) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+", images.pop())


def test_uv_is_the_one_of_make_setup() -> None:
    (version,) = re.findall(r"^UV_VERSION=(\S+)$", (ROOT / "scripts" / "setup").read_text(), re.MULTILINE)
    assert f"uv=={version}" in " ".join(said("RUN"))


def test_who_runs_in_it_is_the_one_that_compose_names_and_owns_the_folder_of_state() -> None:
    (user,) = said("USER")
    assert {service["user"] for service in SERVICES.values() if service["image"].startswith("cxstream")} == {user}
    assert f"--from=build --chown={user} /var/lib/cxstream /var/lib/cxstream" in said("COPY")


def test_what_settings_say_counts_in_it_and_without_them_state_is_in_its_folder() -> None:
    """A variable of the image would outweigh `data_dir` of the file, and nobody would have set it."""
    assert [pair for rest in said("ENV") for pair in rest.split() if pair.startswith(PREFIX)] == []
    assert said("WORKDIR")[-1] == "/var/lib/cxstream"
    assert not Settings().data_dir.is_absolute()


def test_it_listens_where_it_is_asked_for_its_health() -> None:
    assert said("EXPOSE") == [str(Settings().port)]
    assert f"http://127.0.0.1:{Settings().port}/healthz" in said("HEALTHCHECK")[0]


def test_what_is_copied_is_there_and_all_that_the_engine_is_sent() -> None:
    patterns = (ROOT / ".dockerignore").read_text().splitlines()
    assert patterns[1] == "*"
    sent = {pattern[1:] for pattern in patterns if pattern.startswith("!")}
    copied = {each for rest in said("COPY") if "--from" not in rest for each in rest.split()[:-1]}
    assert copied == sent
    assert all((ROOT / each).exists() for each in copied)


@pytest.mark.timeout(600)
def test_its_steps_make_an_application_without_what_development_takes(tmp_path: Path) -> None:
    """All but the compiler, which tests/test_compiled.py runs; anything else is as the Dockerfile says."""
    build = tmp_path / "build"
    lay_out(build)
    environment = variables(tmp_path) | {name: os.environ[name] for name in os.environ if name in FROM_HERE}
    environment["PATH"] = f"{UV.parent}:{os.environ['PATH']}"
    steps = [rest for rest in said("RUN") if rest.startswith(("uv ", "HATCH_"))]
    assert len(steps) == 2
    for step in steps:
        command = ["sh", "-euc", there(step, tmp_path).replace("HATCH_BUILD_HOOK_ENABLE_MYPYC=1", "")]
        done = subprocess.run(command, cwd=build, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
    (site,) = (tmp_path / "app" / "lib").glob("python*/site-packages")
    assert (site / "agents" / "rules" / "default.yaml").exists()
    assert not any((site / name).exists() for name in ("pytest", "mypy", "hypothesis", "testcontainers", "tests"))
    (info,) = site.glob("cxstream-*.dist-info")
    assert not (info / "uv_cache.json").exists()
    assert "uv_cache.json" not in (info / "RECORD").read_text()
    assert list((site / "stream" / "__pycache__").glob("fold.*.pyc"))
    check = [str(tmp_path / "app" / "bin" / "cxstream"), "explain", "fcr_ratio"]
    done = subprocess.run(check, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


FROM_HERE = {"HOME", "UV_SYSTEM_CERTS", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "SSL_CERT_FILE", "SSL_CERT_DIR"}


def lay_out(build: Path) -> None:
    """A folder with what the first stage copies."""
    build.mkdir()
    for name in (name for rest in said("COPY") if "--from" not in rest for name in rest.split()[:-1]):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, build / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, build / name)


def there(text: str, folder: Path) -> str:
    """With the paths of the image in a folder of this machine."""
    return re.sub(r"(?<![\w/])/(app|tmp|var/lib)\b", lambda found: f"{folder}/{found[1]}", text)


def variables(folder: Path) -> dict[str, str]:
    """Those of the first stage; uv's cache may be used here."""
    (folder / "tmp").mkdir()
    stage = takewhile(lambda each: "FROM" not in each, list(instructions())[1:])
    pairs = [pair.split("=", 1) for word, rest in stage if word == "ENV" for pair in rest.split()]
    return {name: there(value, folder) for name, value in pairs if name != "UV_NO_CACHE"}
