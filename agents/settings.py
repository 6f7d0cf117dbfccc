"""Settings of a deployment: from a YAML file and the environment, every mistake at once, before anything starts."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from socket import gethostname
from typing import Any

from yaml.nodes import MappingNode, Node

from agents import deskfile, keeping, placefile, securityfile, service, topicnames
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
        return topicnames.changelog(self.id, table)


def load(path: Path | None = None, environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from a file, over which CXSTREAM_… variables go, over which what is ``given`` goes (None: not given).

    Raises:
        ConfigError: with all mistakes of the file, the environment and the rule file.
    """
    environment = os.environ if environment is None else environment
    origin = str(path) if path is not None else "settings"
    mistakes, of_environment = Mistakes(origin), EnvironmentMistakes()
    outweighing = from_environment(environment, placefile.VARIABLES, of_environment)
    problems = of_environment.problems()
    given = _given(given, environment, problems)
    try:
        nodes = _nodes(read(path), origin, mistakes) if path is not None else {}
    except ConfigError as error:
        raise ConfigError([*error.problems, *problems]) from None
    config = _config(nodes, mistakes)
    rest = _values(nodes, placefile.KEYS, mistakes)
    policy = deskfile.policy(nodes, Calendar() if config is None else config.calendar, mistakes)

    def where(name: str, number: int = 0) -> str:
        variable = PREFIX + name.upper()
        outside = "" if name not in nodes else f"{mistakes.where(items(nodes[name])[number])}: "
        return f"{variable}: " if environment.get(variable) else outside

    folder = Path() if path is None else path.parent
    problems = [*mistakes.problems(), *problems]
    security = securityfile.security(securityfile.taken(rest), securityfile.taken(outweighing), folder, where, problems)
    if rest.get("rules_file") is not None:
        rest["rules_file"] = folder / rest["rules_file"]
    rest |= outweighing | given
    problems += _loops(rest, where)
    rules_file = rest.pop("rules_file", DEFAULT_RULES)
    rules = () if rules_file is None else _rules(rules_file, config, problems)
    if problems or config is None:
        raise ConfigError(problems)
    return Settings(**rest, security=security, rules_file=rules_file, config=config, rules=rules, policy=policy)


def _given(given: Mapping[str, Any], environment: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    """What is given, without what is None; an option's mistakes are added to ``problems``."""
    found = {name: value for name, value in given.items() if value is not None}
    try:
        if "bootstrap" in found:
            found["bootstrap"] = addresses(found["bootstrap"])
    except ValueError as error:
        if found["bootstrap"] != environment.get(f"{PREFIX}BOOTSTRAP"):  # else it is said already
            problems.append(f"--bootstrap: {error}")
    if not 0 <= found.get("port", 0) < 1 << 16:
        problems.append("--port: must be 0 to 65535")
    return found


def _loops(values: Mapping[str, Any], where: Callable[[str, int], str]) -> Iterator[str]:
    usual = Settings()
    names = [values.get(name, getattr(usual, name)) for name in ("id", "prefix", "touchpoints", "sources")]
    for setting, topic, number in topicnames.looped(*names):
        what = f"`{setting}` cannot be `{topic}`: the application writes it itself, and would feed itself for ever"
        yield f"{where(setting, number)}{what}"


def _rules(file: Path, config: Config | None, problems: list[str]) -> tuple[Rule, ...]:
    """The rules of a file. Without the settings that they go by, it is only said whether they can be read."""
    try:
        text_of_rules = read(file)
        return () if config is None else tuple(parse_rules(text_of_rules, str(file), config))
    except ConfigError as error:
        problems += error.problems
        return ()


def load_config(path: Path | None = None) -> Config:
    """What a file of settings says to the pure core: for who looks at other rules than those that it names.

    Raises:
        ConfigError: with all mistakes of the file.
    """
    mistakes = Mistakes(str(path))
    return _sure(_nodes(read(path), str(path), mistakes) if path is not None else {}, mistakes)


def config_of(node: Node, mistakes: Mistakes) -> Config:
    """What a mapping of settings says to the pure core; where it runs is not asked for there.

    Raises:
        MappingError: with all mistakes.
    """
    return _sure(entries(node, "`settings`", mistakes, (*_CORE, *_KEPT)), mistakes)


def _sure(nodes: Mapping[str, Node], mistakes: Mistakes) -> Config:
    config = _config(nodes, mistakes)
    mistakes.check()
    return config or Config()


def _config(nodes: Mapping[str, Node], mistakes: Mistakes) -> Config | None:
    """What the core is told. None where something in it is a mistake, which is noted; others are not looked at."""
    before = mistakes.problems()
    core, kept = _values(nodes, _CORE, mistakes), _values(nodes, _KEPT, mistakes)
    if "holidays" in nodes and "business_hours" not in nodes:
        mistakes.add(nodes["holidays"], "`holidays` are days without business hours: give `business_hours` too")
    if mistakes.problems() != before:
        return None
    config = Config(**core, kept_ms=kept)
    keeping.check(nodes, config, mistakes)
    if mistakes.problems() == before:
        frictionfile.check(nodes, config, mistakes)
    return config if mistakes.problems() == before else None


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
