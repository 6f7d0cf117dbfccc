"""What must be so of a stack that works, each with what is seen of it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from agents.brokers.ports import LOOPBACK
from deploy.stack.place import Place

ALERT = "DissatisfiedWebCustomers"
"""The rule that breaks when the web shop's checkout does, which is what the simulator plays."""


class NotSoError(Exception):
    """What was looked for is not so, or not yet."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the list. ``look`` says what it sees, or raises ``NotSoError`` until ``seconds`` are over."""

    what: str
    look: Callable[[], str]
    seconds: float = 60


class Checks:
    """What is asked of a stack in a place; ``workers`` are how many there are to be."""

    def __init__(self, place: Place, workers: int) -> None:
        self._place = place
        self._workers = workers

    def broker(self) -> Iterator[Check]:
        """Of what all others need."""
        yield Check("Kafka answers", self._kafka, 90)

    def start(self) -> Iterator[Check]:
        """Before there are customers."""
        for replica in range(self._workers):
            yield Check(f"worker {replica + 1} is ready", partial(self._ready, "worker", replica), 90)
        yield Check("the workers share the partitions", self._shared)
        yield Check("the desk is ready", partial(self._ready, "desk", 0))
        yield Check("Prometheus scrapes workers and desk", self._scraped)
        yield Check("Prometheus has its rules", self._rules)
        yield Check("Prometheus knows Alertmanager", self._knows)

    def with_customers(self, sent: Callable[[], int]) -> Iterator[Check]:
        """While there are, and after; ``sent`` is how many records there were."""
        yield Check(f"the rule {ALERT} fires into Alertmanager", self._fires, 150)
        yield Check("simulated customers have come and gone", lambda: f"{sent():,} touchpoints sent", 150)
        yield Check("Prometheus has counted each of them", lambda: self._counted(sent()))
        yield Check("Alertmanager knows that it is over", self._over)
        yield Check("nothing of Prometheus' own fires", self._quiet)

    def _kafka(self) -> str:
        bootstrap = f"{LOOPBACK}:{self._place.port('kafka', 9092)}"
        try:
            client = KafkaAdminClient(bootstrap_servers=bootstrap)
        except KafkaError as error:
            raise NotSoError(str(error)) from None
        try:
            return (
                f"{bootstrap}, {len(client.describe_cluster()['brokers'])} broker, {len(client.list_topics())} topics"
            )
        except KafkaError as error:
            raise NotSoError(str(error)) from None
        finally:
            client.close()

    def _ready(self, service: str, replica: int) -> str:
        port = self._place.port(service, 6066, replica)
        get(port, "/readyz")
        get(port, "/healthz")
        return f"http://{LOOPBACK}:{port}/readyz"

    def _shared(self) -> str:
        owned = []
        for replica in range(self._workers):
            told = str(get(self._place.port("worker", 6066, replica), "/metrics"))
            lags = [line for line in told.splitlines() if line.startswith("cx_lag_records{") and "touchpoints" in line]
            owned.append(len(lags))
        if 0 in owned:
            raise NotSoError(f"partitions of touchpoints, by worker: {owned}")
        return " + ".join(map(str, owned)) + " partitions of touchpoints"

    def _scraped(self) -> str:
        up = {each["metric"]["job"]: int(each["value"][1]) for each in self._query("sum by (job) (up)")}
        if up != {"cxstream": self._workers, "cxstream-desk": 1}:
            raise NotSoError(f"up: {up or 'nothing'}")
        return f"{sum(up.values())} targets up: http://{LOOPBACK}:{self._place.port('prometheus', 9090)}/targets"

    def _rules(self) -> str:
        rules = [rule for group in self._prometheus("rules")["groups"] for rule in group["rules"]]
        bad = [f"{rule['name']}: {rule.get('lastError') or rule['health']}" for rule in rules if rule["health"] != "ok"]
        if bad or not rules:
            raise NotSoError("; ".join(bad[:3]) or "no rules")
        alerts = sum(rule["type"] == "alerting" for rule in rules)
        return f"{len(rules) - alerts} recording rules and {alerts} alerts, all evaluated without error"

    def _knows(self) -> str:
        active = [each["url"] for each in self._prometheus("alertmanagers")["activeAlertmanagers"]]
        if not active:
            raise NotSoError("no active Alertmanager")
        return ", ".join(active)

    def _counted(self, sent: int) -> str:
        found = self._query("sum(cx_touchpoints_folded_total) + sum(cx_touchpoints_rejected_total or vector(0))")
        counted = int(float(found[0]["value"][1])) if found else 0
        if counted != sent:
            raise NotSoError(f"{counted:,} of {sent:,}")
        return f"{counted:,} of {sent:,}"

    def _fires(self) -> str:
        for alert in self._alerts():
            return f"{alert['status']['state']}: {alert['annotations'].get('summary', '')}"
        raise NotSoError("Alertmanager has no such alert")

    def _over(self) -> str:
        if alerts := self._alerts():
            raise NotSoError(f"it ends at {alerts[0]['endsAt']}")
        return f"no {ALERT} any more"

    def _alerts(self) -> list[Any]:
        """What Alertmanager has of the alert; what is resolved it no longer tells."""
        return list(get(self._place.port("alertmanager", 9093), "/api/v2/alerts", filter=f"alertname={ALERT}"))

    def _quiet(self) -> str:
        firing = {
            each["labels"]["alertname"] for each in self._prometheus("alerts")["alerts"] if each["state"] == "firing"
        }
        if firing:
            raise NotSoError(", ".join(sorted(firing)))
        return "no alert on the pipeline"

    def _query(self, text: str) -> list[Any]:
        return list(self._prometheus("query", query=text)["result"])

    def _prometheus(self, path: str, **parameters: str) -> Any:
        return get(self._place.port("prometheus", 9090), f"/api/v1/{path}", **parameters)["data"]


def get(port: int, path: str, **parameters: str) -> Any:
    """What a server on that port answers, as JSON where it is, else as text.

    Raises:
        NotSoError: it does not answer, or with an error.
    """
    url = f"http://{LOOPBACK}:{port}{path}" + (f"?{urlencode(parameters)}" if parameters else "")
    try:
        with urlopen(url, timeout=10) as answer:
            body = answer.read().decode()
    except HTTPError as error:
        raise NotSoError(f"{url}: {error.read().decode()[:200].strip()}") from None
    except OSError as error:
        raise NotSoError(f"{url}: {error}") from None
    return json.loads(body) if body[:1] in ("[", "{") else body
