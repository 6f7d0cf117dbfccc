"""What a load takes, by the constants that benchmarks measured."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json
from typer.testing import CliRunner

from agents.cli import app
from agents.sizing import Load, Size, size

loads = st.builds(
    Load,
    events_per_second=st.integers(1, 10**6),
    customers=st.integers(1, 10**8),
    event_bytes=st.integers(100, 10_000),
    segments=st.integers(1, 10_000),
    busy=st.floats(0.1, 0.9),
    store=st.sampled_from(("rocksdb", "memory")),
)


@given(loads)
def test_the_workers_can_do_the_peak_without_being_busier_than_they_may(load: Load) -> None:
    assert size(load).most_events_per_second * load.busy >= load.events_per_second - 1


@given(loads)
def test_partitions_are_for_as_many_workers_as_the_load_may_once_need(load: Load) -> None:
    grown = replace(load, events_per_second=int(load.events_per_second * load.growth))
    assert size(load).partitions >= size(grown).workers


@given(loads, st.integers(2, 10))
def test_more_of_anything_takes_no_less(load: Load, times: int) -> None:
    for name in ("events_per_second", "event_bytes", "segments"):
        assert size(replace(load, **{name: getattr(load, name) * times})).workers >= size(load).workers
    of_more = size(replace(load, customers=load.customers * times))
    assert of_more.memory_bytes >= size(load).memory_bytes
    assert of_more.disk_bytes >= size(load).disk_bytes


def test_a_measured_worker_is_not_larger_than_it_says() -> None:
    """``tests.bench.growth``: 1,000,000 customers in four partitions of RocksDB took 749 to 768 MiB, after two million
    touchpoints of an hour: customers of few touchpoints, and fewer cells than are kept in the long run.
    """
    found = size(Load(25_000, 1_000_000, segments=50, standbys=0, growth=1.0))
    assert (found.workers, found.partitions) == (1, 4)
    assert 768 < found.memory_bytes / 2**20 < 2_048


def test_state_in_memory_needs_no_disk() -> None:
    in_memory, on_disk = (size(Load(1_000, 100_000, store=store)) for store in ("memory", "rocksdb"))
    assert in_memory.disk_bytes == 0 < on_disk.disk_bytes
    assert in_memory.memory_bytes > on_disk.memory_bytes


def test_a_single_worker_has_no_standby_to_store() -> None:
    assert size(Load(100, 1_000, standbys=1)) == size(Load(100, 1_000, standbys=0))


@pytest.mark.parametrize("output", ["table", "json"])
def test_the_command_says_the_same(output: str) -> None:
    given = ["size", "--events-per-second", "1000000", "--customers", "50000000", "--format", output]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 0, result.output
    found = size(Load(1_000_000, 50_000_000))
    if output == "json":
        assert json.decode(result.stdout, type=Size) == found
    else:
        assert f"workers {found.workers:>20,}".split() == result.stdout.split()[:2]
        assert f"{found.most_events_per_second:,}" in result.stdout


def test_a_load_of_nothing_is_refused() -> None:
    result = CliRunner().invoke(app, ["size", "--events-per-second", "0", "--customers", "5"])
    assert result.exit_code == 2
