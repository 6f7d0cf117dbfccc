"""A real HTTP server that an outlet posts to, and that answers as a test wants."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    time_s: float

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Answer(Exception):  # noqa: N818 - what is answered, not what went wrong
    """What to answer, after a while; with ``cut``, the connection ends without an answer."""

    def __init__(
        self, status: int = 200, headers: dict[str, str] | None = None, after_s: float = 0, cut: bool = False
    ) -> None:
        super().__init__()
        self.status, self.headers, self.after_s, self.cut = status, headers or {}, after_s, cut


class Receiver:
    """Keeps every request; ``answers`` are given one by one, then 200. What has ``refused`` in it gets 503.

    What has ``bad`` in it gets 400, and what is longer than ``most_bytes`` 413.
    """

    def __init__(self, port: int = 0) -> None:
        self.received: list[Received] = []
        self.answers: list[Answer] = []
        self.refused = b""
        self.bad = b""
        self.most_bytes = 2**62
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.path, headers, body, time.time()))
                answer = receiver.answers.pop(0) if receiver.answers else Answer()
                if receiver.refused and receiver.refused in body:
                    answer = Answer(503)
                elif receiver.bad and receiver.bad in body:
                    answer = Answer(400)
                elif len(body) > receiver.most_bytes:
                    answer = Answer(413)
                time.sleep(answer.after_s)
                if answer.cut:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in {"Content-Length": "0", **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base class
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """An outlet that hangs up is what some tests are about."""

        self._server = Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def alerts(self) -> list[str]:
        """The ids of all alerts received by webhooks, in order."""
        return [alert["id"] for each in self.received for alert in each.json["data"]["alerts"]]

    def wait(self, condition: Callable[[], object], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, [each.body for each in self.received]
            time.sleep(0.02)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@contextmanager
def receiver(port: int = 0) -> Iterator[Receiver]:
    opened = Receiver(port)
    try:
        yield opened
    finally:
        opened.close()
