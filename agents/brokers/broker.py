"""The interface that every way of getting a Kafka broker fulfils."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from pathlib import Path


class BrokerError(Exception):
    """A broker can't be had: the message names it, says where it came from and what to do."""


class Broker(ABC):
    """One Kafka cluster to talk to, from `start` to `stop`.

    As a context manager it starts on entry and stops on exit, whatever happens in between.
    """

    name: ClassVar[str]
    """Which provider this is: `configured`, `docker`, `kafka` or `embedded`."""

    bootstrap: str
    """Where clients connect: `host:port`, or several joined by commas. Known before `start`."""

    @classmethod
    @abstractmethod
    def available(cls) -> str | None:
        """None where this provider can be used, else one line that says why it can't. Starts nothing."""

    @abstractmethod
    def start(self) -> None:
        """Return once the broker answers; does nothing to one that runs already.

        Raises BrokerError when it doesn't get that far; nothing is left behind then.
        """

    @abstractmethod
    def stop(self) -> None:
        """Give up everything that `start` took: no process, container or temporary file is left. Repeatable."""

    @property
    def log_path(self) -> Path | None:
        """The file that the broker logs to, while there is one on this machine."""
        return None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
