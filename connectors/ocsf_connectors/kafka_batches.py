"""Kafka record batches: from the bytes of a fetch to Arrow, without a Python object for each message."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from kafka.record import MemoryRecords
from kafka.record.util import calc_crc32c

from ocsf_connectors.kafka_codecs import UnpackError, unpacked
from ocsf_pipe.source import Reject

_HEADER = struct.Struct(">qiibIhiqqqhii")
_SIZE = struct.Struct(">qi")
_MAGIC, _CRC_FROM = 16, 21
_CONTROL, _TRANSACTIONAL, _CODEC = 0x20, 0x10, 0x07
TOMBSTONE = "the message has no value (a tombstone); its key is kept"


class DamagedBatch(OSError):  # noqa: N818 - it names what happened to the batch
    """A record batch does not have the checksum that it says; fetched again it may."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One record batch as it came: it covers the positions up to `next`.

    data: the batch with its header; empty where no message is to be read, as in a control batch. lost: why nothing can
    be read from `first` to `next`, where that is so.
    """

    first: int
    next: int
    data: bytes
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Messages:
    """The messages of some frames, in order: values without nulls, their positions, and what is not a message.

    keys of `rejects` are positions; none of them is in `positions`. end: the first position not covered.
    """

    values: pa.LargeBinaryArray
    positions: pa.Int64Array
    rejects: tuple[Reject, ...]
    end: int


def split(fetched: bytes, aborted: Iterable[tuple[int, int]] = ()) -> Iterator[Frame]:
    """Yield the batches of one fetch; a last one that is cut off is left, it comes again with the next fetch.

    aborted: producer and first position of each aborted transaction; its batches come as frames without data.
    """
    waiting = sorted(aborted, key=lambda one: one[1])
    dead: set[int] = set()
    view, at = memoryview(fetched), 0
    while at + _MAGIC < len(view):
        base, length = _SIZE.unpack_from(view, at)
        end = at + _SIZE.size + length
        if end > len(view):
            return
        batch = view[at:end]
        at = end
        if batch[_MAGIC] < 2:
            yield Frame(base, base + 1, bytes(batch))  # a compressed set of old carries its last position
            continue
        attributes, last, producer = batch_facts(batch)
        while waiting and waiting[0][1] <= base + last:
            dead.add(waiting.pop(0)[0])
        silent = bool(attributes & _CONTROL) or bool(attributes & _TRANSACTIONAL and producer in dead)
        if attributes & _CONTROL and producer in dead and _aborts(batch):
            dead.discard(producer)
        yield Frame(base, base + last + 1, b"" if silent else bytes(batch))


def batch_facts(batch: memoryview | bytes) -> tuple[int, int, int]:
    """Return a batch's attributes, the distance to its last position, and its producer (-1 without one)."""
    fields = _HEADER.unpack_from(batch)
    return fields[5], fields[6], fields[9]


def leader_epoch(batch: memoryview | bytes) -> int:
    """Return the leader epoch that a batch was written in."""
    return int(_HEADER.unpack_from(batch)[2]) if len(batch) >= _HEADER.size else -1


def _aborts(batch: memoryview) -> bool:
    record = next(iter(MemoryRecords(bytes(batch)).next_batch()))
    return bool(record.abort)


def messages(frames: Sequence[Frame], since: int, *, tombstones: bool = True, most: int = 16 << 20) -> Messages:
    """Return the messages at or after `since` of the first frames: as many as reach `most` unpacked bytes, or all.

    `end` says how far that is. A batch that cannot be unpacked is one reject with its bytes. tombstones: whether a
    message without a value is a reject, or left out. Raises DamagedBatch for a wrong checksum.
    """
    try:
        return _joined(frames, since, most, tombstones=tombstones)
    except (UnpackError, _BadFrames) as error:
        if len(frames) == 1:
            return rejected(frames[0], str(error))
    parts: list[Messages] = []
    for frame in frames:
        parts.append(messages([frame], since, tombstones=tombstones))
        if sum(part.values.nbytes for part in parts) >= most:
            break
    return concatenated(parts)


