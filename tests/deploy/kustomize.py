"""What kustomize makes of deploy/kubernetes, by its own program; where that is missing, tests are skipped."""

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

KUBERNETES = Path(__file__).parents[2] / "deploy" / "kubernetes"
Resource = dict[str, Any]


class Cluster:
    """The resources that one kustomization comes to."""

    def __init__(self, resources: list[Resource]) -> None:
        self.resources = resources

    def of(self, *kinds: str) -> list[Resource]:
        """All of these kinds."""
        return [each for each in self.resources if each["kind"] in kinds]

    def one(self, kind: str, name: str) -> Resource:
        (found,) = (each for each in self.of(kind) if each["metadata"]["name"] == name)
        return found

    def pods(self) -> Iterator[tuple[str, Resource]]:
        """What pods are made of, by the name of what makes them."""
        for each in self.of("StatefulSet", "Deployment", "Job"):
            yield each["metadata"]["name"], each["spec"]["template"]

    def container(self, kind: str, name: str) -> Resource:
        """The only one there."""
        (found,) = self.one(kind, name)["spec"]["template"]["spec"]["containers"]
        return dict(found)


@cache
def built(name: str) -> Cluster:
    """A kustomization of deploy/kubernetes."""
    return build(KUBERNETES / name)


def build(folder: Path) -> Cluster:
    """Any kustomization."""
    program = shutil.which("kustomize")
    if program is None:
        pytest.skip("no kustomize: go install sigs.k8s.io/kustomize/kustomize/v5@v5.0.3")
    done = subprocess.run([program, "build", str(folder)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return Cluster(list(yaml.safe_load_all(done.stdout)))
