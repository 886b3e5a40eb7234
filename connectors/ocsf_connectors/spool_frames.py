"""How an entry lies on disk: framed, so that a torn tail and a flipped bit are told from what was written.

A frame is a header of 24 bytes and a payload. The header holds a mark, the payload's length and checksum, the frame's
own position in the log, and a checksum of these. Checksums start from the spool's random id: a message that looks
like frames cannot pass for some when damage before it makes the reader search for the next header.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_MARK = b"\xf1SPL"
_HEADER = struct.Struct("<4sIIQ")
_SUM = struct.Struct("<I")
_NAMES = struct.Struct("<HH")
HEADER_BYTES = _HEADER.size + _SUM.size
MAX_PAYLOAD = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One message: what kind of document its body is, the body, and the key under which a retry is known, if any."""

    kind: str
    body: bytes
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, or a stretch of damage: `payload` is None and `reason` says what is the matter.

    `start` and `end` are positions in the log.
    """

    start: int
    end: int
    payload: bytes | None
    reason: str = ""


def packed(entry: Entry) -> bytes:
    """Return the payload of an entry; raises ValueError where it is longer than a frame can be."""
    kind = entry.kind.encode()
    payload = b"".join((_NAMES.pack(len(kind), len(entry.key)), kind, entry.key, entry.body))
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a message of {len(payload)} bytes does not fit into a spool")
    return payload


def unpacked(payload: bytes) -> Entry:
    """Return the entry of a payload; raises ValueError where it is none."""
    if len(payload) < _NAMES.size:
        raise ValueError("the entry is shorter than its names")
    kind, key = _NAMES.unpack_from(payload)
    body = _NAMES.size + kind + key
    if body > len(payload):
        raise ValueError("the entry is shorter than its names")
    name = payload[_NAMES.size : _NAMES.size + kind].decode()
    return Entry(name, payload[body:], payload[_NAMES.size + kind : body])


def checksum(payload: bytes, salt: int) -> int:
    """Return the checksum of a payload."""
    return zlib.crc32(payload, salt)


def header(position: int, length: int, checksum: int, salt: int) -> bytes:
    """Return the header of a frame at a position."""
    front = _HEADER.pack(_MARK, length, checksum, position)
    return front + _SUM.pack(zlib.crc32(front, salt))


def length_at(data: bytes | memoryview, offset: int, position: int, salt: int) -> int | None:
    """Return the length of the whole frame whose header lies at an offset; None when there is no such header."""
    if offset + HEADER_BYTES > len(data):
        return None
    mark, length, _, own = _HEADER.unpack_from(data, offset)
    (total,) = _SUM.unpack_from(data, offset + _HEADER.size)
    if mark != _MARK or own != position or zlib.crc32(data[offset : offset + _HEADER.size], salt) != total:
        return None
    return HEADER_BYTES + int(length)


def frames(data: bytes, base: int, salt: int) -> Iterator[Frame]:
    """Yield what lies in bytes of the log that begin at position `base`, up to a frame that is not whole.

    Bytes before the next header, where one is expected, are damage, also at the end if they cannot be the beginning
    of a frame.
    """
    at = 0
    while at < len(data):
        length = length_at(data, at, base + at, salt)
        if length is None:
            if _may_begin(data, at):
                return
            after = _next_header(data, at + 1, base, salt)
            yield Frame(base + at, base + after, None, "the frame's header is damaged")
            at = after
        elif at + length > len(data):
            return
        else:
            yield _frame(data, at, length, base, salt)
            at += length


def _frame(data: bytes, at: int, length: int, base: int, salt: int) -> Frame:
    payload = data[at + HEADER_BYTES : at + length]
    if zlib.crc32(payload, salt) == _HEADER.unpack_from(data, at)[2]:
        return Frame(base + at, base + at + length, payload)
    return Frame(base + at, base + at + length, None, "the checksum does not fit the frame")


def _may_begin(data: bytes, at: int) -> bool:
    """Whether the bytes from here to the end are what a write leaves that was cut short: too few, or all zero."""
    return len(data) - at < HEADER_BYTES or not data[at:].strip(b"\0")


def _next_header(data: bytes, at: int, base: int, salt: int) -> int:
    while (at := data.find(_MARK, at)) >= 0:
        if length_at(data, at, base + at, salt) is not None:
            return at
        at += 1
    return len(data)
