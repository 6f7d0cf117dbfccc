"""Settings of a deployment: from a YAML file and the environment, every mistake at once, before anything starts."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from socket import gethostname
from typing import Any

from yaml.nodes import MappingNode, Node

from agents import deskfile, keeping, placefile, securityfile, service
from agents.cluster import Cluster, addresses
from agents.configfile import read
from agents.environment import PREFIX, EnvironmentMistakes, from_environment
from agents.outletfile import OutletSettings
from agents.security import Security
from stream import frictionfile
from stream.config import DEFAULT_SEGMENTATIONS, Config, Segmentation
from stream.desk.handling import Policy
from stream.errors import ConfigError
from stream.mapping.fields import schemas
from stream.mapping.nodes import Mistakes, choice, compose, entries, items, positive, suggestion, text, texts, whole
from stream.personafile import parse as parse_personas
from stream.rules.rule import Rule
from stream.rules.rulefile import parse as parse_rules
from stream.slices import DAY_MS, HOUR_MS, SECOND_MS, Calendar
from stream.stages import PRESETS, SIGNALS
from stream.windows import LENGTHS, WINDOWS, find_window

_NO_DIMENSIONS = {"id", "time", "time_ms", "type", "customer", "labels"}
DEFAULT_RULES = Path(__file__).parent / "rules" / "default.yaml"


@dataclass(frozen=True, slots=True)
class Settings:
    """``id`` is the consumer group and the prefix of the changelogs; ``prefix`` goes before every other topic's name.

    ``touchpoints`` is the topic of all events, for a second application that reads those of the first (empty: its own).
    ``standby_replicas`` is how many other workers keep a partition's state warm. ``sources`` are topics of canonical
    events that are merged into ``touchpoints``. ``session_seconds`` is how long a worker that died keeps its
    partitions. ``port`` is the web server's, 0 being any free one. ``security`` is how brokers are spoken to.
    ``exemplars`` is what metrics tell of single cases of friction. ``log_level`` is what is told of libraries (Faust,
    aiokafka …); what this project has to tell, it tells always.
    """

    bootstrap: str = "127.0.0.1:9092"
    id: str = "cxstream"
    prefix: str = ""
    partitions: int = 4
    replication: int = 1
    touchpoints: str = ""
    standby_replicas: int = 0
    sources: tuple[str, ...] = ()
    store: str = "memory"
    data_dir: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = 6066
    session_seconds: int = 10
    log_format: str = placefile.LOG_FORMATS[0]
    log_level: str = placefile.LOG_LEVELS[0]
    exemplars: str = placefile.EXEMPLARS[0]
    security: Security = field(default_factory=Security)
    rules_file: Path = DEFAULT_RULES
    config: Config = field(default_factory=Config)
    rules: tuple[Rule, ...] = ()
    policy: Policy = field(default_factory=Policy)
    outlets: tuple[OutletSettings, ...] = ()

    @property
    def cluster(self) -> Cluster:
        """The brokers, for who makes a client."""
        return Cluster(self.bootstrap, self.security)

    def topic(self, name: str) -> str:
        """The name of one of the project's topics on this cluster."""
        return self.touchpoints if name == "touchpoints" and self.touchpoints else self.prefix + name

    @property
    def own_name(self) -> str:
        """Which of several processes this is, in its logs: the machine's name (or the pod's) and the port."""
        return f"{gethostname()}:{self.port}"

    @property
    def patience_seconds(self) -> float:
        """How long a worker waits to be told that another one has taken a partition: the brokers may be starting."""
        return max(30.0, 4.0 * self.session_seconds)

    def changelog(self, table: str) -> str:
        """The name of a state table's changelog."""
        return f"{self.id}-{table}-changelog"


