"""Retention: days that are over leave a table in one commit, and the account of the lake says how many rows it was."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pyarrow as pa
from deltalake import DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import RemoveAction

from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake.attest import claim_of
from ocsf_pipe.lake.checkpoint import Checkpoints
from ocsf_pipe.lake.txn import Txn
from ocsf_pipe.lake.write import Writer, append, next_rewrite, removal

PIPELINE, SOURCE = "_retain", "lake"


@dataclass(frozen=True, slots=True)
class Retention:
    """What one retention took out of a table."""

    files: int
    rows: int


def retain(writer: Writer, checkpoints: Checkpoints, name: str, before: dt.date, clock: int) -> Retention:
    """Take the rows of all days before a day out of a table; their files stay until vacuum.

    The removal is a batch of its own in the write-ahead log, so that a crash anywhere leaves an account that adds up.
    Raises LakeError when another rewrite of the table is at work.
    """
    batch = _settled(writer, checkpoints, name)
    table = writer.table(name)
    old = [file for file in pa.table(table.get_add_actions()).to_pylist() if file["partition"]["event_day"] < before]
    if not old:
        return Retention(0, 0)
    rows = sum(file["num_records"] for file in old)
    txn = Txn(PIPELINE, SOURCE, name, batch, before.isoformat(), 0, rows, clock)
    checkpoints.begin(txn)
    _take_out(writer, name, table, old, txn)
    checkpoints.finish(txn, _counts(txn))
    return Retention(len(old), rows)


def _settled(writer: Writer, checkpoints: Checkpoints, name: str) -> int:
    """End what an earlier retention left half done, as what it became; return the next number.

    Whoever began it may only be slow. A rewrite of nothing comes before the question: his commit, which builds on what
    the table was before it, is refused from then on.
    """
    state = checkpoints.resume(PIPELINE, SOURCE, name)
    if state.pending is None:
        return state.next_batch
    if not writer.holds(name, state.pending):
        table = writer.table(name)
        _rewrite(writer, name, table, [], [next_rewrite(table)])
    checkpoints.finish(state.pending, _counts(state.pending) if writer.holds(name, state.pending) else {})
    return state.next_batch + 1


def _take_out(writer: Writer, name: str, table: DeltaTable, old: list[dict[str, object]], txn: Txn) -> None:
    apps = [Transaction(txn.app_id, txn.batch), next_rewrite(table)]
    _rewrite(writer, name, table, [removal(file, data_change=True) for file in old], apps)


def _rewrite(
    writer: Writer, name: str, table: DeltaTable, actions: list[RemoveAction], apps: list[Transaction]
) -> None:
    try:
        append(writer.store, name, table, actions, apps, claim_of("retain", [], actions))
    except CommitFailedError as failed:
        writer.open.pop(name, None)
        raise LakeError(f"another rewrite of `{name}` is at work", hint="let one finish, then try again") from failed


def taken(writer: Writer, pending: Txn) -> int:
    """Return the rows that a retention took out which died before it could say so; zero for any other batch."""
    if pending.pipeline != PIPELINE or not writer.holds(pending.partition, pending):
        return 0
    return pending.end - pending.start


def _counts(txn: Txn) -> dict[str, dict[str, int]]:
    return {"tables": {txn.partition: txn.start - txn.end}}
