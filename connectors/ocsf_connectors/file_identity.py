"""Which file is which, whatever it is called: by inode where that lasts, by what is inside where it does not.

A file's first line is its head; the last 4 KiB before the place that was read up to are its tail. A file is the one
that was known when both are where they were. So a rename, a copy and a packed copy are all found again, and a new file
on an old inode, or one that was cut and written anew, is not taken for it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

from ocsf_connectors.unpacked import Unpacked, packing
from ocsf_pipe.source import BrokenStream

WINDOW = 4096
EVTX = b"ElfFile\0"
# The headers of an EVTX file and of its first chunk change while it grows; the first record does not.
_FIRST_RECORD = 4096 + 512
_RECORD = b"\x2a\x2a\0\0"
_DOCUMENT = (EVTX, b"\xff\xfe", b"\xfe\xff", b"<?xml", b"<Events", b"[")
_PIECE = 1 << 18

Key = tuple[int, int]
"""Device and inode."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands before a place in a file's text: `digest` of the up to 4 KiB that end at `end`."""

    end: int
    digest: str


@dataclass(slots=True, eq=False)
class Entry:
    """One file that was ever followed, under the id that its partition has in the lake.

    key: where it was seen last; None when its inode holds something else now. begin: the first position that is wanted.
    done: everything up to `stamp` (size and time of change) is in the lake. seen: when, in seconds since 1970.
    short: what is left of it is a copy, of which more may have been read than it has.
    copy_of: the id of the entry that it looks like a copy of, until that is cut or the two are told apart.
    """

    id: str
    path: str
    key: Key | None
    head: Mark
    tail: Mark | None = None
    begin: int = 0
    done: bool = False
    stamp: tuple[int, int] | None = None
    seen: float = 0.0
    copy_of: str | None = None
    short: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Entry:
        """Return what `to_json` gave."""
        pairs = {name: tuple(data[name]) if data[name] else None for name in ("key", "stamp")}
        tail = Mark(**data["tail"]) if data["tail"] else None
        return Entry(**{**data, **pairs, "head": Mark(**data["head"]), "tail": tail})


class Look:
    """A look into a file: how it is written, its head, and whether it holds what a mark says."""

    def __init__(self, path: str, handle: int | None = None) -> None:
        """Open the file, or look through a handle of it; raises OSError where it cannot be opened."""
        self.path = path
        self._file = open(path if handle is None else os.dup(handle), "rb", buffering=0)  # noqa: SIM115, PTH123
        stat = os.fstat(self._file.fileno())
        self.key: Key = (stat.st_dev, stat.st_ino)
        self.size = stat.st_size
        self.stamp = (stat.st_size, stat.st_mtime_ns)
        first = os.pread(self._file.fileno(), WINDOW, 0)
        self.packing = packing(first[:4])
        self.document = self.packing is None and is_document(first)
        self._first = self._unpacked_head() if self.packing else first
        self._base = _FIRST_RECORD if first.startswith(EVTX) else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def head(self, *, whole: bool) -> Mark | None:
        """Return the mark behind the first line, or 4 KiB of a document; None while it is shorter.

        `whole`: all there is will do.
        """
        if self._base:
            return self._first_record()
        end = 0 if self.document else self._first.find(b"\n") + 1
        if not end and (len(self._first) == WINDOW or (whole and self._first)):
            end = len(self._first)
        return Mark(end, digest(self._first[:end])) if end else None

    def holds(self, marks: Iterable[Mark | None]) -> bool:
        """Whether every mark is where it says."""
        wanted = {mark.end: mark.digest for mark in marks if mark is not None}
        return wanted == self.digests(wanted.keys())

    def digests(self, ends: Iterable[int]) -> dict[int, str]:
        """Return the digests before the given places, for those that the text reaches."""
        if self.packing:
            return self._unpacked_digests(sorted(ends))
        return {end: digest(self.window(end)) for end in ends if end <= self.size}

    def ending(self) -> tuple[int, str]:
        """Return how long the text is, and the digest of its end; all of a packed file is unpacked for that."""
        if not self.packing:
            return self.size, digest(self.window(self.size))
        length, kept = 0, b""
        with self._stream() as stream:
            while piece := _read(stream, _PIECE):
                length, kept = length + len(piece), (kept + piece)[-WINDOW:]
        return length, digest(kept)

    def begins(self, other: Look) -> bool:
        """Whether this text and that of `other` are the same as far as the shorter one goes, by the end of it."""
        length, end = self.ending()
        theirs, their_end = other.ending()
        if length <= theirs:
            return other.digests([length]).get(length) == end
        return self.digests([theirs]).get(theirs) == their_end

    def last_line(self) -> Mark:
        """Return the mark behind the last line feed of a file that is not packed."""
        end = line_end(self._file.fileno(), 0, self.size)
        return Mark(end, digest(self.window(end)))

    def window(self, end: int) -> bytes:
        """Return the up to 4 KiB that end at a place of a file that is not packed."""
        return window(self._file.fileno(), end, self._base)

    def _first_record(self) -> Mark | None:
        start = os.pread(self._file.fileno(), 8, _FIRST_RECORD)
        size = int.from_bytes(start[4:], "little")
        if not start.startswith(_RECORD) or not 8 < size <= 1 << 16:
            return None
        return Mark(_FIRST_RECORD + size, digest(self.window(_FIRST_RECORD + size)))

    def _stream(self) -> Unpacked:
        assert self.packing is not None  # noqa: S101 - for the type checker
        return Unpacked(open(self.path, "rb"), self.packing)  # noqa: PTH123 - Unpacked closes it

    def _unpacked_head(self) -> bytes:
        with self._stream() as stream:
            return _read(stream, WINDOW)

    def _unpacked_digests(self, ends: list[int]) -> dict[int, str]:
        """Unpack once, up to the last of the places."""
        found: dict[int, str] = {}
        with self._stream() as stream:
            at, kept = 0, b""
            for end in ends:
                while at < end and (piece := _read(stream, min(_PIECE, end - at))):
                    at, kept = at + len(piece), (kept + piece)[-WINDOW:]
                if at == end:
                    found[end] = digest(kept)
        return found


def is_document(first: bytes) -> bool:
    """Whether a file is no list of lines, so that it can be read only when nobody is writing it."""
    return first.startswith(_DOCUMENT) or first.split(b"\n", 1)[0].strip() == b"{"


def line_end(handle: int, start: int, end: int) -> int:
    """Return the place behind the last line feed between two places; `start` where there is none."""
    while end > start:
        begin = max(start, end - _PIECE)
        found = os.pread(handle, end - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return start


def window(handle: int, end: int, base: int = 0) -> bytes:
    """Return the up to 4 KiB of a file that end at a place and do not start before `base`."""
    start = max(base, end - WINDOW)
    return os.pread(handle, end - start, start)


def digest(data: bytes) -> str:
    """Name some bytes."""
    return hashlib.sha256(data).hexdigest()[:32]


def _read(stream: Unpacked, count: int) -> bytes:
    got = b""
    try:
        while len(got) < count and (piece := stream.read(count - len(got))):
            got += piece
    except BrokenStream:
        pass
    return got
