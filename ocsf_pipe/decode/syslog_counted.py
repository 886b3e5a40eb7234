"""Frames that say how long they are (RFC 6587, octet counting): `57 <34>1 2026-…`, one behind the other."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ocsf_pipe.decode.format import Limits
from ocsf_pipe.decode.framing import Head, broken_at, chunks, from_pieces, text_records
from ocsf_pipe.source import BrokenStream, Records, Reject

_COUNT = re.compile(rb"([1-9][0-9]{0,8}) (?=<[0-9]{1,3}>)")
_PERHAPS = re.compile(rb"\s*[0-9]{0,9} ?<?[0-9]{0,3}")
_ENDS = b"\r\n\0"


def is_counted(head: bytes) -> bool:
    """Whether a stream begins with a counted frame."""
    return _COUNT.match(head) is not None


def counted(head: Head, start: int, limits: Limits) -> Iterator[Records]:
    """Yield the frames of a stream that stands at `start`; what has no count is a line."""
    data, at = b"", start
    for chunk in chunks(head, limits.chunk_bytes):
        if isinstance(chunk, BrokenStream):
            yield _records(data, at, limits, (broken_at(at + len(data), chunk),), last=True)[0]
            return
        data += chunk
        run, used = _records(data, at, limits, (), last=False)
        if used:
            yield run
            data, at = data[used:], at + used
    if data:
        yield _records(data, at, limits, (), last=True)[0]


def _records(data: bytes, base: int, limits: Limits, rejects: tuple[Reject, ...], *, last: bool) -> tuple[Records, int]:
    """The frames that are whole (at the end of the stream: all), and how many bytes they take."""
    pieces: list[bytes] = []
    places: list[int] = []
    used = 0
    while used < len(data):
        body, end = _bounds(data, used, limits.max_record)
        if end < 0 or (end > len(data) and not last):
            if not last:
                break
            end = len(data)
        piece = data[body:end].rstrip(_ENDS)
        if piece.strip():
            pieces.append(piece)
            places.append(base + used)
        used = end
    end = base + used + (len(rejects) > 0)
    return text_records(from_pieces(pieces), np.array(places, np.int64), end, limits, rejects), used


def _bounds(data: bytes, at: int, longest: int) -> tuple[int, int]:
    """Where the frame at a place begins and ends; the end is -1 where more bytes have to tell."""
    count = _COUNT.match(data, at)
    if count and int(count[1]) <= longest:
        return count.end(), count.end() + int(count[1])
    perhaps = _PERHAPS.match(data, at)
    if perhaps and perhaps.end() == len(data) and not count:
        return at, -1  # the count itself is cut
    feed = data.find(b"\n", at)
    return at, feed + 1 if feed >= 0 else -1
