"""Quarantined records mapped again, each moved over exactly once.

Which records a replay moves, and the counts of it, are written down before it begins
(`_manifests/replay/<mapping>/<batch>-<nonce>.json`), so that a replay that was cut off goes on with the same ones.
Records that are refused again stay where they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.content.vault import Vault
from ocsf_pipe.decode import FORMATS
from ocsf_pipe.engine.engine import Engine
from ocsf_pipe.engine.outcome import Outcome
from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake import QUARANTINE, Lake, Txn
from ocsf_pipe.mapping.catalogue import Listed
from ocsf_pipe.run.batch import now, resumed
from ocsf_pipe.run.contents import text_table, vault_of
from ocsf_pipe.run.pipeline import TEXTS
from ocsf_pipe.run.quarantine import opened
from ocsf_pipe.run.recognise import pick
from ocsf_pipe.source import Records

PIPELINE = "replay"
PARTITION = "quarantine"
ROOT = "_manifests/replay"
COLUMNS = "record_uid, source, partition, position, sub, raw, record"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one replay did: records looked at, moved over, refused again; rows by table.

    unreadable: those of the refused that were sealed with a key that is not here.
    """

    looked_at: int
    moved: int
    refused: int
    events: dict[str, int]
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Mapped:
    """What came of some rows of the quarantine: how many were this mapping's, and those that leave, by `record_uid`."""

    looked_at: int
    moved: pa.Array
    outcome: Outcome
    unreadable: int = 0

    def counts(self) -> dict[str, Any]:
        """The account as a checkpoint keeps it: what leaves the quarantine is taken off its count."""
        count, dropped = len(self.moved), self.outcome.dropped.total()
        tables = {name: table.num_rows for name, table in self.outcome.tables.items()}
        account = {"records": 0, "written": count - dropped, "quarantined": -count, "dropped": dropped}
        return {**account, "tables": {**tables, QUARANTINE: -count}}