class _BadFrames(ValueError):  # noqa: N818 - never leaves this module
    """The lengths inside a batch contradict each other."""


def rejected(frame: Frame, why: str) -> Messages:
    """Give up on one frame: its bytes as one reject."""
    reject = Reject(frame.first, 0, frame.data, f"a batch of messages up to offset {frame.next - 1}: {why}")
    return Messages(_NO_VALUES, _NO_POSITIONS, (reject,), frame.next)


def _joined(frames: Sequence[Frame], since: int, most: int, *, tombstones: bool) -> Messages:
    parts: list[bytes] = []
    shapes: list[tuple[int, int, int]] = []
    rejects: list[Reject] = []
    end, size = since, 0
    for frame in frames:
        if frame.data and frame.data[_MAGIC] < 2:
            if len(frames) > 1:
                raise _BadFrames("batches of the old formats are read one by one")
            return _of_old(frame, since, tombstones=tombstones)
        if frame.lost:
            rejects.append(Reject(frame.first, 0, b"", frame.lost))
        if frame.data:
            parts.append(_body(frame))
            fields = _HEADER.unpack_from(frame.data)
            shapes.append((frame.first, fields[6], fields[12]))
            size += len(parts[-1])
        end = frame.next
        if size >= most:
            break
    if not parts:
        return Messages(_NO_VALUES, _NO_POSITIONS, tuple(rejects), end)
    return _chosen(_records(parts, shapes), since, rejects, end, tombstones=tombstones)


def _body(frame: Frame) -> bytes:
    fields = _HEADER.unpack_from(frame.data)
    if calc_crc32c(memoryview(frame.data)[_CRC_FROM:]) != fields[4]:
        raise DamagedBatch(f"the batch at offset {frame.first} does not have the checksum that it says")
    return unpacked(fields[5] & _CODEC, memoryview(frame.data)[_HEADER.size :])


@dataclass(frozen=True, slots=True)
class _Found:
    buffer: bytes
    position: np.ndarray
    key: np.ndarray
    key_length: np.ndarray
    value: np.ndarray
    value_length: np.ndarray


def _records(parts: Sequence[bytes], shapes: Sequence[tuple[int, int, int]]) -> _Found:
    """Find every field of every record at once; raises _BadFrames where lengths or offsets lead astray.

    shapes: of each part, its first offset, the distance to its last, and the count of its records.
    """
    buffer = b"".join([*parts, bytes(16)])  # the padding lets a varint be read without asking for the end
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for part, (_, _, count) in zip(parts, shapes, strict=True):
        at = _walk(buffer, at, at + len(part), count, starts, ends)
    data = np.frombuffer(buffer, np.uint8)
    start, end = np.array(starts, np.int64), np.array(ends, np.int64)
    _, at_offset = _varints(data, start + 1)  # behind the attributes: the time
    delta, at_key = _varints(data, at_offset)
    key_length, key = _varints(data, at_key)
    value_length, value = _varints(data, key + np.maximum(key_length, 0))
    if bool(((key_length < -1) | (value_length < -1) | (value + np.maximum(value_length, 0) >= end)).any()):
        raise _BadFrames("the lengths inside a message contradict each other")
    first, last, counts = (np.array(column, np.int64) for column in zip(*shapes, strict=True))
    position = np.repeat(first, counts) + delta
    if bool(((delta < 0) | (delta > np.repeat(last, counts))).any()) or bool((np.diff(position) <= 0).any()):
        raise _BadFrames("the offsets of its messages do not rise within it")
    return _Found(buffer, position, key, key_length, value, value_length)


