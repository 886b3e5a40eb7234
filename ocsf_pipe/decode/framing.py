"""Bytes into pieces, without looking into the pieces: the fast part that all text formats share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ocsf_pipe.decode.format import MIB, Limits
from ocsf_pipe.source import BrokenStream, Records, Reject

Positions = npt.NDArray[np.int64]
HEAD_BYTES = 64 * 1024
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a stream: `data` starts at `base` and ends behind a line feed or at the end of the stream."""

    data: bytes
    base: int
    rejects: tuple[Reject, ...] = ()
    end: int = 0


def chunks(stream: BinaryIO | Head, size: int) -> Iterator[bytes | BrokenStream]:
    """Yield the bytes of a stream in chunks of about `size`; a stream that breaks ends in its BrokenStream."""
    while True:
        try:
            data = stream.read(size)
        except BrokenStream as broken:
            yield broken
            return
        if not data:
            return
        yield data


class Head:
    """A stream from its beginning whose first 64 KiB can be looked at before they are read."""

    def __init__(self, stream: BinaryIO) -> None:
        """Fetch the head; a stream that breaks within it breaks again when it is read to there."""
        self._stream = stream
        got = bytearray()
        self._broken: BrokenStream | None = None
        while len(got) < HEAD_BYTES:
            try:
                data = stream.read(HEAD_BYTES - len(got))
            except BrokenStream as broken:
                self._broken = broken
                break
            if not data:
                break
            got += data
        self.bytes = self._rest = bytes(got)

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, none at the end; raises BrokenStream at a break."""
        if self._rest:
            out, self._rest = self._rest[:size], self._rest[size:]
            return out + self._stream.read(size - len(out)) if len(out) < size and not self._broken else out
        if self._broken:
            raise self._broken
        return self._stream.read(size)

    def skip(self, count: int) -> int:
        """Leave out the first `count` bytes of a stream not read yet, and return `count`."""
        if self._stream.seekable():
            self._stream.seek(count)
            self._rest, self._broken = b"", None  # what breaks again is told when it is read again
            return count
        left = count
        while left > 0 and (got := self._skipped(min(left, MIB))):
            left -= got
        return count

    def _skipped(self, size: int) -> int:
        try:
            return len(self.read(size))
        except BrokenStream as broken:
            self._broken = broken
            return 0


class Hoard:
    """The bytes of one record that does not end yet: all of them up to `keep`, then the first MiB and a hash."""

    def __init__(self, position: int, keep: int) -> None:
        """Begin an empty record at `position`."""
        self.position = position
        self.length = 0
        self._keep = keep
        self._bytes = bytearray()
        self._over = False
        self._hash = hashlib.sha256()

    def add(self, data: bytes | memoryview) -> None:
        """Append bytes of the record."""
        self.length += len(data)
        if self._over:
            self._hash.update(data)
            return
        self._bytes += data
        if self.length > self._keep:
            self._over = True
            self._hash.update(self._bytes)
            del self._bytes[MIB:]

    def take(self) -> bytes:
        """Return the bytes that are kept."""
        return bytes(self._bytes)

    def reject(self, limit: int) -> Reject:
        """Return the record as a reject that says how long it is and what the limit was."""
        reason = f"a record of {self.length} bytes is longer than the limit of {limit} bytes"
        if self._over:
            reason += f"; the first {len(self._bytes)} bytes are kept, sha256 {self._hash.hexdigest()}"
        return Reject(self.position, 0, self.take(), reason)


def broken_at(position: int, broken: BrokenStream) -> Reject:
    """Return the one reject of a stream that breaks."""
    return Reject(position, 0, b"", str(broken))


def blocks(stream: BinaryIO | Head, start: int, limits: Limits) -> Iterator[Block]:
    """Yield whole lines of a stream that stands at `start`; lines longer than a chunk come as rejects."""
    tail, at = Hoard(start, limits.keep), start
    for chunk in chunks(stream, limits.chunk_bytes):
        if isinstance(chunk, BrokenStream):
            yield from _last(tail, limits)
            yield Block(b"", at, (broken_at(at, chunk),), at + 1)
            return
        at += len(chunk)
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            tail.add(chunk)
            continue
        yield _block(tail, chunk, cut, limits)
        tail = Hoard(at - len(chunk) + cut, limits.keep)
        tail.add(memoryview(chunk)[cut:])
    yield from _last(tail, limits)


def _block(tail: Hoard, chunk: bytes, cut: int, limits: Limits) -> Block:
    """Join the tail of the chunks before with this chunk up to its last line feed at `cut`."""
    if tail.length <= limits.max_record:
        return Block(tail.take() + chunk[:cut], tail.position, (), tail.position + tail.length + cut)
    first = chunk.find(b"\n")
    tail.add(memoryview(chunk)[:first])
    base = tail.position + tail.length + 1
    return Block(chunk[first + 1 : cut], base, (tail.reject(limits.max_record),), base + cut - first - 1)


def _last(tail: Hoard, limits: Limits) -> Iterator[Block]:
    if tail.length > limits.max_record:
        end = tail.position + tail.length
        yield Block(b"", end, (tail.reject(limits.max_record),), end)
    elif tail.length:
        yield Block(tail.take(), tail.position, (), tail.position + tail.length)


def line_bounds(data: bytes) -> tuple[Positions, Positions]:
    """Find the lines of `data`: starts and ends, without line ends (LF or CR LF) and without blank lines."""
    octets = np.frombuffer(data, np.uint8)
    feeds = np.flatnonzero(octets == 10)
    starts = np.concatenate([[0], feeds + 1])
    ends = np.concatenate([feeds, [len(data)]])
    full = ends > starts
    starts, ends = starts[full], ends[full]
    ends = ends - (octets[ends - 1] == 13)
    blank = ends <= starts
    for i in np.flatnonzero(octets[starts] <= 32):
        blank[i] = not data[starts[i] : ends[i]].strip()
    return (starts[~blank], ends[~blank]) if blank.any() else (starts, ends)


def slices(data: bytes, starts: Positions, ends: Positions) -> pa.LargeBinaryArray:
    """Copy the given non-overlapping, ordered slices of `data` into one array."""
    count = len(starts)
    if not count:
        return pa.array([], pa.large_binary())
    # One array over slices and gaps alike, then every second row: two memory copies instead of one object a row.
    offsets = np.empty(2 * count + 1, np.int64)
    offsets[0:-1:2], offsets[1::2], offsets[-1] = starts, ends, ends[-1]
    both = pa.Array.from_buffers(pa.large_binary(), 2 * count, [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    return both.take(pa.array(np.arange(0, 2 * count, 2)))


def from_pieces(pieces: Sequence[bytes]) -> pa.LargeBinaryArray:
    """Build one array from many pieces without an Arrow object a piece."""
    offsets = np.zeros(len(pieces) + 1, np.int64)
    np.cumsum([len(piece) for piece in pieces], out=offsets[1:])
    data = pa.py_buffer(b"".join(pieces))
    return pa.Array.from_buffers(pa.large_binary(), len(pieces), [None, pa.py_buffer(offsets), data])


def text_records(
    found: pa.LargeBinaryArray, positions: Positions, end: int, limits: Limits, rejects: Sequence[Reject] = ()
) -> Records:
    """Make records of pieces found at `positions`: what is too long or not UTF-8 becomes a reject.

    `rejects` are those the caller already has; all are returned in order of position.
    """
    lengths = np.diff(_offsets(found))
    bad = {int(i): "" for i in np.flatnonzero(lengths > limits.max_record)}
    try:
        text = found.cast(pa.large_string())
    except pa.ArrowInvalid:
        bad |= {i: why for i, why in not_utf8(found) if i not in bad}
        text = None
    if bad:
        rejects = [*rejects, *(_reject(found[i].as_py(), int(positions[i]), why, limits) for i, why in bad.items())]
        keep = np.setdiff1d(np.arange(len(found)), np.fromiter(bad, np.int64))
        positions, text = positions[keep], found.take(pa.array(keep)).cast(pa.large_string())
    ordered = tuple(sorted(rejects, key=lambda r: r.position))
    return Records(text, pa.array(positions, pa.int64()), zeros(len(text)), end, rejects=ordered)


def zeros(count: int) -> pa.Int32Array:
    """Return the `sub` of records that stand alone at their position."""
    return pa.array(np.zeros(count, np.int32))


def _offsets(found: pa.LargeBinaryArray) -> Positions:
    offsets = np.frombuffer(found.buffers()[1], np.int64) if found.buffers()[1] else np.zeros(1, np.int64)
    return offsets[found.offset : found.offset + len(found) + 1]


def _reject(raw: bytes, position: int, why: str, limits: Limits) -> Reject:
    if why:
        return Reject(position, 0, raw, why)
    hoard = Hoard(position, limits.keep)
    hoard.add(raw)
    return hoard.reject(limits.max_record)


def not_utf8(found: pa.LargeBinaryArray) -> Iterator[tuple[int, str]]:
    """Yield index and reason of the pieces that are not UTF-8; only pieces with a byte above 127 are decoded."""
    offsets = _offsets(found)
    octets = np.frombuffer(found.buffers()[2], np.uint8)
    high = np.flatnonzero(octets[offsets[0] : offsets[-1]] > 127) + offsets[0]
    for i in np.unique(np.searchsorted(offsets, high, side="right") - 1):
        try:
            found[int(i)].as_py().decode()
        except UnicodeDecodeError as error:
            yield int(i), f"not UTF-8 at byte {error.start} of the record: {error.reason}"
