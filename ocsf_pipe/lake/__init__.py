"""The lake: one Delta table per OCSF class, a quarantine, and the log that makes every batch arrive exactly once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocsf_pipe.errors import FencedError, LakeError, did_you_mean
from ocsf_pipe.lake.chain import Chain
from ocsf_pipe.lake.checkpoint import Checkpoints
from ocsf_pipe.lake.store import Store, open_store
from ocsf_pipe.lake.txn import Commits, State, Txn

if TYPE_CHECKING:
    import datetime as dt

    import duckdb
    import polars as pl
    import pyarrow as pa

    from ocsf_pipe.lake.chain import Tip
    from ocsf_pipe.lake.integrity import Anchor, Integrity, Partition
    from ocsf_pipe.lake.maintain import Compaction, TableStats, Verdict
    from ocsf_pipe.lake.retain import Retention
    from ocsf_pipe.lake.write import Writer

__all__ = ["QUARANTINE", "Commits", "FencedError", "Lake", "State", "Txn"]

QUARANTINE = "_quarantine"
INTEGRITY = "OCSF_PIPE_INTEGRITY"
"""`rows` (as if it were not set), `files` or `off`: how much of what is written is attested."""
SEAL_EVERY = 60.0
"""Seconds between two links of a table's chain."""


