"""The mail between the two agents: whole segments to one partition, the watermark to all."""

from schemas.cell import (
    WATERMARK_HEAD,
    Cell,
    CellKey,
    Segment,
    Watermark,
    WatermarkKey,
    decode_cell,
    decode_cell_key,
    decode_watermark,
    decode_watermark_key,
)
from stream.cellmail import mail, partition_of
from stream.folded import Folded
from stream.totals import Totals

WEB: Segment = (("channel", "web"),)
PARTITIONS = 3


def folded() -> Folded:
    totals = {((), 10_000, 20_000): {"touchpoints": 2}, (WEB, 10_000, 20_000): {"touchpoints": 1}}
    cells = {cell: Totals(counters).encode() for cell, counters in totals.items()}
    return Folded(offset=41, watermark_ms=25_000, cells=cells, expired=[(WEB, 10_000, 0)])


def test_a_segment_goes_to_its_partition_with_the_offset_that_it_includes() -> None:
    sent = mail(folded(), 7, PARTITIONS, 5)
    assert sent.keys() == set(range(PARTITIONS))
    for segment, counters in (((), {"touchpoints": 2}), (WEB, {"touchpoints": 1})):
        found = [(decode_cell_key(key), value) for key, value in sent[partition_of(segment, PARTITIONS)][:-1]]
        values = [decode_cell(value) for key, value in found if key.segment == segment and value is not None]
        assert values == [Cell(counters, 41, 5)]


def test_what_has_expired_is_told_as_a_tombstone() -> None:
    records = mail(folded(), 7, PARTITIONS, 5)[partition_of(WEB, PARTITIONS)]
    assert [decode_cell_key(key) for key, value in records if value is None] == [CellKey(WEB, 10_000, 0, 7)]


def test_the_watermark_goes_to_every_partition_and_comes_last() -> None:
    for records in mail(folded(), 7, PARTITIONS, 5).values():
        key, value = records[-1]
        assert value is not None
        assert decode_watermark_key(key) == WatermarkKey(7)
        assert decode_watermark(value) == Watermark(25_000, 41)


def test_the_key_of_a_cell_is_never_taken_for_that_of_a_watermark() -> None:
    keys = [key for records in mail(folded(), 7, PARTITIONS, 5).values() for key, _ in records]
    assert [key.startswith(WATERMARK_HEAD) for key in keys].count(True) == PARTITIONS


def test_where_a_segment_is_depends_on_nothing_else() -> None:
    assert partition_of(WEB, PARTITIONS) == partition_of((("channel", "web"),), PARTITIONS)
    assert {partition_of((("channel", str(n)),), PARTITIONS) for n in range(50)} == set(range(PARTITIONS))
