"""What keeps us from brokers is said, also of names that cannot even be asked for."""

import asyncio

import pytest

from agents.cluster import Cluster
from agents.handshake import trouble
from agents.topics import unreachable


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example"])
def test_a_host_that_no_name_server_can_be_asked_for_is_a_name_that_nobody_knows(host: str) -> None:
    """Settings refuse it; a broker may still call itself or another so."""
    cluster = Cluster(f"{host}:9092")
    found = asyncio.run(trouble(cluster))
    assert found is not None
    assert (found.why, found.is_silent) == (f"{host}:9092 has a name that nobody knows", True)
    assert "nobody knows" in str(unreachable(cluster, ValueError()))
