"""What a decoder is: a name, a way to recognise its format, and two ways to read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa

from ocsf_pipe.pieces import joined
from ocsf_pipe.source import Records, Reject

Settings = Mapping[str, Any]
"""`input.settings` of a mapping: what the author says about the format, in the format's own words."""

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is held at once, in bytes.

    chunk_bytes: how much is read before records are handed over.
    max_record: a longer record is a Reject.
    keep: such a Reject holds its bytes up to this; beyond it the first MiB, and hash and length in the reason.
    """

    chunk_bytes: int = 16 * MIB
    max_record: int = 16 * MIB
    keep: int = 64 * MIB


DEFAULT_LIMITS = Limits()


class Read(Protocol):
    """Read a stream from its beginning and yield the records at or after `resume_at`; never raises for bad data."""

    def __call__(
        self, stream: BinaryIO, settings: Settings, *, resume_at: int = 0, limits: Limits = DEFAULT_LIMITS
    ) -> Iterator[Records]:
        """See the class."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """One input format.

    sniff: whether the head of a stream (64 KiB or less) looks like this format, given file name and settings.
    read: a stream to records, see `Read`.
    parse: messages that are whole documents (Kafka, HTTP) to records; `position` is the index of the message.
    """

    name: str
    sniff: Callable[[bytes, str, Settings], bool]
    read: Read
    parse: Callable[[pa.LargeBinaryArray, Settings], Records]


def parse_by_reading(read: Read, messages: pa.LargeBinaryArray, settings: Settings) -> Records:
    """Parse each message as a stream of its own; `position` is its index, `sub` the ordinal of the record in it."""
    parts, rejects = [], []
    for index, message in enumerate(messages):
        sub = 0
        for run in read(BytesIO(message.as_py() or b""), settings):
            parts.append(_placed(run, index, sub))
            rejects += [Reject(index, sub + len(run) + i, r.raw, r.reason) for i, r in enumerate(run.rejects)]
            sub += len(run) + len(run.rejects)
    return concat(parts, tuple(rejects), len(messages))


def _placed(run: Records, index: int, sub: int) -> Records:
    subs = pa.array(np.arange(sub, sub + len(run), dtype=np.int32))
    return Records(run.raw, pa.array(np.full(len(run), index, np.int64)), subs, index + 1, run.json, run.columns)


def concat(parts: Sequence[Records], rejects: tuple[Reject, ...], end: int) -> Records:
    """Join runs into one with the given rejects and end; columns that a run lacks are null in it."""
    raw = joined([p.raw for p in parts], pa.large_string())
    position = joined([p.position for p in parts], pa.int64())
    sub = joined([p.sub for p in parts], pa.int32())
    json = joined([p.json for p in parts], pa.large_string()) if any(p.json is not None for p in parts) else None
    tables = [p.columns for p in parts if p.columns is not None]
    columns = pa.concat_tables(tables, promote_options="default").combine_chunks() if tables else None
    return Records(raw, position, sub, end, json, columns, rejects)
