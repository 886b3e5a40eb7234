"""JSON values in a stream of text, found by brackets and strings alone; nothing is parsed.

A record is a top-level object, an element of a top-level array, or whatever else stands at the top level. Broken text
is a record too: whether a record is JSON is for the engine to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ocsf_pipe.decode.format import Limits
from ocsf_pipe.decode.framing import Head, Hoard, broken_at, chunks, from_pieces, text_records
from ocsf_pipe.source import BrokenStream, Records, Reject

QUOTE, BACKSLASH, COMMA, OPEN_LIST = 34, 92, 44, 91
_DEPTH = np.zeros(256, np.int8)
_DEPTH[[91, 123]], _DEPTH[[93, 125]] = 1, -1
_MARKS = np.zeros(256, np.bool_)
_MARKS[[QUOTE, BACKSLASH, COMMA, 91, 93, 123, 125]] = True

Octets = npt.NDArray[np.uint8]
Indexes = npt.NDArray[np.int64]


@dataclass(slots=True)
class Scanner:
    """Finds the boundaries of top-level values in consecutive chunks; holds what one chunk leaves open."""

    depth: int = 0
    in_list: bool = False
    in_string: bool = False
    escape: bool = False

    def scan(self, octets: Octets) -> tuple[Indexes, Octets]:
        """Return where boundaries stand in this chunk, and which character each is.

        A boundary is a bracket that opens or closes a top-level object or array, or a comma between the elements of
        a top-level array. A closing bracket that nothing opened is no boundary.
        """
        marks = np.flatnonzero(_MARKS[octets])
        kinds = octets[marks]
        quotes = self._quotes(marks, kinds, octets)
        places = marks[(kinds != QUOTE) & (kinds != BACKSLASH)]
        inside = (np.searchsorted(quotes, places) + self.in_string) % 2 == 1
        self.in_string = bool((len(quotes) + self.in_string) % 2)
        places = places[~inside]
        return self._boundaries(places, octets[places])

    def _quotes(self, marks: Indexes, kinds: Octets, octets: Octets) -> Indexes:
        """Return the quotes that open or close a string: those behind no odd run of backslashes."""
        slashes = marks[kinds == BACKSLASH]
        quotes = marks[kinds == QUOTE]
        if not len(slashes):
            escaped = np.array([0] if self.escape else [], np.int64)
            self.escape = False
        else:
            escaped = self._escaped(slashes, len(octets))
        free: Indexes = quotes[~np.isin(quotes, escaped)]
        return free

    def _escaped(self, slashes: Indexes, length: int) -> Indexes:
        """Return the places right behind an odd run of backslashes, runs from the chunk before included."""
        first = np.flatnonzero(np.diff(slashes, prepend=-2) != 1)
        starts = slashes[first]
        runs = np.diff(first, append=len(slashes))
        behind = starts + runs
        odd = (runs + ((starts == 0) & self.escape)) % 2 == 1
        escaped: Indexes = behind[odd]
        if self.escape and starts[0] != 0:
            escaped = np.concatenate([[0], escaped])
        self.escape = bool(behind[-1] == length and odd[-1])
        return escaped

    def _boundaries(self, places: Indexes, chars: Octets) -> tuple[Indexes, Octets]:
        steps = _DEPTH[chars]
        free = self.depth + np.cumsum(steps, dtype=np.int64)
        after = free - np.minimum.accumulate(np.minimum(free, 0)) if len(free) else free
        before = np.concatenate([[self.depth], after[:-1]]) if len(free) else free
        opens = (before == 0) & (steps == 1)
        latest = np.maximum.accumulate(np.where(opens, np.arange(len(places)), -1)) if len(free) else free
        in_list = np.where(latest >= 0, chars[latest] == OPEN_LIST, self.in_list) if len(free) else opens
        closes = (before == 1) & (after == 0)
        wanted = opens | closes | ((steps == 0) & (before == 1) & in_list)
        if len(free):
            self.depth, self.in_list = int(after[-1]), bool(in_list[-1])
        return places[wanted], chars[wanted]


@dataclass(slots=True)
class _Assembly:
    """Pieces between boundaries, put together over chunks."""

    limits: Limits
    at: int
    whole: bool = False  # the piece in hand is an object, with its brackets
    pieces: list[bytes] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    open: Hoard = field(init=False)

    def __post_init__(self) -> None:
        self.open = Hoard(self.at, self.limits.keep)

    def feed(self, data: bytes, marks: Indexes, chars: Octets) -> None:
        """Cut one chunk at its boundaries; what is behind the last one stays open."""
        done = 0
        for mark, char in zip(marks.tolist(), chars.tolist(), strict=True):
            if char == 123:  # {: what is before it is no part of the object
                self._close(data, done, mark)
                done, self.whole = mark, True
            elif char == 125 or (self.whole and char == 93):
                self._close(data, done, mark + 1)
                done, self.whole = mark + 1, False
            else:
                self._close(data, done, mark)
                done = mark + 1
        self.open.add(memoryview(data)[done:])
        self.at += len(data)

    def _close(self, data: bytes, start: int, end: int) -> None:
        if self.open.length:
            self.open.add(memoryview(data)[start:end])
            self.finish()
        else:
            self._piece(data[start:end], self.at + start)
        self.open = Hoard(self.at + end, self.limits.keep)

    def finish(self) -> None:
        """Take the piece in hand as complete."""
        if self.open.length > self.limits.max_record:
            self.rejects.append(self.open.reject(self.limits.max_record))
        else:
            self._piece(self.open.take(), self.open.position)
        self.open = Hoard(self.open.position + self.open.length, self.limits.keep)

    def _piece(self, piece: bytes, position: int) -> None:
        body = piece.lstrip(b" \t\r\n,")
        if body:
            self.pieces.append(body.rstrip(b" \t\r\n"))
            self.places.append(position + len(piece) - len(body))

    def records(self) -> Records:
        """Hand over what is complete; it ends where the open piece begins."""
        found, places = from_pieces(self.pieces), np.array(self.places, np.int64)
        run = text_records(found, places, self.open.position, self.limits, self.rejects)
        self.pieces, self.places, self.rejects = [], [], []
        return run


def read_values(stream: Head, start: int, limits: Limits) -> Iterator[Records]:
    """Yield the values of a stream that stands at `start`, each as the exact text it has there."""
    scanner, made = Scanner(), _Assembly(limits, start)
    for chunk in chunks(stream, limits.chunk_bytes):
        if isinstance(chunk, BrokenStream):
            made.finish()
            made.rejects.append(broken_at(made.at, chunk))
            break
        made.feed(chunk, *scanner.scan(np.frombuffer(chunk, np.uint8)))
        if made.pieces or made.rejects:
            yield made.records()
    made.finish()
    yield made.records()


def from_position(runs: Iterator[Records], resume_at: int) -> Iterator[Records]:
    """Leave out what stands before `resume_at`."""
    for run in runs:
        if run.end <= resume_at and not (run.rejects and run.rejects[-1].position >= resume_at):
            continue
        keep = np.flatnonzero(run.position.to_numpy() >= resume_at)
        rejects = tuple(r for r in run.rejects if r.position >= resume_at)
        if len(keep) == len(run) and len(rejects) == len(run.rejects):
            yield run
        else:
            yield picked(run, keep, rejects)


def picked(run: Records, keep: Indexes, rejects: tuple[Reject, ...]) -> Records:
    """Return the records at the given indexes and the given rejects."""
    rows = pa.array(keep, pa.int64())
    json = None if run.json is None else run.json.take(rows)
    columns = None if run.columns is None else run.columns.take(rows)
    return Records(run.raw.take(rows), run.position.take(rows), run.sub.take(rows), run.end, json, columns, rejects)
