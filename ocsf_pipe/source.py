"""The connector contract: what a source hands over, and how it is resumed.

A connector is one module with `SETTINGS`, the JSON Schema of what a pipeline file may say about it, and
`connect(settings, context)`, which gives a `Source`. A source yields `Batch`es of `Records` from resumable
`Partition`s. It knows bytes and positions, never mappings, engines or tables. How bytes become records is a
`Decoder`'s business; the pipeline gives one with the context.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa


class BrokenStream(EOFError):  # noqa: N818 - it names what happened to the stream, as EOFError's kin
    """The bytes of a stream end before their container says so, or cannot be unpacked.

    Raised by `read` of a stream only after everything that could be unpacked was returned. Decoders turn it into one
    `Reject` at the break; it never reaches the caller of a decoder.
    """


@dataclass(frozen=True, slots=True)
class Reject:
    """One record that cannot be decoded at all.

    `position` and `sub` name the place as in `Records`; `raw` is what came in, as bytes; `reason` is lower case.
    """

    position: int
    sub: int
    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Records:
    """A run of records of one stream, in order; every record read is here once, in `raw` or in `rejects`.

    raw: what came in, one record a row, never null, valid UTF-8.
    json: the record as JSON text where `raw` is not that itself; same length.
    columns: or the record as text columns, all large_string, null where unset; same length; never both.
    position: byte offset of the record in the (unpacked) stream, or its ordinal where bytes have no meaning.
    sub: ordinal of the record inside the thing at that position; zero unless one thing holds several records.
    rejects: what is not in `raw`, in order of position.
    end: the first position *not* covered by this run; reading again from here gives what follows and nothing else.
    format: the name of the input format that read it, where its reader knows several; empty otherwise.
    """

    raw: pa.LargeStringArray
    position: pa.Int64Array
    sub: pa.Int32Array
    end: int
    json: pa.LargeStringArray | None = None
    columns: pa.Table | None = None
    rejects: tuple[Reject, ...] = ()
    format: str = ""

    def __post_init__(self) -> None:
        """Hold the shape: equal lengths, and at most one of `json` and `columns`."""
        if self.json is not None and self.columns is not None:
            raise ValueError("records carry json or columns, not both")
        parts = [self.position, self.sub, self.json, self.columns]
        lengths = {len(self.raw)} | {len(part) for part in parts if part is not None}
        if len(lengths) != 1:
            raise ValueError(f"records of unequal lengths: {sorted(lengths)}")

    def __len__(self) -> int:
        """Count the records that could be decoded; rejects are not among them."""
        return len(self.raw)


@dataclass(frozen=True, slots=True, order=True)
class Offset:
    """A place in a partition: the first position *not* yet returned. Plain data, so that a checkpoint can hold it."""

    position: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Some runs of records with the offsets before and after them; reading from `start` again gives the same first.

    `runs` may be empty where positions hold nothing, such as the control records of a log. `next` is the `end` of the
    last run or behind it, and no record of a later batch stands before it.
    """

    runs: tuple[Records, ...]
    start: Offset
    next: Offset


class Reader(Protocol):
    """A decoder with its settings and limits filled in: bytes of one stream from its beginning, to records."""

    def __call__(self, stream: BinaryIO, *, resume_at: int = 0) -> Iterator[Records]:
        """Yield the records at or after `resume_at`; never raises for bad data."""
        ...


class Decoder(Protocol):
    """How the bytes of a source become records. It is stateless to the connector, and may be used by many threads."""

    def read(self, stream: BinaryIO, name: str, *, resume_at: int = 0) -> Iterator[Records]:
        """Yield the records of one stream from `resume_at` on; never raises for bad data.

        `stream` stands at its beginning and must be seekable to there; `name` (a file name or key) helps to tell what
        is inside. `position` of the records is the byte offset in the stream.
        """
        ...

    def parse(
        self, messages: pa.LargeBinaryArray, positions: pa.Int64Array, end: int, kind: str = ""
    ) -> tuple[Records, ...]:
        """Return the records of messages that are whole documents; never raises for bad data.

        `positions` are those of the messages, rising; several records of one message share its position and differ in
        `sub`. `end` becomes the `end` of the last run. `kind` names the input format where the transport says it
        (`otlp`, `otlp_protobuf`, `hec`, `syslog`, `parquet`, ...); empty lets the messages tell.
        """
        ...


class Ledger(Protocol):
    """A few small durable files in the lake that belong to one source: what a connector must know after a crash."""

    def put_new(self, name: str, data: bytes) -> bool:
        """Write a file that is not there yet, whole and durable; False when there is one, which stays as it is."""
        ...

    def get(self, name: str) -> bytes | None:
        """Return a file's bytes; None when there is no such file."""
        ...

    def names(self) -> list[str]:
        """Return the names of the files, sorted."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file; a file that is not there is no error."""
        ...


class Cipher(Protocol):
    """Makes bytes unreadable on disk. `about` names where they lie and must be the same to open as it was to seal."""

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """Return the sealed form of some bytes."""
        ...

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Return the bytes again; raises ValueError where they are not what was sealed."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What the pipeline gives a connector.

    pipeline, source: the names they have in the pipeline file. decoder: how bytes become records. ledger: durable notes
    in the lake. state: a local folder of this source's own, which exists (a spool lies there). stop: set when the
    pipeline wants to end; whoever waits, waits on it. max_record: bytes beyond which a record is a reject. gap: to be
    called with a partition and a number of positions that ought to be there and are gone at the far end. cipher: what a
    source that keeps records on local disk has to seal them with; None where they may lie there as they are.
    """

    pipeline: str
    source: str
    decoder: Decoder
    ledger: Ledger
    state: Path
    stop: threading.Event = field(default_factory=threading.Event)
    max_record: int = 16 << 20
    gap: Callable[[str, int], None] = lambda _partition, _positions: None
    cipher: Cipher | None = None


class Partition(Protocol):
    """One resumable stream. Never remembers anything that is not in the offset."""

    @property
    def id(self) -> str:
        """Name the stream: the same text for the same stream in every run, another for any other stream."""
        ...

    def next_batch(self) -> Batch | None:
        """Return the next records; None when there are none just now; raises StopIteration when there never will be.

        Returns soon: it may not wait for a far end longer than a second. Hands over some 16 MiB at most, unless one
        record is longer. Raises SourceError or OSError where the far end fails; the caller waits and opens it anew.
        """
        ...

    def offset(self) -> Offset:
        """Return the first place *not* yet returned by `next_batch`."""
        ...

    def acknowledge(self, offset: Offset) -> None:
        """Take note that everything before `offset` is in the lake; may be called again, or never, on a crash."""
        ...

    def lag(self) -> int | None:
        """Return how much is known to wait behind `offset()`, in positions; None where that is not known."""
        ...

    def close(self) -> None:
        """Let go of the stream; may not be called on a crash."""
        ...


class Source(Protocol):
    """Something that holds partitions, such as a folder or a topic."""

    def partitions(self) -> Sequence[str]:
        """Return the ids of the partitions that are this worker's now, in a stable order.

        Asked again every second or so: what is missing from a later answer was lost to another worker or is finished.
        Raises SourceError or OSError where the far end fails.
        """
        ...

    def open(self, partition: str, offset: Offset = Offset()) -> Partition:
        """Open one partition at an offset; raises SourceError where it cannot be read."""
        ...

    def close(self) -> None:
        """Let go of everything; may not be called on a crash."""
        ...
