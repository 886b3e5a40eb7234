"""Upkeep of the tables: compaction, vacuum, recount, sizes. No reader sees a row twice or misses one meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction

from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake.attest import Claim, FileClaim, claim_of
from ocsf_pipe.lake.checkpoint import Checkpoints, add
from ocsf_pipe.lake.days import Day
from ocsf_pipe.lake.files import write_day
from ocsf_pipe.lake.retain import taken
from ocsf_pipe.lake.shape import conform
from ocsf_pipe.lake.write import Action, Writer, append, next_rewrite, read_file, removal, table_schema

# Compressed bytes that one rewrite holds; in memory it is five to ten times as much, twice while it sorts.
_FULL = 64 << 20
File = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Compaction:
    """What one compaction did: files taken out, files put in."""

    removed: int
    added: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rows of a table: `expected` by finished batches, `found` in its files; `pending`: a batch is half done."""

    table: str
    expected: int
    found: int
    pending: bool

    @property
    def holds(self) -> bool:
        """Return whether the numbers agree; a table with a half-done batch may have more."""
        return self.found == self.expected or (self.pending and self.found > self.expected)


@dataclass(frozen=True, slots=True)
class TableStats:
    """Size of a table; `first` and `last` are the lowest and highest `time` in epoch ms, None without rows."""

    table: str
    rows: int
    files: int
    size: int
    days: int
    first: int | None
    last: int | None


def compact(writer: Writer, name: str) -> Compaction:
    """Rewrite the small files of each day, one Delta commit a rewrite; LakeError when another compaction is at work."""
    removed = added = 0
    for files in list(_small(_files(writer.table(name)))):
        table = writer.table(name)
        actions, claim = _rewritten(writer, name, table, files)
        try:
            append(writer.store, name, table, actions, [next_rewrite(table)], claim)
        except CommitFailedError as failed:
            if not _arrived(writer, name, actions):
                raise LakeError(
                    f"another rewrite of `{name}` is at work", hint="let one finish, then try again"
                ) from failed
        removed, added = removed + len(files), added + 1
    return Compaction(removed, added)


def _arrived(writer: Writer, name: str, actions: Sequence[Action]) -> bool:
    """Read back what a refused commit did, and delete what it would have added where it did not arrive.

    An answer that is lost makes the commit be tried again, which is then refused for the sake of itself.
    """
    writer.open.pop(name, None)
    held = {file["path"] for file in _files(writer.table(name))}
    added = [action.path for action in actions if isinstance(action, AddAction)]
    for path in added:
        if path not in held:
            writer.store.delete(f"{name}/{path}")
    return all(path in held for path in added)


def vacuum(writer: Writer, name: str, hours: int) -> list[str]:
    """Delete the files that left the table more than so many hours ago; readers of older snapshots lose them."""
    return list(writer.table(name).vacuum(hours, dry_run=False, enforce_retention_duration=False))


def verify(writer: Writer, checkpoints: Checkpoints, tables: Sequence[str]) -> list[Verdict]:
    """Count the rows in the files themselves and compare with the totals of all partitions, table by table."""
    totals: dict[str, Any] = {}
    pending = []
    for _, counts, left in checkpoints.partitions():
        totals = add(totals, counts.get("tables", {}))
        pending += [left] if left else []
    return [
        Verdict(
            table=name,
            expected=totals.get(name, 0) - sum(taken(writer, left) for left in pending if left.partition == name),
            found=_count(writer, name) if name in tables else 0,
            pending=any(writer.holds(name, left) for left in pending),
        )
        for name in sorted({*tables, *totals})
    ]


def stats(writer: Writer, name: str) -> TableStats:
    """Return the size of one table from its log, opening no data file."""
    files = _files(writer.table(name))
    firsts = [file["min"]["time"] for file in files if (file.get("min") or {}).get("time") is not None]
    lasts = [file["max"]["time"] for file in files if (file.get("max") or {}).get("time") is not None]
    return TableStats(
        table=name,
        rows=sum(file["num_records"] for file in files),
        files=len(files),
        size=sum(file["size_bytes"] for file in files),
        days=len({_day(file) for file in files}),
        first=min(firsts, default=None),
        last=max(lasts, default=None),
    )


def _files(table: DeltaTable) -> list[File]:
    return list(pa.table(table.get_add_actions()).to_pylist())


def _day(file: File) -> dt.date:
    day: dt.date = file["partition"]["event_day"]
    return day


def _small(files: list[File]) -> Iterator[list[File]]:
    """Return groups of at least two files of one day that together are one file of full size at most."""
    small = sorted(
        (file for file in files if file["size_bytes"] < _FULL // 2), key=lambda file: (_day(file), file["path"])
    )
    for _, of_day in groupby(small, key=_day):
        group: list[File] = []
        for file in of_day:
            if sum(each["size_bytes"] for each in group) + file["size_bytes"] > _FULL:
                yield from [group] if len(group) > 1 else []
                group = []
            group.append(file)
        yield from [group] if len(group) > 1 else []


def _rewritten(writer: Writer, name: str, table: DeltaTable, files: list[File]) -> tuple[list[Action], Claim]:
    schema = table_schema(table)
    schema = schema.remove(schema.get_field_index("event_day"))
    rows = pa.concat_tables([conform(read_file(writer.store, name, file["path"]), schema) for file in files])
    if "time" in schema.names:
        rows = rows.take(pc.sort_indices(rows["time"]))
    new = write_day(writer.store, name, Day(_day(files[0]), rows), data_change=False, level=writer.files_level)
    gone = [removal(file, data_change=False) for file in files]
    made = FileClaim(new.action.path, new.rows, new.sha256, None, tuple(file["path"] for file in files))
    return [new.action, *gone], claim_of("compact", [made], gone)


def _count(writer: Writer, name: str) -> int:
    return sum(
        pq.ParquetFile(writer.store.reader(f"{name}/{file['path']}")).metadata.num_rows
        for file in _files(writer.table(name))
    )
