"""The rule book: the rules of a worker's file, looked at again while it runs."""

from hashlib import blake2b

import structlog

from agents.clock import now_ms
from agents.configfile import read
from agents.instruments import Instruments
from agents.settings import Settings
from stream.errors import ConfigError
from stream.rules.rule import Rule
from stream.rules.rulefile import parse

log = structlog.get_logger(__name__)


class RuleBook:
    """The rules that the file had when it was last valid.

    A file with mistakes is refused whole, and said once; until it changes again, the rules before it go on.
    """

    def __init__(self, settings: Settings, health: Instruments) -> None:
        self._file = settings.rules_file
        self._config = settings.config
        self._health = health
        self._seen = b""
        self.rules: tuple[Rule, ...] = settings.rules
        health.rules([rule.alert for rule in self.rules], now_ms())

    def look(self, again: bool = False) -> bool:
        """Read the file where it has changed (or ``again``, whatever it says); True where there are other rules now."""
        digest = self._digest()
        if digest == self._seen and not again:
            return False
        self._seen = digest
        try:
            rules = tuple(parse(read(self._file), str(self._file), self._config))
        except ConfigError as error:
            log.error("rules.refused", file=str(self._file), problems=error.problems)
            self._health.rules_refused()
            return False
        is_new = rules != self.rules
        self.rules = rules
        log.info("rules.loaded", file=str(self._file), rules=len(rules), changed=is_new)
        self._health.rules([rule.alert for rule in rules], now_ms())
        return is_new

    def _digest(self) -> bytes:
        """Of what the file holds, or of why it cannot be read."""
        try:
            return blake2b(self._file.read_bytes()).digest()
        except OSError as error:
            return repr(error).encode()
