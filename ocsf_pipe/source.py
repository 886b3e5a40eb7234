"""The connector contract: what a source hands over, and how it is resumed.

A connector yields `Batch`es of `Records` from resumable `Partition`s. It knows bytes and positions, never mappings,
engines or tables. How bytes become records is a decoder's business (`ocsf_pipe.decode`); the caller gives it to the
connector as a `Reader`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
    """

    raw: pa.LargeStringArray
    position: pa.Int64Array
    sub: pa.Int32Array
    end: int
    json: pa.LargeStringArray | None = None
    columns: pa.Table | None = None
    rejects: tuple[Reject, ...] = ()

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
    """One run of records with the offsets before and after it; reading from `start` again gives the same run first."""

    records: Records
    start: Offset
    next: Offset


class Reader(Protocol):
    """A decoder with its settings and limits filled in: bytes of one stream from its beginning, to records."""

    def __call__(self, stream: BinaryIO, *, resume_at: int = 0) -> Iterator[Records]:
        """Yield the records at or after `resume_at`; never raises for bad data."""
        ...


class Partition(Protocol):
    """One resumable stream. Never remembers anything that is not in the offset."""

    @property
    def id(self) -> str:
        """Name the stream: the same text for the same stream in every run, another for any other stream."""
        ...

    def next_batch(self) -> Batch | None:
        """Return the next records; None when there are none just now; raises StopIteration when there never will be."""
        ...

    def offset(self) -> Offset:
        """Return the first place *not* yet returned by `next_batch`."""
        ...

    def close(self) -> None:
        """Let go of the stream; may not be called on a crash."""
        ...


class Source(Protocol):
    """Something that holds partitions, such as a folder or a topic."""

    def partitions(self) -> Iterator[str]:
        """Yield the ids of the partitions that exist now, in a stable order."""
        ...

    def open(self, partition: str, offset: Offset = Offset()) -> Partition:
        """Open one partition at an offset; raises SourceError where it cannot be read."""
        ...
