"""Batches for the tests of the lake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from ocsf_pipe.lake import Lake, Txn

NOW = 1_770_000_000_000  # 2026-02-02T02:40:00Z
DAY = 86_400_000


def txn(batch: int, *, partition: str = "0", pipeline: str = "p") -> Txn:
    """Return a batch of ten positions."""
    return Txn(pipeline, "okta", partition, batch, "plan", batch * 10, batch * 10 + 10, NOW)


def rows(*given: dict[str, Any]) -> pa.Table:
    """Return a table of the given rows; `time` is now unless told."""
    return pa.Table.from_pylist([{"time": NOW, **row} for row in given])


def uids(*names: str) -> pa.Table:
    """Return rows that differ by their record_uid."""
    return rows(*({"record_uid": name} for name in names))


def run(lake: Lake, batch: Txn, tables: dict[str, pa.Table], replayed: Sequence[str] | None = None) -> None:
    """Take one batch through the whole protocol."""
    lake.begin(batch)
    leave = None if replayed is None else pa.array(replayed)
    commits = lake.commit(batch, tables, replayed=leave)
    change = dict(commits)
    if replayed:
        change["_quarantine"] = change.get("_quarantine", 0) - len(replayed)
    lake.finish(batch, {"records": sum(commits.values()), "tables": change})


def held(lake: Lake, table: str) -> list[str]:
    """Return the record_uids in a table, sorted."""
    return sorted(lake.sql(f"select record_uid from {table}")["record_uid"].to_pylist())