def load(path: Path | None = None, environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from a file, over which CXSTREAM_… variables go, over which what is ``given`` goes (None: not given).

    Raises:
        ConfigError: with all mistakes of the file, the environment and the rule file.
    """
    environment = os.environ if environment is None else environment
    origin = str(path) if path is not None else "settings"
    mistakes, of_environment = Mistakes(origin), EnvironmentMistakes()
    nodes = _nodes(read(path), origin, mistakes) if path is not None else {}
    core, rest = _values(nodes, _CORE, mistakes), _values(nodes, placefile.KEYS, mistakes)
    policy = deskfile.policy(nodes, core.get("calendar", Calendar()), mistakes)
    outweighing = from_environment(environment, placefile.VARIABLES, of_environment)

    def where(name: str) -> str:
        variable = PREFIX + name.upper()
        outside = "" if name not in nodes else f"{mistakes.where(nodes[name])}: "
        return f"{variable}: " if environment.get(variable) else outside

    problems = of_environment.problems()
    folder = Path() if path is None else path.parent
    security = securityfile.security(securityfile.taken(rest), securityfile.taken(outweighing), folder, where, problems)
    config = _checked(nodes, core, mistakes, problems)
    if "rules_file" in rest:
        rest["rules_file"] = folder / rest["rules_file"]
    if given.get("bootstrap") is not None:
        given["bootstrap"] = _given_bootstrap(given["bootstrap"])
    rest |= outweighing | {name: value for name, value in given.items() if value is not None}
    rules_file = Path(rest.pop("rules_file", DEFAULT_RULES))
    rules = parse_rules(read(rules_file), str(rules_file), config)
    return Settings(**rest, security=security, rules_file=rules_file, config=config, rules=tuple(rules), policy=policy)


def _given_bootstrap(given: str) -> str:
    try:
        return addresses(given)
    except ValueError as error:
        raise ConfigError([f"--bootstrap: {error}"]) from None


def _checked(nodes: Mapping[str, Node], core: Mapping[str, Any], mistakes: Mistakes, problems: Sequence[str]) -> Config:
    """What the core is told.

    Raises:
        ConfigError: with its mistakes, and with ``problems``.
    """
    try:
        config = _config(nodes, core, mistakes)
    except ConfigError as error:
        raise ConfigError([*error.problems, *problems]) from None
    if problems:
        raise ConfigError(list(problems))
    return config


def load_config(path: Path | None = None) -> Config:
    """What a file of settings says to the pure core: for who looks at other rules than those that it names.

    Raises:
        ConfigError: with all mistakes of the file.
    """
    mistakes = Mistakes(str(path))
    nodes = _nodes(read(path), str(path), mistakes) if path is not None else {}
    return _config(nodes, _values(nodes, _CORE, mistakes), mistakes)


def config_of(node: Node, mistakes: Mistakes) -> Config:
    """What a mapping of settings says to the pure core; where it runs is not asked for there.

    Raises:
        MappingError: with all mistakes.
    """
    nodes = entries(node, "`settings`", mistakes, (*_CORE, *_KEPT))
    return _config(nodes, _values(nodes, _CORE, mistakes), mistakes)


def _config(nodes: Mapping[str, Node], core: Mapping[str, Any], mistakes: Mistakes) -> Config:
    if "holidays" in nodes and "business_hours" not in nodes:
        mistakes.add(nodes["holidays"], "`holidays` are days without business hours: give `business_hours` too")
    mistakes.check()
    config = Config(**core, kept_ms=_values(nodes, _KEPT, mistakes))
    keeping.check(nodes, config, mistakes)
    mistakes.check()
    frictionfile.check(nodes, config, mistakes)
    mistakes.check()
    return config


def _nodes(yaml: str, origin: str, mistakes: Mistakes) -> dict[str, Node]:
    return entries(
        compose(yaml, origin, "there are no settings: leave the file out, or put some in"),
        "the settings",
        mistakes,
        (*_CORE, *_KEPT, *placefile.KEYS, *deskfile.KEYS),
    )


Parse = Callable[[Node, str, Mistakes], Any]


def _values(nodes: Mapping[str, Node], keys: Mapping[str, tuple[str, Parse]], mistakes: Mistakes) -> dict[str, Any]:
    return {name: parse(nodes[key], f"`{key}`", mistakes) for key, (name, parse) in keys.items() if key in nodes}


def _segments(node: Node, what: str, mistakes: Mistakes) -> tuple[Segmentation, ...]:
    """A list of dimension lists; the total is always there."""
    if isinstance(node, MappingNode):
        mistakes.add(node, f"{what} must be a list such as [[channel], [channel, region]]")
        return DEFAULT_SEGMENTATIONS
    found = [texts(item, what, mistakes) for item in items(node)]
    for item, names in zip(items(node), found, strict=True):
        for name in set(names) & _NO_DIMENSIONS:
            mistakes.add(item, f"{what}: `{name}` is no dimension: name a field such as channel, or a label of yours")
        if len(set(names)) < len(names):
            mistakes.add(item, f"{what}: a dimension is named twice")
    return tuple(dict.fromkeys([(), *found]))


def _windows(node: Node, what: str, mistakes: Mistakes) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_window(item, what, mistakes) for item in items(node)))


def _window(node: Node, what: str, mistakes: Mistakes) -> str:
    name = text(node, what, mistakes)
    if name and find_window(name) is None:
        mistakes.add(node, f"{what} cannot be `{name}`{suggestion(name, WINDOWS)}; or a length such as {LENGTHS}")
    return name


def _seconds_as_ms(node: Node, what: str, mistakes: Mistakes) -> int:
    return whole(node, what, mistakes) * SECOND_MS


def _megabytes(node: Node, what: str, mistakes: Mistakes) -> int:
    return positive(node, what, mistakes) * 1024 * 1024


def _days_as_ms(node: Node, what: str, mistakes: Mistakes) -> int:
    return positive(node, what, mistakes) * DAY_MS


def _hours_as_ms(node: Node, what: str, mistakes: Mistakes) -> int:
    return whole(node, what, mistakes) * HOUR_MS


def _preset(node: Node, what: str, mistakes: Mistakes) -> str:
    return choice(node, what, mistakes, tuple(PRESETS))


def _signals(node: Node, what: str, mistakes: Mistakes) -> dict[str, str]:
    """What touchpoints tell of a journey, by their type."""
    found: dict[str, str] = {}
    for tag, value in entries(node, what, mistakes, schemas()).items():
        found[tag] = choice(value, f"{what}: `{tag}`", mistakes, tuple(SIGNALS))
    return found


_CORE: dict[str, tuple[str, Parse]] = {
    "segments": ("segmentations", _segments),
    "windows": ("windows", _windows),
    "time_zone": ("calendar", deskfile.zone),
    "future_seconds": ("future_ms", _seconds_as_ms),
    "max_segments": ("max_segments", positive),
    "max_reasons": ("max_reasons", positive),
    "recent_ids": ("recent_ids", positive),
    "max_record_bytes": ("max_record_bytes", positive),
    "hot_megabytes": ("hot_bytes", _megabytes),
    "stages": ("stages", _preset),
    "signals": ("signals", _signals),
    "lapse_days": ("lapse_ms", _days_as_ms),
    "handoff_hours": ("handoff_ms", _hours_as_ms),
    "personas": ("personas", parse_personas),
    "targets": ("targets", service.targets),
    "confirm_days": ("confirm_ms", _days_as_ms),
    "business_hours": ("business_week", service.week),
    "holidays": ("holidays", service.holidays),
    "friction": ("friction", frictionfile.parse),
}
_KEPT = {key: (key.removesuffix("_days"), keeping.days_as_ms) for key in keeping.KEYS}
