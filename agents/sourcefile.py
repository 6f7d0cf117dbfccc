"""Files to replay: lines of a file or of standard input, whatever its compression."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, cast

import cramjam

from stream.errors import CxstreamError

STDIN = "-"
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class ReplayError(CxstreamError):
    """The file cannot be read, or its events not be put on the topic."""


class Source:
    """A file under way: its lines, and how far it has been read."""

    def __init__(self, name: str, raw: BufferedReader, size: int | None) -> None:
        self._name = name
        self._raw = raw
        self.size = size

    def position(self) -> int:
        """Bytes read so far, before decompression; 0 where that cannot be told."""
        return self._raw.tell() if self.size is not None else 0

    def lines(self) -> Generator[str]:
        """Lines with their ends; bytes that are no UTF-8 as surrogate escapes.

        Raises:
            ReplayError: reading fails, or a compressed file is cut off or broken.
        """
        try:
            text = io.TextIOWrapper(_decompressed(self._raw), "utf-8-sig", "surrogateescape", newline="")
            try:
                for line in text:  # noqa: UP028 - `yield from` would close the file along with the generator
                    yield line
            finally:
                text.detach()  # its end is not the end of what it reads
        except (OSError, EOFError, zlib.error, cramjam.DecompressionError) as error:
            raise _unreadable(self._name, error) from error


@contextmanager
def opened(path: str | Path) -> Iterator[Source]:
    """A file or standard input, whatever its compression. Raises ReplayError where there is none."""
    if str(path) == STDIN:
        standard = BufferedReader(cast("Any", sys.stdin.buffer))
        try:
            yield Source("standard input", standard, None)
        finally:
            standard.detach()  # its end must not close standard input
        return
    try:
        raw = Path(path).open("rb")  # noqa: SIM115 - closed below; what its user raises is not ours to translate
    except OSError as error:
        raise _unreadable(str(path), error) from error
    with raw:
        yield Source(str(path), raw, Path(path).stat().st_size)


def _unreadable(name: str, error: Exception) -> ReplayError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return ReplayError(f"{name} cannot be read: {reason}")


def _decompressed(raw: BufferedReader) -> IO[bytes]:
    head = raw.peek(4)[:4]
    if head.startswith(GZIP_MAGIC):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if head == ZSTD_MAGIC:  # cramjam reads whole frames only: the file is held in memory
        return io.BytesIO(bytes(cramjam.zstd.decompress(raw.read())))
    return raw
