"""deploy/kubernetes: valid by the published schemas, and what refers to something finds it."""

import shutil
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from agents.settings import Settings, load
from agents.sizing import MIB, Load, size
from tests.deploy.known import parse, unknown
from tests.deploy.kustomize import KUBERNETES, Cluster, Resource, build, built
from tests.deploy.published import errors

ROOT = Path(__file__).parents[2]
VERSIONS = ("1.27", "1.32", "1.37")
CUSTOM = {"ScaledObject", "TriggerAuthentication", "ServiceMonitor", "PrometheusRule"}
BY_HAND: dict[str, set[str]] = {"cxstream-kafka": {"username", "password", "ca.crt"}, "cxstream-outlets": set()}
"""Secrets that docs/deployment.md says how to make, and what must be in them."""
UNITS = {"Ki": 1024, "Mi": MIB, "Gi": 1024 * MIB}


@pytest.fixture(params=["base", "production"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    return built(request.param)


@pytest.fixture
def production() -> Cluster:
    return built("production")


@pytest.fixture
def settings(cluster: Cluster, tmp_path: Path) -> Settings:
    """Those that a worker reads."""
    for each in cluster.of("ConfigMap"):
        for name, text in each["data"].items():
            (tmp_path / name).write_text(text)
    return load(tmp_path / "cxstream.yaml", {})


def mistakes(resource: Resource, version: str) -> list[str]:
    """What a cluster of that version says."""
    if resource["kind"] in CUSTOM:
        return errors(resource["kind"].lower(), resource)
    try:
        kubernetes_validate.validate(resource, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [str(error)]
    return []


@pytest.mark.parametrize("version", VERSIONS)
def test_every_resource_is_valid_by_the_published_schemas(cluster: Cluster, version: str) -> None:
    assert [each for resource in cluster.resources for each in mistakes(resource, version)] == []


@pytest.mark.parametrize("kind", ["StatefulSet", "NetworkPolicy", "ScaledObject", "ServiceMonitor", "PrometheusRule"])
def test_a_field_that_there_is_not_is_a_mistake(production: Cluster, kind: str) -> None:
    spoilt = deepcopy(production.of(kind)[0])
    spoilt["spec"]["replica"] = 2
    assert mistakes(spoilt, VERSIONS[-1])


def test_all_are_in_one_namespace_that_refuses_what_is_not_restricted(cluster: Cluster) -> None:
    (namespace,) = cluster.of("Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = [each for each in cluster.resources if each is not namespace]
    assert {each["metadata"]["namespace"] for each in others} == {namespace["metadata"]["name"]}


def test_pods_are_as_the_restricted_standard_wants_them(cluster: Cluster) -> None:
    for _, template in cluster.pods():
        pod = template["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False, "its variables begin as ours do"
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"].keys() == {"requests", "limits"}
            assert ":" in container["image"]
            assert not container["image"].endswith(":latest")


def test_pods_find_the_account_volumes_maps_and_secrets_that_they_name(cluster: Cluster) -> None:
    maps = {each["metadata"]["name"] for each in cluster.of("ConfigMap")}
    for _, template in cluster.pods():
        pod = template["spec"]
        assert cluster.one("ServiceAccount", pod["serviceAccountName"])
        assert named(pod, "configMap") == maps
        assert secrets(pod) <= BY_HAND.keys()
    for each in cluster.of("StatefulSet", "Deployment", "Job"):
        own = {claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", ())}
        pod = each["spec"]["template"]["spec"]
        for container in pod["containers"]:
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert mounted == own | {volume["name"] for volume in pod["volumes"]}


def named(node: Any, kind: str) -> set[str]:
    """The names of all ConfigMaps that something refers to."""
    if isinstance(node, list):
        return {name for each in node for name in named(each, kind)}
    if not isinstance(node, dict):
        return set()
    here = {node[kind]["name"]} if kind in node else set()
    return here | {name for each in node.values() for name in named(each, kind)}


def secrets(pod: Resource) -> set[str]:
    mounted = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    return mounted | named(pod, "secretKeyRef") | named(pod, "secretRef")


def keys(node: Any) -> Iterator[tuple[str, str]]:
    """Secrets and their keys, wherever one is named."""
    if isinstance(node, list):
        for each in node:
            yield from keys(each)
    elif isinstance(node, dict):
        if {"name", "key"} <= node.keys():
            yield node["name"], node["key"]
        if "secretName" in node:
            yield from ((node["secretName"], item["key"]) for item in node["items"])
        for each in node.values():
            yield from keys(each)


def test_the_docs_say_how_to_make_the_secrets_with_every_key(production: Cluster) -> None:
    text = (ROOT / "docs" / "deployment.md").read_text()
    asked = set(keys(production.resources))
    assert asked == {(name, key) for name, of in BY_HAND.items() for key in of}
    assert all(f"--from-file={key}" in text for _, key in asked)
    assert all(f"create secret generic {name}" in text for name in BY_HAND)


def test_labels_selectors_services_and_budgets_fit(cluster: Cluster) -> None:
    for name in ("cxstream-worker", "cxstream-desk"):
        (runs,) = (each for each in cluster.of("StatefulSet", "Deployment") if each["metadata"]["name"] == name)
        labels = runs["spec"]["template"]["metadata"]["labels"].items()
        assert runs["spec"]["selector"]["matchLabels"].items() <= labels
        (spread,) = runs["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert spread["labelSelector"] == runs["spec"]["selector"]
        service, budget = cluster.one("Service", name), cluster.one("PodDisruptionBudget", name)
        assert service["spec"]["selector"] == runs["spec"]["selector"]["matchLabels"]
        assert budget["spec"]["selector"] == runs["spec"]["selector"]
        assert budget["spec"]["maxUnavailable"] == 1
        assert runs["spec"].get("replicas", 2) == 2, "one is gone, and one is left"
    assert cluster.one("StatefulSet", "cxstream-worker")["spec"]["serviceName"] == "cxstream-worker"


def test_ports_are_those_of_the_settings_and_have_the_names_that_are_asked_for(
    cluster: Cluster, settings: Settings
) -> None:
    for kind, name in (("StatefulSet", "cxstream-worker"), ("Deployment", "cxstream-desk")):
        container = cluster.container(kind, name)
        assert container["ports"] == [{"name": "http", "containerPort": settings.port}]
        asked = {probe: container[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert {each["port"] for each in asked.values()} == {"http"}
        assert [each["path"] for each in asked.values()] == ["/healthz", "/healthz", "/readyz"]
        liveness = container["livenessProbe"]
        assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 300, "stalls are to be left some minutes"
        (port,) = cluster.one("Service", name)["spec"]["ports"]
        assert (port["name"], port["targetPort"], port["port"]) == ("http", "http", settings.port)
    assert settings.host == "0.0.0.0"


SECURITY = {"SECURITY_PROTOCOL", "SASL_MECHANISM", "SASL_USERNAME", "SASL_PASSWORD_FILE", "SSL_CA_FILE"}


def test_pods_run_commands_and_read_variables_that_there_are(cluster: Cluster) -> None:
    for _, template in cluster.pods():
        (container,) = template["spec"]["containers"]
        parse(container["command"])
        environment = {each["name"]: each.get("value", "x") for each in container["env"]}
        assert unknown(environment) <= {f"CXSTREAM_{name}" for name in SECURITY}
        assert environment["CXSTREAM_SETTINGS"] == "/etc/cxstream/cxstream.yaml"
        assert {"name": "settings", "mountPath": "/etc/cxstream", "readOnly": True} in container["volumeMounts"]
        files = [value for name, value in environment.items() if name.endswith("_FILE")]
        assert all(value.removeprefix("/etc/kafka/") in BY_HAND["cxstream-kafka"] for value in files)


def test_workers_keep_their_state_on_volumes_of_their_own(cluster: Cluster, settings: Settings) -> None:
    container = cluster.container("StatefulSet", "cxstream-worker")
    assert {"name": "state", "mountPath": str(settings.data_dir)} in container["volumeMounts"]
    assert settings.store == "rocksdb"
    (claim,) = cluster.one("StatefulSet", "cxstream-worker")["spec"]["volumeClaimTemplates"]
    wanted = size(Load(10_000, 1_000_000))
    assert number(claim["spec"]["resources"]["requests"]["storage"]) >= 2 * wanted.disk_bytes
    memory = container["resources"]["requests"]["memory"], container["resources"]["limits"]["memory"]
    assert all(number(each) >= wanted.memory_bytes for each in memory)
    assert settings.partitions == wanted.partitions


def number(quantity: str) -> int:
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


def test_rules_are_taken_over_while_workers_run_and_settings_start_them_anew(cluster: Cluster) -> None:
    (rules,) = (each for each in cluster.of("ConfigMap") if "rules.yaml" in each["data"])
    (said,) = (each for each in cluster.of("ConfigMap") if "cxstream.yaml" in each["data"])
    assert rules["metadata"]["name"] == "cxstream-rules"
    assert said["metadata"]["name"].startswith("cxstream-settings-")


def test_an_overlay_has_settings_and_rules_of_its_own_as_the_docs_say(tmp_path: Path) -> None:
    copy = shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    own = copy / "own"
    own.mkdir()
    (own / "cxstream.yaml").write_text("bootstrap: elsewhere:9092")
    (own / "rules.yaml").write_text("rules: []")
    generated = [
        {"name": "cxstream-settings", "behavior": "replace", "files": ["cxstream.yaml"]},
        {"name": "cxstream-rules", "behavior": "replace", "files": ["rules.yaml"]},
    ]
    text = (ROOT / "docs" / "deployment.md").read_text()
    assert "configMapGenerator: [{name: cxstream-settings, behavior: replace, files: [cxstream.yaml]}]" in text
    (own / "kustomization.yaml").write_text(
        yaml.safe_dump({"namespace": "cxstream", "resources": ["../production"], "configMapGenerator": generated})
    )
    found = {name: said for each in build(own).of("ConfigMap") for name, said in each["data"].items()}
    assert found == {"cxstream.yaml": "bootstrap: elsewhere:9092", "rules.yaml": "rules: []"}


def test_what_may_be_connected_to_is_what_the_settings_name(cluster: Cluster, settings: Settings) -> None:
    assert cluster.one("NetworkPolicy", "nothing")["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    addresses = {settings.bootstrap} | {
        each["value"]
        for _, template in cluster.pods()
        for each in template["spec"]["containers"][0]["env"]
        if each["name"] == "CXSTREAM_BOOTSTRAP"
    }
    for address in addresses:
        assert reachable(cluster, "names-and-kafka", address)
    (outlet,) = settings.outlets
    assert reachable(cluster, "desk-to-outlets", outlet.url.removeprefix("http://"))
    policy = cluster.one("NetworkPolicy", "prometheus-to-all")["spec"]
    assert [port["port"] for each in policy["ingress"] for port in each["ports"]] == ["http"]
    for policy in cluster.of("NetworkPolicy"):
        wanted = policy["spec"]["podSelector"].get("matchLabels", {}).items()
        assert any(wanted <= template["metadata"]["labels"].items() for _, template in cluster.pods())


def reachable(cluster: Cluster, policy: str, address: str) -> bool:
    """May one connect to a Service's address, `name.namespace:port`?"""
    host, _, port = address.partition(":")
    wanted = {"kubernetes.io/metadata.name": host.split(".")[1]}
    return any(
        int(port) in [each["port"] for each in rule["ports"]]
        and any(peer.get("namespaceSelector", {}).get("matchLabels") == wanted for peer in rule["to"])
        for rule in cluster.one("NetworkPolicy", policy)["spec"]["egress"]
    )