class Lake:
    """The tables under one folder or object store URL; LakeError when there is none and `create` is not set."""

    def __init__(
        self,
        path: str | Path,
        create: bool = False,  # noqa: FBT001, FBT002 - `Lake(path, True)` is not said, but need not be refused
        *,
        days_back: int = 3653,
        days_ahead: int = 2,
    ) -> None:
        """Open the lake; rows whose time is too many days from their arrival are filed under the arrival."""
        text = str(path)
        if "://" not in text:
            folder = Path(text).absolute()
            if create:
                folder.mkdir(parents=True, exist_ok=True)
            if not folder.is_dir():
                raise LakeError(
                    f"there is no lake at `{path}`", hint="name another folder, or ingest into this one first"
                )
            text = str(folder)
        self.where = text.rstrip("/")
        self.days_back, self.days_ahead = days_back, days_ahead
        self._sealed: dict[str, float] = {}

    @cached_property
    def store(self) -> Store:
        """The files of the lake."""
        return open_store(self.where)

    @cached_property
    def checkpoints(self) -> Checkpoints:
        """The write-ahead logs."""
        return Checkpoints(self.store)

    @cached_property
    def writer(self) -> Writer:
        """The way into the tables."""
        from ocsf_pipe.lake.days import Window
        from ocsf_pipe.lake.write import Writer

        window = Window(self.days_back, self.days_ahead)
        return Writer(self.where, self.store, window, level=os.environ.get(INTEGRITY, "rows"))

    @cached_property
    def chains(self) -> dict[str, Chain]:
        """The chains of the tables, so far as this process has been at them."""
        return {}

    # ------------------------------------------------------------------ batches

    def resume(self, pipeline: str, source: str, partition: str) -> State:
        """Return where the partition stands, and the batch left half done."""
        return self.checkpoints.resume(pipeline, source, partition)

    def begin(self, txn: Txn) -> None:
        """Write the intent of a batch, unless it is there as this very one; FencedError when another has it."""
        self.checkpoints.begin(txn)

    def commit(self, txn: Txn, tables: Mapping[str, pa.Table], *, replayed: pa.Array | None = None) -> Commits:
        """Write each table's rows in one Delta commit, unless it has this batch; return the rows of the batch by table.

        `replayed` are the `record_uid`s that leave the quarantine with this batch. They leave last, in the commit that
        also brings what the batch quarantines: a crash before that finds them still there.
        """
        commits = Commits({name: rows.num_rows for name, rows in tables.items()})
        for name in sorted(tables, key=lambda name: name == QUARANTINE):
            if tables[name].num_rows and not (name == QUARANTINE and replayed is not None):
                commits.implausible += self.writer.write(name, tables[name], [txn])
        if replayed is not None and len(replayed):
            again = tables.get(QUARANTINE)
            again = self._quarantine_schema().empty_table() if again is None else again
            commits.implausible += self.writer.write(QUARANTINE, again, [txn], replayed)
        self._seal_due(commits)
        return commits

    def commit_round(self, batches: Sequence[tuple[Txn, Mapping[str, pa.Table]]]) -> None:
        """Write the rows of batches of several partitions, those of each table in one Delta commit.

        A table that has all of its batches is left alone; FencedError where it has only some: another worker brings
        them one by one, and each is to be finished as it was begun.
        """
        from ocsf_pipe.lake.shape import together

        names = {name for _, tables in batches for name in tables}
        for name in sorted(names, key=lambda name: (name == QUARANTINE, name)):
            mine = [(txn, tables[name]) for txn, tables in batches if name in tables and tables[name].num_rows]
            if mine:
                rows = together([rows for _, rows in mine])
                rows = rows.combine_chunks() if len(mine) > 1 else rows  # many small pieces cost more than a copy
                self.writer.write(name, rows, [txn for txn, _ in mine])
        self._seal_due(names)

    def _seal_due(self, tables: Iterable[str]) -> None:
        for name in tables:
            if time.monotonic() - self._sealed.get(name, -SEAL_EVERY) >= SEAL_EVERY:
                self.seal(name)

    def seal(self, table: str) -> Tip | None:
        """Bind all commits of a table into its chain and return where that stands; None when there is no such table.

        Commits that no link has yet stand in the table's own log alone.
        """
        from deltalake.exceptions import TableNotFoundError

        try:
            version = self.writer.table(table).version()
        except TableNotFoundError:  # an empty batch made none
            return None
        self._sealed[table] = time.monotonic()
        return self.chains.setdefault(table, Chain(self.store, table)).seal(version)

    def finish(self, txn: Txn, counts: Mapping[str, Any]) -> None:
        """Mark the batch done; `counts` are numbers to sum up, under `tables` the change of rows in each."""
        self.checkpoints.finish(txn, counts)

    def holds(self, txn: Txn) -> list[str]:
        """Return the tables that already have this batch; a half-done batch with none may be mapped by a newer plan."""
        return [name for name in self.tables() if self.writer.holds(name, txn)]

    def _quarantine_schema(self) -> pa.Schema:
        from ocsf_pipe.lake.write import table_schema

        schema = table_schema(self.writer.table(QUARANTINE))
        return schema.remove(schema.get_field_index("event_day"))

    # ------------------------------------------------------------------ reading

    def tables(self) -> list[str]:
        """Return the names of the tables, sorted, the quarantine among them."""
        return [name for name in self.store.names("") if self.store.names(f"{name}/_delta_log")]

    def scan(self, table: str) -> pl.LazyFrame:
        """Return a table as a polars LazyFrame; LakeError when there is no such table."""
        from ocsf_pipe.lake import read

        frame: pl.LazyFrame = read.scan(self.where, self._known(table))
        return frame

    def sql(self, query: str, params: object = None) -> pa.Table:
        """Return what one reading statement gives over the tables as views; LakeError for anything else."""
        from ocsf_pipe.lake import read

        return read.query(self.where, self.tables(), query, params)

    def connect(
        self, tables: Iterable[str] | None = None, parts: Mapping[str, Sequence[str]] | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Return a DuckDB connection with tables (all if left out) as views; it reads no file outside the lake.

        `parts` are files of tables, by their paths in it: these alone are the view `_new_TABLE`.
        """
        from ocsf_pipe.lake import read

        there = self.tables()
        names = there if tables is None else [name for name in there if name in set(tables)]
        return read.connect(self.where, names, parts or {})

    def split(self, table: str, most: int) -> tuple[str, list[str]]:
        """Return SQL of a table's rows, and of up to `most` parts of them of about one size, for several processes."""
        from ocsf_pipe.lake import read

        return read.split(self.where, self._known(table), most)

    def version(self, table: str) -> int:
        """Return the version of a table: it grows with every commit."""
        return self.writer.table(table).version()

    def added(self, table: str, after: int | None, until: int) -> list[str] | None:
        """Return the files that brought rows after one version up to another; None where that cannot be told."""
        from ocsf_pipe.lake import changes

        return changes.added(self.store, table, self.writer.table(table), after, until)

    def _known(self, table: str) -> str:
        names = self.tables()
        if table not in names:
            near = did_you_mean(table, names) or f"there are: {', '.join(names) or 'none yet'}"
            raise LakeError(f"there is no table `{table}`", hint=near)
        return table

    # ------------------------------------------------------------------ upkeep

    def compact(self, table: str) -> Compaction:
        """Rewrite the small files of each day into few, sorted by time; readers see every row once throughout."""
        from ocsf_pipe.lake import maintain

        done = maintain.compact(self.writer, self._known(table))
        self.seal(table)
        return done

    def vacuum(self, table: str, hours: int = 168) -> list[str]:
        """Delete files that left the table more than so many hours ago; return their paths within the table."""
        from ocsf_pipe.lake import integrity, maintain

        deleted = maintain.vacuum(self.writer, self._known(table), hours)
        integrity.forget(self.writer, table)
        return deleted

    def retain(self, table: str, days: int) -> Retention:
        """Take all rows but those of today and so many days before out; LakeError while another rewrites the table."""
        import datetime as dt

        from ocsf_pipe.lake import retain

        now = dt.datetime.now(dt.UTC)
        before, clock = now.date() - dt.timedelta(days=days), int(now.timestamp() * 1000)
        done = retain.retain(self.writer, self.checkpoints, self._known(table), before, clock)
        self.seal(table)
        return done

    def verify(self) -> list[Verdict]:
        """Count the rows of every table anew and compare them with what all finished batches wrote."""
        from ocsf_pipe.lake import maintain

        return maintain.verify(self.writer, self.checkpoints, self.tables())

    def integrity(self, anchors: Mapping[str, Anchor] | None = None) -> list[Integrity]:
        """Check what every table holds against its chain, and the chains against heads that were kept elsewhere."""
        from ocsf_pipe.lake import integrity

        kept, there = anchors or {}, self.tables()
        gone = [integrity.vanished(name, kept[name]) for name in sorted(set(kept) - set(there))]
        return gone + [integrity.check(self.writer, name, kept.get(name)) for name in there]

    def partitions(self, table: str, first: dt.date, last: dt.date) -> list[Partition]:
        """Return the days of a table, both ends included, each with a hash of its files as they are on disk."""
        from ocsf_pipe.lake import integrity

        return integrity.partitions(self.writer, self._known(table), first.isoformat(), last.isoformat())

    def stats(self) -> list[TableStats]:
        """Return the size of every table."""
        from ocsf_pipe.lake import maintain

        return [maintain.stats(self.writer, name) for name in self.tables()]
