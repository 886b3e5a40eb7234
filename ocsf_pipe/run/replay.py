"""Quarantined records mapped again, each moved over exactly once.

Which records a replay moves is written down before it begins (`_manifests/replay/<mapping>/<batch>.json`), so that a
replay that was cut off goes on with the same ones. Records that are refused again stay where they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.decode import FORMATS
from ocsf_pipe.engine.engine import Engine
from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake import QUARANTINE, Lake, Txn
from ocsf_pipe.mapping.catalogue import Listed
from ocsf_pipe.run.batch import check_plan, now
from ocsf_pipe.source import Records

ROOT = "_manifests/replay"
COLUMNS = "record_uid, partition, position, sub, raw, record"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one replay did: records looked at, moved over, refused again; rows by table."""

    looked_at: int
    moved: int
    refused: int
    events: dict[str, int]


@dataclass(slots=True)
class Replay:
    """The replay of one mapping's records in one lake."""

    lake: Lake
    listed: Listed
    limit: int = 100_000

    def run(self) -> Replayed:
        """Finish a replay that was cut off, then map every record again; raises LakeError."""
        total = Replayed(0, 0, 0, {})
        state = self.lake.resume("replay", self.listed.name, "quarantine")
        if state.pending is not None or self._manifest(state.next_batch) is not None:
            total = _sum(total, self._batch(state.next_batch, state.pending))
            state = self.lake.resume("replay", self.listed.name, "quarantine")
        return _sum(total, self._batch(state.next_batch, None))

    def _batch(self, batch: int, pending: Txn | None) -> Replayed:
        uids = self._manifest(batch)
        rows = self._rows(uids)
        engine = Engine(self.listed.plan)
        kept, records = _records(self.listed, engine, rows)
        origins = pc.take(rows["partition"].combine_chunks(), kept) if len(kept) else pa.array([], pa.string())
        txn = pending or self._txn(batch, len(kept))
        check_plan(self.lake, txn, self.listed.plan.digest)
        outcome = engine.run(records, clock=txn.clock, origin=origins)
        faulty = {fault.row for fault in outcome.faults}
        good = [i for i in range(len(records)) if i not in faulty]
        moved = pc.take(rows["record_uid"].combine_chunks(), pc.take(kept, pa.array(good, pa.int64())))
        done = Replayed(rows.num_rows, len(good), rows.num_rows - len(good), {})
        if not good and pending is None:
            return done
        if uids is None:
            self._write(batch, moved.to_pylist())
        if pending is None:
            self.lake.begin(txn)
        commits = self.lake.commit(txn, outcome.tables, replayed=moved)
        counts = {"records": 0, "written": len(good), "quarantined": -len(good), "dropped": outcome.dropped.total()}
        self.lake.finish(txn, {**counts, "tables": {**commits, QUARANTINE: -len(good)}})
        return Replayed(done.looked_at, done.moved, done.refused, dict(commits))

    def _txn(self, batch: int, count: int) -> Txn:
        return Txn("replay", self.listed.name, "quarantine", batch, self.listed.plan.digest, 0, count, now())

    def _rows(self, uids: Sequence[str] | None) -> pa.Table:
        """The records to map: those of the manifest, or all of this mapping."""
        if QUARANTINE not in self.lake.tables():
            return pa.table({name.strip(): pa.array([], pa.string()) for name in COLUMNS.split(",")})
        if uids is not None:
            query = f"select {COLUMNS} from {QUARANTINE} where record_uid in (select unnest(?)) order by record_uid"
            return self.lake.sql(query, [list(uids)])
        query = f"select {COLUMNS} from {QUARANTINE} where source = ? order by record_uid limit {self.limit}"
        return self.lake.sql(query, [self.listed.name])

    def _path(self, batch: int) -> str:
        return f"{ROOT}/{self.listed.name}/{batch:012d}.json"

    def _manifest(self, batch: int) -> list[str] | None:
        found = self.lake.store.get(self._path(batch))
        return None if found is None else list(json.loads(found))

    def _write(self, batch: int, uids: list[str]) -> None:
        if not self.lake.store.put_new(self._path(batch), json.dumps(uids).encode()):
            raise LakeError("another replay of this mapping is running", "wait for it, then start this one again")


def _sum(one: Replayed, two: Replayed) -> Replayed:
    events = {name: one.events.get(name, 0) + two.events.get(name, 0) for name in {*one.events, *two.events}}
    return Replayed(two.looked_at, one.moved + two.moved, two.refused, events)


def _records(listed: Listed, engine: Engine, rows: pa.Table) -> tuple[pa.Array, Records]:
    """The rows that can be decoded (by number) and their records, under their old positions."""
    kept: list[int] = []
    raws: list[str] = []
    texts: list[str] = []
    for number, row in enumerate(rows.to_pylist()):
        found = _decoded(listed, engine, row)
        if found is not None:
            kept.append(number)
            raws.append(found[0])
            texts.append(found[1])
    numbers = pa.array(kept, pa.int64())
    places = rows.take(numbers) if rows.num_rows else rows
    return numbers, Records(
        raw=pa.array(raws, pa.large_string()),
        json=pa.array(texts, pa.large_string()),
        position=places["position"].combine_chunks().cast(pa.int64()),
        sub=places["sub"].combine_chunks().cast(pa.int32()),
        end=0,
    )


def _decoded(listed: Listed, engine: Engine, row: dict[str, Any]) -> tuple[str, str] | None:
    """The raw text and the record of one row; None where it cannot be decoded into one record."""
    try:
        raw = row["raw"].decode()
    except UnicodeDecodeError:
        return None
    if row["record"] is not None:
        return raw, row["record"]
    wanted = listed.syntax.input
    if wanted.format == "json":
        return raw, raw
    found = FORMATS[wanted.format].parse(pa.array([row["raw"]], pa.large_binary()), wanted.settings)
    if len(found) != 1 or found.columns is not None:
        return None
    text = found.json if found.json is not None else found.raw
    return raw, text[0].as_py()
