"""What deploy/kubernetes asks of KEDA and of the Prometheus operator fits what is deployed."""

import pytest
import yaml

from agents.settings import Settings
from agents.topics import topics
from tests.deploy.kustomize import KUBERNETES, Cluster, built


@pytest.fixture
def production() -> Cluster:
    return built("production")


def test_scaling_goes_by_the_lag_of_the_group_that_workers_are(production: Cluster) -> None:
    (found,) = (each["data"]["cxstream.yaml"] for each in production.of("ConfigMap") if "cxstream.yaml" in each["data"])
    said = yaml.safe_load(found)
    scaled = production.one("ScaledObject", "cxstream-worker")["spec"]
    worker = production.one("StatefulSet", scaled["scaleTargetRef"]["name"])
    assert "replicas" not in worker["spec"], "each would undo what the other says"
    lag, busy = scaled["triggers"]
    assert lag["metadata"]["consumerGroup"] == said["id"]
    assert lag["metadata"]["topic"] == topics(Settings())[0].name == "touchpoints"
    assert scaled["maxReplicaCount"] == said["partitions"]
    assert scaled["minReplicaCount"] == 2
    assert busy["type"] == "cpu"
    (there,) = (
        each["value"]
        for each in production.container("StatefulSet", "cxstream-worker")["env"]
        if each["name"] == "CXSTREAM_BOOTSTRAP"
    )
    assert lag["metadata"]["bootstrapServers"] == there
    assert production.one("TriggerAuthentication", lag["authenticationRef"]["name"])


def test_without_credentials_scaling_asks_where_the_settings_say() -> None:
    scaled, _ = yaml.safe_load_all((KUBERNETES / "autoscaling" / "scaledobject.yaml").read_text())
    said = yaml.safe_load((KUBERNETES / "base" / "cxstream.yaml").read_text())
    assert scaled["spec"]["triggers"][0]["metadata"]["bootstrapServers"] == said["bootstrap"]


def test_prometheus_finds_all_and_adds_no_label_that_rules_do_not_know(production: Cluster) -> None:
    (monitor,) = production.of("ServiceMonitor")
    for service in production.of("Service"):
        labels = service["metadata"]["labels"]
        assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert labels[monitor["spec"]["jobLabel"]] == "cxstream"
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] == "http"
    apart, named, dropped = endpoint["relabelings"]
    desk = production.one("Service", "cxstream-desk")["metadata"]["labels"]
    assert (apart["regex"], apart["targetLabel"], apart["replacement"]) == (
        desk["app.kubernetes.io/component"],
        "job",
        "cxstream-desk",
    )
    assert apart["sourceLabels"] == ["__meta_kubernetes_service_label_app_kubernetes_io_component"]
    assert named["targetLabel"] == "instance"
    assert set(dropped["regex"].split("|")) == {"pod", "container", "endpoint", "service"}
