"""Parquet files: each row is one JSON record, without its nulls; the same rows written as JSON are read too.

The text of a row depends on the row alone, so any cut of a reading gives the same records. `position` is the number of
the row. Timestamps are ISO 8601 text (`Z` where the file says UTC), dates and times of day too; binary is base64, a
decimal is a number with all its digits, a map is an object, NaN and infinity are null.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ocsf_pipe.decode import json
from ocsf_pipe.decode.format import DEFAULT_LIMITS, MIB, Format, Limits, Settings, parse_by_reading
from ocsf_pipe.decode.framing import Head, text_records
from ocsf_pipe.decode.parquet_text import rows_as_text
from ocsf_pipe.source import BrokenStream, Records, Reject

MAGIC = (b"PAR1", b"PARE")
"""How a file begins; the second one has an encrypted footer and becomes a reject."""
_ROWS = 4096
"""Rows that are turned to text at once, at most: what a file says of its own sizes need not be true."""
_IN_MEMORY = 16 * MIB


def sniff(head: bytes, filename: str, settings: Settings) -> bool:
    """Whether the head is that of a Parquet file, or JSON: rows are read from both."""
    return head.startswith(MAGIC) or json.sniff(head, filename, settings)


def read(
    stream: BinaryIO,
    settings: Settings,  # noqa: ARG001 - the contract of Format
    *,
    resume_at: int = 0,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Records]:
    """Yield the rows of a stream; a stream that cannot seek is spooled to disk, for the table of contents is last."""
    head = Head(stream)
    if not head.bytes.startswith(MAGIC):
        yield from json.read_head(head, resume_at, limits)
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
        broken = None if (direct := _any_place(stream)) else _spooled(head, spool)
        if broken is not None:
            yield from _refused(0, 1, f"the Parquet file is cut off: {broken}", resume_at)
            return
        watched = _Watched(stream if direct else cast("BinaryIO", spool))
        yield from _Reading(watched, resume_at, limits).rows()


def _any_place(stream: BinaryIO) -> bool:
    """Whether the stream can be read from its end; one that is unpacked on the way cannot."""
    try:
        return stream.seekable() and stream.seek(0, io.SEEK_END) >= len(MAGIC[0])
    except io.UnsupportedOperation:
        return False


def _spooled(head: Head, spool: Any) -> BrokenStream | None:
    try:
        while data := head.read(MIB):
            spool.write(data)
    except BrokenStream as broken:
        return broken
    spool.seek(0)
    return None


class _Watched(io.RawIOBase):
    """A stream that remembers how it failed: Arrow tells a failed read and a damaged file by the same exception."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self.failure: BaseException | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except BaseException as failure:
            self.failure = failure
            raise


@dataclass(frozen=True, slots=True)
class _Reading:
    """One pass over a file from row `resume_at` on."""

    stream: _Watched
    resume_at: int
    limits: Limits

    def rows(self) -> Iterator[Records]:
        """Yield the rows, row group by row group; what is damaged is a reject, and the rest is read."""
        try:
            # A plain buffered read of each column keeps a row group of a gigabyte out of memory.
            file = pq.ParquetFile(pa.PythonFile(self.stream, "r"), buffer_size=MIB, pre_buffer=False)
        except Exception as error:  # noqa: BLE001 - Arrow raises what it likes for a damaged file
            yield from self._damaged(0, 1, error)
            return
        first = 0
        for number in range(file.metadata.num_row_groups):
            count = int(file.metadata.row_group(number).num_rows)
            if first + count > self.resume_at:
                yield from self._group(file, number, first, first + count)
            first += count

    def _group(self, file: Any, number: int, first: int, end: int) -> Iterator[Records]:
        at = first
        batches = file.iter_batches(self._rows_at_once(file.metadata.row_group(number)), [number], use_threads=False)
        while True:
            try:
                batch = next(batches, None)
            except Exception as error:  # noqa: BLE001 - the same
                yield from self._damaged(at, end, error)
                return
            if batch is None:
                return
            skip = max(self.resume_at - at, 0)
            at += batch.num_rows
            if skip < batch.num_rows:
                yield self._run(batch.slice(skip), at)

    def _rows_at_once(self, group: Any) -> int:
        average = max(int(group.total_byte_size) // max(int(group.num_rows), 1), 1)
        return int(min(max(self.limits.chunk_bytes // (4 * average), 16), _ROWS))

    def _run(self, batch: pa.RecordBatch, end: int) -> Records:
        positions = np.arange(end - batch.num_rows, end, dtype=np.int64)
        return text_records(rows_as_text(batch), positions, end, self.limits)

    def _damaged(self, position: int, end: int, error: Exception) -> Iterator[Records]:
        """Tell what is not there; a far end that failed is no damage, and is raised."""
        if self.stream.failure is not None and not isinstance(self.stream.failure, BrokenStream):
            raise self.stream.failure
        rows = f"rows {position} to {end - 1} of the Parquet file" if end > position + 1 else "the Parquet file"
        yield from _refused(position, end, f"{rows} cannot be read: {error}", self.resume_at)


def _refused(position: int, end: int, reason: str, resume_at: int) -> Iterator[Records]:
    if position >= resume_at:
        none = pa.array([], pa.large_string())
        rejects = (Reject(position, 0, b"", " ".join(reason.split())),)
        yield Records(none, pa.array([], pa.int64()), pa.array([], pa.int32()), end, rejects=rejects)


def parse(messages: pa.LargeBinaryArray, settings: Settings) -> Records:
    """Read each message as a file of its own."""
    return parse_by_reading(read, messages, settings)


FORMAT = Format("parquet", sniff, read, parse)