def _walk(buffer: bytes, at: int, limit: int, count: int, starts: list[int], ends: list[int]) -> int:
    """Go from record to record by their lengths; appends where each begins (behind its length) and ends."""
    for _ in range(count):
        byte = buffer[at]
        at += 1
        length, shift = byte & 0x7F, 7
        while byte & 0x80:
            byte = buffer[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
        starts.append(at)
        at += length >> 1
        if length & 1 or at > limit:
            raise _BadFrames("a message is longer than its batch")
        ends.append(at)
    if at != limit:
        raise _BadFrames(f"{limit - at} bytes are behind the last message")
    return at


def _varints(data: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Read one zigzag varint at each place; returns the values and the places behind them."""
    at = np.minimum(at, len(data) - 12)
    byte = data[at]
    value = (byte & 0x7F).astype(np.uint64)
    at += 1
    more = np.flatnonzero(byte & 0x80)
    for shift in range(7, 70, 7):
        if not len(more):
            break
        byte = data[at[more]]
        value[more] |= (byte & np.uint8(0x7F)).astype(np.uint64) << np.uint64(shift)
        at[more] += 1
        more = more[(byte & 0x80) != 0]
    signed = (value >> np.uint64(1)).astype(np.int64) ^ -(value & np.uint64(1)).astype(np.int64)
    return np.clip(signed, -(1 << 40), 1 << 40), at


def _chosen(found: _Found, since: int, rejects: list[Reject], end: int, *, tombstones: bool) -> Messages:
    wanted = found.position >= since
    if tombstones:
        for index in np.flatnonzero(wanted & (found.value_length < 0)):
            start, length = int(found.key[index]), max(0, int(found.key_length[index]))
            rejects.append(Reject(int(found.position[index]), 0, found.buffer[start : start + length], TOMBSTONE))
    chosen = np.flatnonzero(wanted & (found.value_length >= 0))
    if not len(chosen):
        return Messages(_NO_VALUES, _NO_POSITIONS, _in_order(rejects), end)
    # Values and the gaps between them, taken as one array, give the values by every second element: one copy, in C.
    edges = np.empty(2 * len(chosen), np.int64)
    edges[0::2] = found.value[chosen]
    edges[1::2] = found.value[chosen] + found.value_length[chosen]
    buffers = [None, pa.py_buffer(edges), pa.py_buffer(found.buffer)]
    both = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(edges) - 1, buffers)
    values = both.take(pa.array(np.arange(0, len(edges) - 1, 2)))
    return Messages(values, pa.array(found.position[chosen]), _in_order(rejects), end)


def _of_old(frame: Frame, since: int, *, tombstones: bool) -> Messages:
    """Read a batch of the formats before Kafka 0.11 with the client's own reader."""
    records = MemoryRecords(frame.data)
    positions, values, rejects = [], [], []
    try:
        batch = records.next_batch()
        good = batch.validate_crc()
        for record in batch if good else ():
            if record.offset >= since and record.value is not None:
                positions.append(record.offset)
                values.append(record.value)
            elif record.offset >= since and tombstones:
                rejects.append(Reject(record.offset, 0, record.key or b"", TOMBSTONE))
    except Exception as error:  # the client's readers raise whatever their codec does
        raise UnpackError(f"it cannot be read: {error}") from error
    if not good:
        raise DamagedBatch(f"the batch at offset {frame.first} does not have the checksum that it says")
    return Messages(pa.array(values, pa.large_binary()), pa.array(positions, pa.int64()), tuple(rejects), frame.next)


def concatenated(parts: Sequence[Messages]) -> Messages:
    """Join messages that follow each other."""
    values = pa.concat_arrays([part.values for part in parts])
    positions = pa.concat_arrays([part.positions for part in parts])
    return Messages(values, positions, tuple(r for part in parts for r in part.rejects), parts[-1].end)


def _in_order(rejects: list[Reject]) -> tuple[Reject, ...]:
    return tuple(sorted(rejects, key=lambda reject: (reject.position, reject.sub)))


_NO_VALUES = pa.array([], pa.large_binary())
_NO_POSITIONS = pa.array([], pa.int64())