@dataclass(slots=True)
class Replay:
    """The replay of one mapping's records in one lake, and of those that nothing recognised and this mapping does."""

    lake: Lake
    listed: Listed
    limit: int = 20_000
    vault: Vault | None = None
    engine: Engine = field(init=False)
    _digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Make the engine; raises MappingError."""
        vault = self.vault = self.vault or vault_of(self.lake)
        self.engine = Engine(self.listed.plan, sealer=lambda: vault.sealer)
        self._digest = vault.digest(self.listed.plan)

    def run(self) -> Replayed:
        """Finish a replay that was cut off, then map every record again; raises LakeError."""
        state = self.lake.resume(PIPELINE, self.listed.name, PARTITION)
        _, pending = resumed(self.lake, state.next_batch, state.pending, self._digest)
        total = Replayed(0, 0, 0, {}) if pending is None else self._again(pending)
        last: str | None = ""
        while last is not None:
            done, last = self._page(last)
            total = _sum(total, done)
        return total

    def _page(self, after: str) -> tuple[Replayed, str | None]:
        """Move what maps of the next records; with their last `record_uid`, None when there are no more."""
        rows = self._rows("source in (?, '') and record_uid > ?", [self.listed.name, after])
        last = rows["record_uid"][-1].as_py() if rows.num_rows == self.limit else None
        clock = now()
        mapped = self._mapped(rows, clock)
        count = len(mapped.moved)
        if not count:
            return Replayed(mapped.looked_at, 0, mapped.looked_at, {}, mapped.unreadable), last
        batch = self.lake.resume(PIPELINE, self.listed.name, PARTITION).next_batch
        txn = Txn(PIPELINE, self.listed.name, PARTITION, batch, self._digest, 0, count, clock)
        body = {"uids": mapped.moved.to_pylist(), "counts": mapped.counts()}
        self.lake.store.put_new(self._path(txn), json.dumps(body).encode())
        self.lake.begin(txn)
        return self._commit(txn, mapped, mapped.counts()), last

    def _again(self, txn: Txn) -> Replayed:
        """Finish the batch that was cut off: the same records by the same plan."""
        found = self.lake.store.get(self._path(txn))
        if found is None:
            raise LakeError(f"the manifest `{self._path(txn)}` is gone", "restore it from a backup of the lake")
        body = json.loads(found)
        rows = self._rows("list_contains(?, record_uid)", [body["uids"]], len(body["uids"]))
        return self._commit(txn, self._mapped(rows, txn.clock), body["counts"])

    def _commit(self, txn: Txn, mapped: Mapped, counts: dict[str, Any]) -> Replayed:
        """Commit what has not arrived; records that left the quarantine already are in every table."""
        if len(mapped.moved):
            self.lake.commit(txn, mapped.outcome.tables, replayed=mapped.moved)
        self.lake.finish(txn, counts)
        events = {name: count for name, count in counts["tables"].items() if name != QUARANTINE}
        refused = mapped.looked_at - len(mapped.moved)
        return Replayed(mapped.looked_at, txn.end, refused, events, mapped.unreadable)

    def _mapped(self, rows: pa.Table, clock: int) -> Mapped:
        vault = self.vault or vault_of(self.lake)
        kept, records, unreadable = _records(self.listed, rows, vault)
        own = pc.equal(rows["source"].combine_chunks(), self.listed.name)
        unknown = pc.sum(pc.invert(own)).as_py() or 0
        if unknown:  # what no mapping recognised is looked at where this one recognises it now
            mine = pc.or_(own.take(kept), self.engine.recognised(records))
            index = pc.indices_nonzero(mine).cast(pa.int64())
            kept, records = kept.take(index), pick(records, index)
        origins = rows["partition"].combine_chunks().take(kept)
        outcome = self.engine.run(records, clock=clock, origin=origins)
        texts = text_table(outcome, vault)
        if texts is not None:
            outcome.tables[TEXTS] = texts
        faulty = {fault.row for fault in outcome.faults}
        good = pa.array([row for row in range(len(records)) if row not in faulty], pa.int64())
        moved = rows["record_uid"].combine_chunks().take(kept.take(good))
        strangers = len(kept) - (pc.sum(own.take(kept)).as_py() or 0)
        return Mapped(rows.num_rows - unknown + strangers, moved, outcome, unreadable)

    def _rows(self, where: str, params: list[object], limit: int | None = None) -> pa.Table:
        """Rows of the quarantine in the order of `record_uid`."""
        if QUARANTINE not in self.lake.tables():
            return pa.table({name.strip(): pa.array([], pa.string()) for name in COLUMNS.split(",")})
        order = f"order by record_uid limit {self.limit if limit is None else limit}"
        return self.lake.sql(f"select {COLUMNS} from {QUARANTINE} where {where} {order}", params)

    def _path(self, txn: Txn) -> str:
        return f"{ROOT}/{self.listed.name}/{txn.batch:012d}-{txn.nonce}.json"


def _sum(one: Replayed, two: Replayed) -> Replayed:
    events = {name: one.events.get(name, 0) + two.events.get(name, 0) for name in {*one.events, *two.events}}
    looked_at, moved, refused = one.looked_at + two.looked_at, one.moved + two.moved, one.refused + two.refused
    return Replayed(looked_at, moved, refused, events, one.unreadable + two.unreadable)


def _records(listed: Listed, rows: pa.Table, vault: Vault) -> tuple[pa.Array, Records, int]:
    """The rows that can be decoded (by number), their records under their old positions, and how many stay shut."""
    unreadable = 0
    kept: list[int] = []
    raws: list[str] = []
    texts: list[str] = []
    for number, row in enumerate(rows.to_pylist()):
        try:
            found = _decoded(listed, opened(vault, row))
        except ValueError:
            unreadable += row["source"] == listed.name
            continue
        if found is not None:
            kept.append(number)
            raws.append(found[0])
            texts.append(found[1])
    numbers = pa.array(kept, pa.int64())
    places = rows.take(numbers) if rows.num_rows else rows
    records = Records(
        raw=pa.array(raws, pa.large_string()),
        json=pa.array(texts, pa.large_string()),
        position=places["position"].combine_chunks().cast(pa.int64()),
        sub=places["sub"].combine_chunks().cast(pa.int32()),
        end=0,
    )
    return numbers, records, unreadable


def _decoded(listed: Listed, row: dict[str, Any]) -> tuple[str, str] | None:
    """The raw text and the record of one row; None where it cannot be decoded into one record."""
    try:
        raw = row["raw"].decode()
    except UnicodeDecodeError:
        return None
    if row["record"] is not None:
        return raw, row["record"]
    wanted = listed.head
    if wanted.format == "json":
        return raw, raw
    found = FORMATS[wanted.format].parse(pa.array([row["raw"]], pa.large_binary()), wanted.settings)
    if len(found) != 1 or found.columns is not None:
        return None
    text = found.json if found.json is not None else found.raw
    return raw, text[0].as_py()
