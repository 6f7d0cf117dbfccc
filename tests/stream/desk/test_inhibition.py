"""What inhibits what, against a look at every pair."""

from itertools import product
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import AnyAlert, MetricAlert
from schemas.handling import Matcher
from stream.desk.inhibition import Inhibition, Inhibitors
from stream.desk.matcher import parse
from tests.alerts import friction, metric

VALUES = st.sampled_from(["", "1", "2"])
NAMES = ("A", "B", "C")


@st.composite
def alerts(draw: st.DrawFn) -> AnyAlert:
    if draw(st.booleans()):
        labels = {name: value for name in ("x", "y") if (value := draw(VALUES))}
        return metric(draw(st.sampled_from(NAMES)), labels=labels, severity=draw(st.sampled_from(["info", "critical"])))
    return friction(draw(st.sampled_from(["ann", "bob"])), labels={"x": draw(VALUES)})


@st.composite
def rules(draw: st.DrawFn) -> Inhibition:
    def some() -> tuple[Matcher, ...]:
        names, wanted = (
            st.sampled_from(["alertname", "x", "severity"]),
            st.sampled_from(["A", "B", "1", "critical", ""]),
        )
        ops = st.sampled_from(["=", "!="])
        found = draw(st.lists(st.tuples(names, ops, wanted), max_size=2))
        return tuple(parse(f"{name}{op}{value}") for name, op, value in found)

    return Inhibition(some(), some(), tuple(draw(st.lists(st.sampled_from(["x", "y", "customer"]), max_size=2))))


SEVERAL = st.lists(alerts(), max_size=8, unique_by=lambda each: each.fingerprint)


def look(alert: AnyAlert) -> dict[str, str]:
    found = dict(alert.labels) | {"alertname": alert.alert, "severity": alert.severity}
    return found if isinstance(alert, MetricAlert) else found | {"customer": alert.customer}


def fits(matchers: tuple[Matcher, ...], alert: AnyAlert) -> bool:
    labels = look(alert)
    return all((labels.get(each.name, "") == each.value) == (each.op == "=") for each in matchers)


def naive(target: AnyAlert, firing: list[AnyAlert], several: list[Inhibition], parts: bool) -> list[str]:
    """Every source that keeps a target quiet, pair by pair."""
    found = set()
    for source, rule in product(firing, several):
        if fits(rule.target, target) and fits(rule.source, source):
            both = fits(rule.source, target) and fits(rule.target, source)
            agree = all(look(source).get(name, "") == look(target).get(name, "") for name in rule.equal)
            if agree and not both:
                found.add(source.fingerprint)
    for source in firing if parts else ():
        same = isinstance(source, MetricAlert) and isinstance(target, MetricAlert) and source.alert == target.alert
        if same and set(source.labels.items()) < set(target.labels.items()):
            found.add(source.fingerprint)
    return sorted(found)


@given(
    st.lists(alerts(), max_size=8, unique_by=lambda each: each.fingerprint),
    st.lists(rules(), max_size=3),
    st.booleans(),
)
def test_what_inhibits_an_alert_is_what_a_look_at_every_pair_finds(
    firing: list[AnyAlert], several: list[Inhibition], parts: bool
) -> None:
    inhibitors = Inhibitors(firing, several, parts)
    for target in firing:
        assert list(inhibitors.of(target)) == naive(target, firing, several, parts)


@given(SEVERAL, rules())
def test_no_alert_inhibits_itself_by_a_rule_it_fits_on_both_sides(firing: list[AnyAlert], rule: Inhibition) -> None:
    inhibitors = Inhibitors(firing, [rule], parts=True)
    for alert in firing:
        if fits(rule.source, alert) and fits(rule.target, alert):
            assert alert.fingerprint not in inhibitors.of(alert)


@given(SEVERAL, st.lists(rules(), max_size=3), st.booleans(), st.randoms())
def test_what_comes_and_goes_leaves_what_a_look_at_every_pair_finds_and_names_whom_it_touches(
    several: list[AnyAlert], given_rules: list[Inhibition], parts: bool, chance: Random
) -> None:
    inhibitors, firing = Inhibitors((), given_rules, parts), dict[str, AnyAlert]()
    for alert in [*several, *several, *several]:
        before = {key: inhibitors.of(each) for key, each in firing.items()}
        if alert.fingerprint in firing and chance.random() < 0.7:
            touched = inhibitors.remove(firing.pop(alert.fingerprint))
        elif alert.fingerprint not in firing:
            touched = inhibitors.add(alert)
            firing[alert.fingerprint] = alert
        else:
            continue
        for key, each in firing.items():
            assert list(inhibitors.of(each)) == naive(each, list(firing.values()), given_rules, parts)
            assert key in touched or key == alert.fingerprint or inhibitors.of(each) == before[key]


def test_a_total_inhibits_its_parts_and_these_theirs() -> None:
    total, eu = metric("Low"), metric("Low", labels={"region": "eu"})
    web = metric("Low", labels={"region": "eu", "channel": "web"})
    us_web = metric("Low", labels={"region": "us", "channel": "web"})
    other = metric("High", labels={"region": "eu"})
    inhibitors = Inhibitors([total, eu, web, us_web, other])
    assert [inhibitors.of(each) for each in (total, eu, other)] == [(), ("Low",), ()]
    assert inhibitors.of(web) == ("Low", "Low/region=eu")
    assert inhibitors.of(us_web) == ("Low",)


def test_an_alert_with_many_labels_takes_no_longer_than_there_are_alerts() -> None:
    """It has 2^60 subsets of labels: the test's own time limit is what this is about."""
    many = metric("Low", labels={f"l{number}": "x" for number in range(60)})
    firing = [metric("Low"), many, *(metric("Low", labels={"region": str(number)}) for number in range(20))]
    assert Inhibitors(firing).of(many) == ("Low",)
    small = Inhibitors([metric("Low", labels={"a": str(number)}) for number in range(99)])
    assert small.of(metric("Low", labels={"a": "7", "b": "1"})) == ("Low/a=7",)


def test_one_customers_friction_never_keeps_anothers_quiet() -> None:
    firing = [friction("ann"), friction("bob", labels={"region": "eu"})]
    assert [Inhibitors(firing).of(each) for each in firing] == [(), ()]


def test_what_an_alert_was_before_it_escalated_does_not_keep_it_quiet() -> None:
    rule = Inhibition((parse("severity=critical"),), (parse("severity=warning"),), ())
    before, now = metric("A"), metric("A", severity="critical")
    assert Inhibitors([now], [rule]).of(before) == ()
