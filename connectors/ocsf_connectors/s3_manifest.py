"""The order in which objects are read, written to the lake before the first byte is read.

Every object version gets a span of positions of its own, as many as its unpacked text can have: 1100 bytes for each of
its bytes (gzip never gives more than 1032) and a mebibyte. A record's position is the start of the span plus its place
in the object. So one int64 serves 8 PB of packed objects, and an object may be of any size.

Groups of objects are files `objects-<number>` of the ledger, numbered without gap: a second worker that writes the same
number loses, and gives way. When all objects of some groups are in the lake, their digests go to a file
`seen-<day>-<first>-<last>` and the groups are deleted, but for the newest; a day of `seen` files goes when no object of
it can come again (`remember`, see `Manifest.forget`).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import zstandard

from ocsf_connectors.s3_seen import Seen, digest, split
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Ledger

PER_BYTE = 1100
SPARE = 1 << 20
_FOLD_GROUPS = 32
_FOLD_OBJECTS = 5000
_MERGE_FILES = 32
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One object version, or the `body` of a message that names none, and its span of positions [start, end)."""

    bucket: str
    key: str
    etag: str
    version: str = ""
    size: int = 0
    body: str = ""
    start: int = 0
    end: int = 0

    def identity(self) -> bytes:
        """Name the version: a queue and a listing that tell of the same bytes agree on it."""
        return digest("message", self.body) if self.body else digest(self.bucket, self.key, self.etag)

    def place(self) -> str:
        """Name the object for people."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Group:
    """Objects that were written down at once, and how far the listings were then."""

    number: int
    end: int
    entries: tuple[Entry, ...]
    listing: Mapping[str, Any]


@dataclass(slots=True)
class Manifest:
    """What was taken in so far; `waiting` gives the end of each version that is not in the lake yet."""

    ledger: Ledger
    groups: list[Group] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)
    waiting: dict[bytes, int] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """The first position that no object has."""
        return self.groups[-1].end if self.groups else 0

    @property
    def listing(self) -> Mapping[str, Any]:
        """How far the listings were when the newest group was written."""
        return self.groups[-1].listing if self.groups else {}

    def load(self, offset: int) -> list[Entry]:
        """Read the ledger and return the objects that end behind `offset`; SourceError where it does not reach."""
        names = self.ledger.names()
        self.groups = self._chain(names)
        for name in names:
            if name.startswith("seen-"):
                self.seen.add(name.split("-")[1], split(self.ledger.get(name) or b""))
        for group in self.groups:
            self.seen.add(_today(), (entry.identity() for entry in group.entries))
        if offset > self.end:
            raise SourceError(
                f"the lake holds records up to position {offset}, but the list of objects ends at {self.end}",
                "bring the ledger of the source back, or give the source a new name",
            )
        ahead = [entry for group in self.groups for entry in group.entries if entry.end > offset]
        self.waiting = {entry.identity(): entry.end for entry in ahead}
        return ahead

    def _chain(self, names: Sequence[str]) -> list[Group]:
        """The groups from the newest back to the first gap; what is before is the leftover of one that gave way."""
        chain: list[Group] = []
        for name in sorted((name for name in names if name.startswith("objects-")), reverse=True):
            data = self.ledger.get(name)
            number = int(name.removeprefix("objects-"))
            if data is None or (chain and number != chain[-1].number - 1):
                break
            chain.append(_group(number, data))
        return chain[::-1]

    def append(self, found: Sequence[Entry], listing: Mapping[str, Any]) -> list[Entry]:
        """Write objects down and return them with their spans; SourceError when another worker was before."""
        at, entries = self.end, []
        for entry in found:
            end = at + entry.size * PER_BYTE + SPARE
            entries.append(replace(entry, start=at, end=end))
            at = end
        group = Group(self.groups[-1].number + 1 if self.groups else 0, at, tuple(entries), dict(listing))
        self._write(group)
        self.groups.append(group)
        self.seen.add(_today(), (entry.identity() for entry in entries))
        self.waiting |= {entry.identity(): entry.end for entry in entries}
        return entries

    def _write(self, group: Group) -> None:
        name, nonce = f"objects-{group.number:012d}", uuid.uuid4().hex
        data = _packed(group, nonce)
        try:
            new = self.ledger.put_new(name, data)
        except OSError:  # the answer is lost, not necessarily the write: what is there decides
            new = self.ledger.get(name) == data
            if not new and self.ledger.get(name) is None:
                raise
        newest = max(each for each in self.ledger.names() if each.startswith("objects-"))
        if new and newest != name:  # a worker that slept: its number was used and deleted meanwhile
            self.ledger.delete(name)
        if not new or newest != name:
            raise SourceError(
                "another worker reads the same source", "let one worker have it; this one goes on behind what is there"
            )

    def acknowledge(self, offset: int) -> None:
        """Take note that everything before `offset` is in the lake; folds groups once there are enough."""
        self.waiting = {one: end for one, end in self.waiting.items() if end > offset}
        done = [group for group in self.groups[:-1] if group.end <= offset]
        if len(done) >= _FOLD_GROUPS or sum(len(group.entries) for group in done) >= _FOLD_OBJECTS:
            self._fold(done)

    def _fold(self, done: Sequence[Group]) -> None:
        name = f"seen-{_today()}-{done[0].number:012d}-{done[-1].number:012d}"
        self.ledger.put_new(name, b"".join(entry.identity() for group in done for entry in group.entries))
        for group in done:
            self.ledger.delete(f"objects-{group.number:012d}")
        self.groups = self.groups[len(done) :]
        self._merge()

    def _merge(self) -> None:
        """Make one file of the many of a day; a crash in the middle leaves digests twice, which changes nothing."""
        mine = [name for name in self.ledger.names() if name.startswith(f"seen-{_today()}-")]
        if len(mine) < _MERGE_FILES:
            return
        numbers = [part for name in mine for part in name.split("-")[2:]]
        merged = f"seen-{_today()}-{min(numbers)}-{max(numbers)}"
        self.ledger.put_new(merged, b"".join(self.ledger.get(name) or b"" for name in mine))
        for name in mine:
            if name != merged:
                self.ledger.delete(name)

    def forget(self, floor_ms: int) -> None:
        """Forget what came before `floor_ms`, less a day for clocks that differ."""
        day = _day(floor_ms - DAY_MS)
        self.seen.forget_before(day)
        for name in self.ledger.names():
            if name.startswith("seen-") and name.split("-")[1] < day:
                self.ledger.delete(name)


def _packed(group: Group, nonce: str) -> bytes:
    rows = [[e.bucket, e.key, e.etag, e.version, e.size, e.body, e.start, e.end] for e in group.entries]
    body = {"nonce": nonce, "end": group.end, "listing": group.listing, "objects": rows}
    return zstandard.compress(orjson.dumps(body))


def _group(number: int, data: bytes) -> Group:
    told = orjson.loads(zstandard.decompress(data))
    return Group(number, told["end"], tuple(Entry(*row) for row in told["objects"]), told["listing"])


def _today() -> str:
    return _day(time.time_ns() // 1_000_000)


def _day(at_ms: int) -> str:
    return time.strftime("%Y%m%d", time.gmtime(max(at_ms, 0) / 1000))
