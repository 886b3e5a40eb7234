"""JSON text → its skeleton: the record without its scalars. Most records of a source share a few of them.

What stands where in a record is told by its skeleton, which is worked out once (`outline.py`); a record is then no
more than the places of its scalars. Whole blocks of records are taken apart at once, a few instructions a byte.

Only text is taken that says the same however it is read and written: without spaces between its tokens, with no other
escapes than JSON needs. What is left in a skeleton is checked with it, what was taken out is checked here, so a record
of a sound skeleton is sound JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Places = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

ROWS = 2048
"""Records that are taken apart at once: as many as DuckDB computes with at once, for a vector costs it 10 CPU ms
whatever is in it (measured: 28 us a record by 2,048, 38 by 1,024, 80 by 256)."""

_QUOTE, _BACKSLASH, _COLON, _OPEN, _CLOSE, _N = 34, 92, 58, 123, 125, 110
_ENDS = np.isin(np.arange(256), [ord(c) for c in ',}]"'])
_COMPOSED = np.isin(np.arange(256), [ord(c) for c in '{["'])
_ESCAPED = np.isin(np.arange(256), [ord(c) for c in '"\\nrtbf'])

# Scalars that are written as they are read: 18 digits fit 64 bits, 15 of a fraction come back as they were, and so do
# seconds with microseconds.
CANONICAL = (
    r"^(?:null|true|false|0|-?[1-9][0-9]{0,17}|0\.0|-?0\.[1-9](?:[0-9]{0,12}[1-9])?"
    r"|-?[1-9][0-9]{0,2}\.(?:0|[0-9]{0,10}[1-9])|-?[1-9][0-9]{0,8}\.(?:0|[0-9]{0,4}[1-9])"
    r"|[1-7][0-9]{9}\.(?:0|[0-9]{0,5}[1-9]))$"
)


@dataclass(frozen=True, slots=True)
class Block:
    """Some records, taken apart.

    rows: the rows of the batch; data: the bytes that `origin` and the spans point into; origin: where each record
    starts; starts, ends: the scalars of all records, strings without their quotes; first: of each record, the number
    of its first scalar, and behind the last record the number of all; sound: whether all scalars of a record are;
    null, escaped: which scalars are JSON null, which hold a backslash; skeletons: one text a record, as a dictionary.
    """

    rows: Places
    data: Bytes
    origin: Places
    starts: Places
    ends: Places
    first: Places
    sound: npt.NDArray[np.bool_]
    null: npt.NDArray[np.bool_]
    escaped: Places
    skeletons: pa.DictionaryArray


def blocks(text: pa.LargeStringArray) -> Iterator[Block]:
    """Take records apart, some at a time; those that cannot be are in no block."""
    for start in range(0, len(text), ROWS):
        part = text.slice(start, ROWS)
        rows = np.arange(start, start + len(part))
        scan = _scan(*_bytes(part))
        good = _plain(scan)
        if not good.all():
            part, rows = part.take(pa.array(np.flatnonzero(good))), rows[good]
            scan = _scan(*_bytes(part))
        if len(rows) and len(scan.quotes):
            block = _apart(rows, scan)
            if len(block.starts):  # records without any scalar are not worth a thought
                yield block


def _bytes(text: pa.LargeStringArray) -> tuple[Bytes, Places]:
    """The bytes of some records, and where each begins; behind the last, where it ends."""
    _, offsets, data = text.buffers()
    bounds = np.frombuffer(offsets, np.int64)[text.offset : text.offset + len(text) + 1]
    return np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]], bounds - bounds[0]


@dataclass(frozen=True, slots=True)
class _Scan:
    """The bytes of some records, where each begins and the last ends, where quotes and escapes stand.

    quotes: those that begin or end text; escapes: the backslashes that begin one.
    """

    data: Bytes
    bounds: Places
    quotes: Places
    escapes: Places


def _scan(data: Bytes, bounds: Places) -> _Scan:
    quotes, escapes = np.flatnonzero(data == _QUOTE), _escapes(data)
    if len(escapes):
        inside = escapes[data[np.minimum(escapes + 1, len(data) - 1)] == _QUOTE] + 1
        quotes = np.delete(quotes, np.searchsorted(quotes, inside))
    return _Scan(data, bounds, quotes, escapes)


def _plain(scan: _Scan) -> npt.NDArray[np.bool_]:
    """Which records have balanced quotes, no control characters, only escapes that JSON needs, and braces around."""
    data, bounds = scan.data, scan.bounds
    starts, ends = bounds[:-1], bounds[1:]
    good: npt.NDArray[np.bool_] = ends - starts >= 2
    good[good] &= (data[starts[good]] == _OPEN) & (data[ends[good] - 1] == _CLOSE)
    controls = data < 32
    if controls.any():
        good[_record_of(np.flatnonzero(controls), bounds)] = False
    after = data[np.minimum(scan.escapes + 1, len(data) - 1)]
    good[_record_of(scan.escapes[~_ESCAPED[after]], bounds)] = False
    good &= np.diff(np.searchsorted(scan.quotes, bounds)) % 2 == 0
    return good


def _record_of(places: Places, bounds: Places) -> Places:
    found: Places = np.searchsorted(bounds, places, "right") - 1
    return found


def _escapes(data: Bytes) -> Places:
    """Where escapes begin: every other backslash of a run."""
    places = np.flatnonzero(data == _BACKSLASH)
    if not len(places):
        return places
    begins = np.concatenate([[True], np.diff(places) != 1])
    run = np.maximum.accumulate(np.where(begins, np.arange(len(places)), 0))
    found: Places = places[(np.arange(len(places)) - run) % 2 == 0]
    return found


def _apart(rows: Places, scan: _Scan) -> Block:
    """Take plain records apart."""
    data, bounds, quotes = scan.data, scan.bounds, scan.quotes
    opening, closing = quotes[::2], quotes[1::2]
    is_key = data[closing + 1] == _COLON
    begin, end, literal = _scalars(data, opening, closing, is_key)
    first = np.searchsorted(begin, bounds)
    null = literal & (data[begin] == _N)
    return Block(
        rows=rows,
        data=data,
        origin=bounds[:-1],
        starts=begin,
        ends=end,
        first=first,
        sound=_sound(data, begin, end, literal, first),
        null=null,
        escaped=_holding(scan.escapes, begin, end),
        skeletons=_skeletons(data, bounds, begin, end, first),
    )


def _scalars(
    data: Bytes, opening: Places, closing: Places, is_key: npt.NDArray[np.bool_]
) -> tuple[Places, Places, npt.NDArray[np.bool_]]:
    """Where the scalars stand, in order, and which of them are no strings; those in lists stay in the skeleton."""
    behind = closing[is_key] + 2
    bare = behind[~_COMPOSED[data[behind]]]
    until = bare.copy()
    open_ends = np.arange(len(bare))
    while len(open_ends):
        open_ends = open_ends[~_ENDS[data[until[open_ends]]]]
        until[open_ends] += 1
    begin, end = opening[~is_key] + 1, closing[~is_key]
    total = len(begin) + len(bare)
    literal = np.zeros(total, np.bool_)
    literal[np.searchsorted(begin, bare) + np.arange(len(bare))] = True
    starts, ends = np.empty(total, np.int64), np.empty(total, np.int64)
    starts[literal], ends[literal] = bare, until
    starts[~literal], ends[~literal] = begin, end
    return starts, ends, literal


def _sound(
    data: Bytes, starts: Places, ends: Places, literal: npt.NDArray[np.bool_], first: Places
) -> npt.NDArray[np.bool_]:
    """Which records have scalars that are JSON, and are written as they are read."""
    good = np.ones(len(first) - 1, np.bool_)
    which = np.flatnonzero(literal)
    words = cut(data, starts[which], ends[which]).cast(pa.large_string()).dictionary_encode()
    fine = pc.match_substring_regex(words.dictionary, CANONICAL).to_numpy(zero_copy_only=False)
    if not fine.all():
        bad = which[~fine[words.indices.to_numpy()]]
        good[_record_of(bad, first)] = False
    return good


def _holding(places: Places, starts: Places, ends: Places) -> Places:
    """The scalars that one of these places is in."""
    found = np.unique(np.searchsorted(starts, places, "right") - 1)
    return found[found >= 0] if len(ends) else found[:0]


def _skeletons(data: Bytes, bounds: Places, starts: Places, ends: Places, first: Places) -> pa.DictionaryArray:
    """What is left of each record without its scalars."""
    gaps = cut(data, np.concatenate([[0], ends]), np.concatenate([starts, [len(data)]]))
    taken = np.concatenate([[0], np.cumsum(ends - starts)])
    offsets = bounds - taken[first]
    buffers = [None, pa.py_buffer(offsets), gaps.buffers()[2]]
    return pa.Array.from_buffers(pa.large_binary(), len(bounds) - 1, buffers).dictionary_encode()


def cut(data: Bytes, starts: Places, ends: Places) -> pa.LargeBinaryArray:
    """Copy slices of the bytes into one array."""
    count = len(starts)
    if not count:
        return pa.array([], pa.large_binary())
    # An array of slices and what is between them, of which only the slices are ever read: they may stand in any order.
    bounds = np.empty(2 * count + 1, np.int64)
    bounds[:-1:2], bounds[1::2], bounds[-1] = starts, ends, len(data)
    both = pa.Array.from_buffers(pa.large_binary(), 2 * count, [None, pa.py_buffer(bounds), pa.py_buffer(data)])
    return both.take(pa.array(np.arange(0, 2 * count, 2)))
