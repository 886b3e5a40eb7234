"""Batches into one table: Parquet files first, then one Delta commit that carries the number of each."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from ocsf_pipe.errors import FencedError, LakeError
from ocsf_pipe.lake.attest import KEY, Claim, FileClaim, Written, claim_of, put_digests
from ocsf_pipe.lake.days import Day, Window, by_day
from ocsf_pipe.lake.files import write_day
from ocsf_pipe.lake.rowhash import row_digests
from ocsf_pipe.lake.shape import conform, lake_schema, merged
from ocsf_pipe.lake.store import Store
from ocsf_pipe.lake.txn import Txn

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_ATTEMPTS = 10
# A commit reads every one since the last checkpoint; at the hundred that is usual it takes twice as long as the first.
_TABLE = {"delta.checkpointInterval": "20"}
# Delta lets two commits remove the same file when both only append otherwise. Everything that removes files
# therefore also carries a number under this name, and the second of two is refused.
REWRITE = "_rewrite"
Action = AddAction | RemoveAction


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes batches into the tables of one lake; keeps each table open, so it may not cross a fork."""

    where: str
    store: Store
    window: Window
    open: dict[str, DeltaTable] = field(default_factory=dict)
    level: str = "rows"

    @property
    def files_level(self) -> str:
        """How much is attested of files that are made of others: their rows were attested when they came."""
        return "off" if self.level == "off" else "files"

    def table(self, name: str) -> DeltaTable:
        """Return the table in its newest version; TableNotFoundError when there is none."""
        known = self.open.get(name)
        if known is None:
            known = self.open[name] = DeltaTable(f"{self.where}/{checked(name)}")
        else:
            known.update_incremental()
        return known

    def holds(self, name: str, txn: Txn) -> bool:
        """Return whether the table already has this batch, or a later one of its partition."""
        try:
            return _has(self.table(name), txn)
        except TableNotFoundError:
            return False

    def write(self, name: str, data: pa.Table, txns: Sequence[Txn], remove: pa.Array | None = None) -> int:
        """Commit the rows of batches, once; return how many were filed under the day of arrival for want of a time.

        With `remove`, rows whose `record_uid` is in it leave the table in the same commit. A table that already has
        all the batches is left alone, and so is one that another worker gives them meanwhile; FencedError where it has
        some of them only.
        """
        data = conform(data, lake_schema(data.schema))
        days, implausible = by_day(data, txns[0].clock, self.window)
        added: list[Written] = []
        for _ in range(_ATTEMPTS):
            # The commit below builds on this very snapshot: Delta then refuses it when the same batch arrives between.
            table = self._fitted(name, data.schema)
            have = [_has(table, txn) for txn in txns]
            if all(have):
                return implausible
            if any(have):
                self._drop(name, added)
                raise FencedError(
                    f"another worker has brought {sum(have)} of {len(have)} batches to `{name}`",
                    hint="let one worker own a partition; each batch is finished on its own now",
                )
            added = added or [write_day(self.store, name, day, level=self.level) for day in days]
            if self._commit(name, table, txns, added, remove):
                return implausible
        raise LakeError(f"table `{name}` was changed by others {_ATTEMPTS} times during one commit", hint="try again")

    def _commit(
        self, name: str, table: DeltaTable, txns: Sequence[Txn], added: list[Written], remove: pa.Array | None
    ) -> bool:
        """Try one commit; True when the table has the batches afterwards, whoever brought them."""
        rewrite = rewrite_without(self, name, table, remove) if remove is not None else Rewrite()
        apps = [Transaction(txn.app_id, txn.batch) for txn in txns]
        apps += [next_rewrite(table)] if rewrite.removed else []
        actions: list[Action] = [one.action for one in (*added, *rewrite.written)]
        claim = claim_of("append" if remove is None else "replay", [*added, *rewrite.claims], rewrite.removed)
        try:
            append(self.store, name, table, [*actions, *rewrite.removed], apps, claim)
        except (CommitFailedError, DeltaError, OSError) as failed:
            return self._settle(name, txns, added, rewrite.written, failed)
        return True

    def _settle(
        self, name: str, txns: Sequence[Txn], added: list[Written], rewritten: Sequence[Written], failed: Exception
    ) -> bool:
        """Read back what a failed commit did: our files in the table mean it arrived; drop those that are not in it."""
        table = self.open[name] = DeltaTable(f"{self.where}/{name}")
        arrived = set(pa.table(table.get_add_actions())["path"].to_pylist())
        taken = all(self.holds(name, txn) for txn in txns)
        lost = [one for one in (*rewritten, *(added if taken else ())) if one.action.path not in arrived]
        self._drop(name, lost)
        if not taken and not isinstance(failed, CommitFailedError):
            raise LakeError(
                f"table `{name}` takes no commit: {failed}", hint="the batch is run again by a restart"
            ) from failed
        return taken

    def _drop(self, name: str, written: Sequence[Written]) -> None:
        """Delete files that came into no table."""
        for one in written:
            self.store.delete(f"{name}/{one.action.path}")
            if one.digests is not None:
                self.store.delete(one.digests.path)

    def _fitted(self, name: str, schema: pa.Schema) -> DeltaTable:
        """Return the table in its newest version, made if need be, with all these columns; several may try at once."""
        failed: Exception | None = None
        for _ in range(_ATTEMPTS):
            try:
                return self._try_fit(name, schema)
            except (CommitFailedError, DeltaError) as again:
                self.open.pop(name, None)
                failed = again
        raise LakeError(f"table `{name}` takes no columns: {failed}", hint="look for other writers of this lake")

    def _try_fit(self, name: str, schema: pa.Schema) -> DeltaTable:
        partitioned = schema.append(pa.field("event_day", pa.date32()))
        try:
            table = self.table(name)
        except TableNotFoundError:
            where = f"{self.where}/{checked(name)}"
            DeltaTable.create(
                where, Schema.from_arrow(partitioned), "ignore", partition_by=["event_day"], configuration=_TABLE
            )
            table = self.table(name)
        have = table_schema(table)
        wanted = merged(have, partitioned)
        if wanted != have:
            write_deltalake(table, wanted.empty_table(), mode="append", schema_mode="merge")
            table = self.table(name)
        return table


