"""What a worker answers on HTTP: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever runs it."""

import socket
from collections.abc import Callable
from typing import Any

from aiohttp import web
from mode import Service

from agents.verdict import Verdict
from stream.errors import CxstreamError


class WebServer(Service):
    """Serves what ``metrics`` renders for a header Accept, with its content type.

    ``health`` says what is wrong (None: nothing), ``readiness`` what is not ready yet: as JSON, with the status 503.
    """

    def __init__(
        self,
        host: str,
        port: int,
        metrics: Callable[[str], tuple[bytes, str]],
        health: Callable[[], Verdict | None],
        readiness: Callable[[], Verdict | None],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._host, self._port = host, port
        self._metrics, self._health, self._readiness = metrics, health, readiness
        self._runner: web.AppRunner | None = None

    async def on_start(self) -> None:
        app = web.Application()
        app.router.add_get("/metrics", self._rendered)
        app.router.add_get("/healthz", lambda _: self._answer(self._health()))
        app.router.add_get("/readyz", lambda _: self._answer(self._readiness()))
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def on_stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _rendered(self, request: web.Request) -> web.Response:
        body, kind = self._metrics(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": kind})

    async def _answer(self, found: Verdict | None) -> web.Response:
        if found is None:
            return web.json_response({"status": "ok"})
        return web.json_response(found._asdict(), status=503)


def free_port(host: str, port: int) -> int:
    """``port``, or any free one for 0.

    Raises:
        CxstreamError: the port is taken, or the host is no address of this machine.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # as the server has it: 0.0.0.0 is another address
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no name of a host"
        raise CxstreamError(
            f"cannot listen on {authority(host, port)}: {why}. Choose another port with --port or CXSTREAM_PORT"
        ) from None


def authority(host: str, port: int) -> str:
    """Host and port as a URL has them.

    >>> authority("10.0.0.1", 80), authority("::1", 80)
    ('10.0.0.1:80', '[::1]:80')
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
