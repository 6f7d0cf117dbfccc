"""The web server listens where it is told to, in IPv4 and in IPv6, and says why where it cannot."""

import asyncio
import errno
import socket

import pytest
from aiohttp import ClientSession
from yarl import URL

from agents.settings import Settings
from agents.web import WebServer, authority, free_port
from agents.worker import Worker
from stream.errors import CxstreamError


async def answer(host: str, at: str) -> int:
    port = free_port(host, 0)
    server = WebServer(host, port, lambda _: (b"", "text/plain"), lambda: None, lambda: None)
    await server.start()
    try:
        async with ClientSession() as session, session.get(f"http://{authority(at, port)}/healthz") as found:
            return found.status
    finally:
        await server.stop()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_a_host_is_an_address_of_either_kind_or_a_name() -> None:
    """Where the machine has no IPv6, that is what is said; not that an IPv6 address is none of IPv4's."""
    for host in ("127.0.0.1", "localhost"):
        assert asyncio.run(answer(host, host)) == 200
    if has_ipv6():
        assert asyncio.run(answer("::1", "::1")) == 200
    else:
        with pytest.raises(CxstreamError, match=r"cannot listen on \[::1\]:0: "):
            free_port("::1", 0)


def test_a_probe_is_made_in_the_family_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine has."""
    made: list[int] = []

    class Noted(socket.socket):
        def __init__(self, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> None:
            made.append(family)
            raise OSError(errno.EAFNOSUPPORT, "noted")

    monkeypatch.setattr(socket, "socket", Noted)
    for host in ("127.0.0.1", "::1", "::"):
        with pytest.raises(CxstreamError, match="noted"):
            free_port(host, 0)
    assert made == [socket.AF_INET, socket.AF_INET6, socket.AF_INET6]


def test_a_worker_tells_its_own_address_as_a_url_has_it() -> None:
    host = "::1" if has_ipv6() else "127.0.0.1"
    worker = Worker(Settings(host=host, port=0))
    url = URL(str(worker.app.conf.canonical_url))
    assert (url.host, url.port) == (host, worker.port)


def test_a_port_that_is_taken_and_a_host_that_is_none_are_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CxstreamError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            free_port("127.0.0.1", port)
    with pytest.raises(CxstreamError, match=r"cannot listen on a\.\.b:0: no name of a host"):
        free_port("a..b", 0)
