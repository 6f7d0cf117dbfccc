"""What a folded batch sends to ``cells``: which partition of it, under which key, with which bytes."""

from functools import lru_cache
from zlib import crc32

from msgspec import msgpack

from schemas.cell import CellKey, Segment, Watermark, WatermarkKey, encode, encode_cell
from stream.folded import Folded

Mail = dict[int, list[tuple[bytes, bytes | None]]]
"""Key and value of each record, by partition of the topic."""


@lru_cache(maxsize=100_000)
def partition_of(segment: Segment, partitions: int) -> int:
    """The partition of ``cells`` that has all of a segment: windows over it are read in one place."""
    return crc32(msgpack.encode(segment)) % partitions


def mail(folded: Folded, source_partition: int, partitions: int, generation: int) -> Mail:
    """Current totals to where their segment is, tombstones for what is no longer kept, and to all the watermark."""
    out: Mail = {number: [] for number in range(partitions)}
    for cell, counters in folded.cells.items():
        key, value = (
            encode((*cell, source_partition)),
            encode_cell(counters, folded.offset, generation, cell in folded.open),
        )
        out[partition_of(cell[0], partitions)].append((key, value))
    for segment, resolution_ms, start_ms in folded.expired:
        key = encode(CellKey(segment, resolution_ms, start_ms, source_partition))
        out[partition_of(segment, partitions)].append((key, None))
    if folded.watermark_ms == 0:
        return out  # nothing was folded yet: there is no event time to tell
    watermark = (encode(WatermarkKey(source_partition)), Watermark(folded.watermark_ms, folded.offset).encode())
    for records in out.values():
        records.append(watermark)
    return out
