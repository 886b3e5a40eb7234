"""JSON: one value a line (NDJSON), or values of any layout: pretty-printed, in one array, one behind the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.decode.format import DEFAULT_LIMITS, Format, Limits, Settings, concat, parse_by_reading
from ocsf_pipe.decode.framing import (
    BOM,
    Block,
    Head,
    Positions,
    blocks,
    line_bounds,
    not_utf8,
    slices,
    text_records,
    zeros,
)
from ocsf_pipe.decode.json_values import Scanner, from_position, read_values
from ocsf_pipe.source import Records


def sniff(head: bytes, filename: str, settings: Settings) -> bool:  # noqa: ARG001 - the contract of Format
    """Whether the first thing in the head is an object or an array."""
    return head.removeprefix(BOM).lstrip()[:1] in (b"{", b"[")


def read(
    stream: BinaryIO,
    settings: Settings,  # noqa: ARG001 - the contract of Format
    *,
    resume_at: int = 0,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Records]:
    """Yield the records of a stream; lines are framed only, layouts of other kinds are scanned for brackets."""
    return read_head(Head(stream), resume_at, limits)


def read_head(head: Head, resume_at: int, limits: Limits) -> Iterator[Records]:
    """Yield the records of a stream whose head was looked at already."""
    start = len(BOM) if head.bytes.startswith(BOM) else 0
    if one_a_line(head.bytes[start:]):
        at = head.skip(max(start, resume_at))
        for block in blocks(head, at, limits):
            yield framed(block, limits)
    else:
        # Whether a place is inside an array can be known only from the beginning, so a resumed read scans again.
        yield from from_position(read_values(head, head.skip(start), limits), resume_at)


def framed(block: Block, limits: Limits) -> Records:
    """Make one record of every line of a block."""
    starts, ends = line_bounds(block.data)
    return text_records(slices(block.data, starts, ends), starts + block.base, block.end, limits, block.rejects)


def one_a_line(head: bytes) -> bool:
    """Whether lines are records: some line of the head is exactly one object, and the first is not two or more."""
    lines = [line for line in head.split(b"\n")[:50] if line.strip()]
    if not lines or lines[0].lstrip()[:1] != b"{":
        return not lines or lines[0].lstrip()[:1] != b"["
    if lines[0].strip() == b"{":  # how a pretty-printed document begins; a line that was cut off is longer
        return False
    if len(lines) == 1:
        return _values(lines[0]) <= 1
    return _values(lines[0]) == 1 or (not _several(lines[0]) and any(_values(line) == 1 for line in lines))


def _values(line: bytes) -> int:
    """Count the objects that a line holds; -1 where it holds something beside them, or less than a whole one."""
    scanner = Scanner()
    octets = np.frombuffer(line, np.uint8)
    _, chars = scanner.scan(octets)
    whole = line.lstrip()[:1] == b"{" and scanner.depth == 0 and line.rstrip()[-1:] == b"}"
    return int((chars == 125).sum()) if whole and not scanner.in_string else -1


def _several(line: bytes) -> bool:
    return _values(line) > 1


def parse(messages: pa.LargeBinaryArray, settings: Settings) -> Records:
    """Take each message as one record, or as several where it is an array or holds several values."""
    plain = _plain(messages)
    if plain.all():
        return _whole(messages, np.arange(len(messages)))
    whole, other = np.flatnonzero(plain), np.flatnonzero(~plain)
    rest = parse_by_reading(read, messages.take(pa.array(other)), settings)
    places = pa.array(other[np.asarray(rest.position)] if len(rest) else [], pa.int64())
    rejects = tuple(replace(reject, position=int(other[reject.position])) for reject in rest.rejects)
    both = concat(
        [_whole(messages.take(pa.array(whole)), whole), replace(rest, position=places)], rejects, len(messages)
    )
    order = np.lexsort([np.asarray(both.sub), np.asarray(both.position)])
    rows = pa.array(order)
    return replace(both, raw=both.raw.take(rows), position=both.position.take(rows), sub=both.sub.take(rows))


def _plain(messages: pa.LargeBinaryArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which messages are surely one record each: UTF-8, an object from the first byte on, no line in it."""
    known = np.zeros(len(messages), np.bool_)
    try:
        text, rows = messages.cast(pa.large_string()), np.arange(len(messages))
    except pa.ArrowInvalid:
        good = np.setdiff1d(np.arange(len(messages)), np.fromiter((i for i, _ in not_utf8(messages)), np.int64))
        text, rows = messages.take(pa.array(good)).cast(pa.large_string()), good
    opens = pc.equal(pc.utf8_slice_codeunits(pc.utf8_ltrim_whitespace(text), 0, 1), "{")
    one = pc.and_(opens, pc.invert(pc.match_substring_regex(text, r"[\n\r]|\}\s*\{")))
    known[rows] = np.asarray(pc.fill_null(one, False))
    return known


def _whole(messages: pa.LargeBinaryArray, positions: Positions) -> Records:
    text = messages.cast(pa.large_string())
    return Records(text, pa.array(positions, pa.int64()), zeros(len(text)), len(text))


FORMAT = Format("json", sniff, read, parse)