def _has(table: DeltaTable, txn: Txn) -> bool:
    version = table.transaction_version(txn.app_id)
    return version is not None and version >= txn.batch


def checked(name: str) -> str:
    """Return the name when it can be a table's; LakeError otherwise: it becomes a folder and a view."""
    if not _NAME.fullmatch(name):
        raise LakeError(f"`{name}` is no name of a table", hint="use lower-case letters, digits and _")
    return name


def table_schema(table: DeltaTable) -> pa.Schema:
    """Return the table's columns with the types that the lake stores, `event_day` among them."""
    return lake_schema(pa.schema(table.schema().to_arrow()))


def append(
    store: Store, name: str, table: DeltaTable, actions: Sequence[Action], apps: list[Transaction], claim: Claim
) -> None:
    """Make one durable Delta commit of ready files; the table is in its new version afterwards."""
    table.create_write_transaction(
        list(actions),
        "append",
        table.schema(),
        ["event_day"],
        commit_properties=CommitProperties(
            custom_metadata={KEY: claim.to_json()}, app_transactions=apps, max_commit_retries=_ATTEMPTS
        ),
    )
    table.update_incremental()
    store.settle(f"{name}/_delta_log/{table.version():020d}.json")


def next_rewrite(table: DeltaTable) -> Transaction:
    """Return the number that only one rewrite of this version of the table can take."""
    return Transaction(REWRITE, (table.transaction_version(REWRITE) or 0) + 1)


@dataclass(slots=True)
class Rewrite:
    """Files written anew without some of their rows, what is said of them, and those that they take the place of."""

    written: list[Written] = field(default_factory=list)
    claims: list[FileClaim] = field(default_factory=list)
    removed: list[RemoveAction] = field(default_factory=list)


def rewrite_without(writer: Writer, name: str, table: DeltaTable, uids: pa.Array) -> Rewrite:
    """Take the rows with these `record_uid`s out: each file that has one is written anew."""
    wanted = pa.array(uids).cast(pa.large_string())
    done = Rewrite()
    for file in pa.table(table.get_add_actions()).to_pylist():
        rows = read_file(writer.store, name, file["path"])
        leaves = pc.is_in(rows["record_uid"], value_set=wanted)
        kept = rows.filter(pc.invert(leaves))
        if kept.num_rows == rows.num_rows:
            continue
        done.removed.append(removal(file, data_change=True))
        if kept.num_rows:
            one = write_day(writer.store, name, Day(file["partition"]["event_day"], kept), level=writer.files_level)
            taken = None
            if writer.level == "rows":
                digests = row_digests(rows.filter(leaves))
                taken = put_digests(writer.store, name, f"{one.action.path}.taken", digests)
            done.written.append(one)
            done.claims.append(FileClaim(one.action.path, one.rows, one.sha256, None, (file["path"],), taken))
    return done


def removal(file: dict[str, object], *, data_change: bool) -> RemoveAction:
    """Return the action that takes a file out of the table; the file itself stays until vacuum."""
    partition = file["partition"]
    day = str(partition["event_day"]) if isinstance(partition, dict) else None
    return RemoveAction(
        path=str(file["path"]),
        data_change=data_change,
        deletion_timestamp=time.time_ns() // 1_000_000,
        size=int(str(file["size_bytes"])),
        partition_values={"event_day": day},
    )


def read_file(store: Store, name: str, path: str) -> pa.Table:
    """Return the rows of one file of a table with the types that the lake stores, without `event_day`."""
    rows = pq.ParquetFile(store.reader(f"{name}/{path}")).read()
    return conform(rows, lake_schema(rows.schema))
