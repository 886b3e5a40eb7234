"""Records → engine → lake: one batch, mapped and committed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TypeAlias

import pyarrow as pa

from ocsf_pipe.engine.outcome import Fault, Outcome
from ocsf_pipe.engine.parts import joined, origins_of
from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake import QUARANTINE, Lake, Txn
from ocsf_pipe.lake.shape import together
from ocsf_pipe.mapping.catalogue import Listed
from ocsf_pipe.memory import give_back
from ocsf_pipe.run.contents import text_table
from ocsf_pipe.run.pipeline import TEXTS
from ocsf_pipe.run.quarantine import Refused
from ocsf_pipe.run.recognise import UNKNOWN, Engines, sorted_out
from ocsf_pipe.run.report import Report
from ocsf_pipe.source import Records


class UnaccountedError(LakeError):
    """The account of a batch does not add up."""


AT_ONCE = 64 << 20
"""Bytes of raw records that one query maps: running it costs 0.1 CPU s whatever it maps, and more takes more memory."""
Kind: TypeAlias = tuple[object, ...]
"""What runs have in common that one query can map: their mapping and their columns."""


@dataclass(slots=True)
class Waiting:
    """Runs of one batch that one query can map, each of one partition; `size` is the bytes of their raw records."""

    listed: Listed
    runs: list[Records] = field(default_factory=list)
    partitions: list[str] = field(default_factory=list)
    size: int = 0

    def hold(self, run: Records, partition: str) -> None:
        """Have one more wait."""
        self.runs.append(run)
        self.partitions.append(partition)
        self.size += run.raw.nbytes

    def whole(self) -> tuple[Records, pa.StringArray]:
        """The runs as one, and the partition of each record."""
        return joined(self.runs), origins_of(self.runs, self.partitions)


@dataclass(slots=True)
class Mapped:
    """The tables of one batch, gathered run by run, and its account.

    Runs wait until `finish`, so that many small ones that go to the same mapping are mapped by one query, with those of
    other batches.
    """

    clock: int
    engines: Engines
    tables: dict[str, list[pa.Table]] = field(default_factory=dict)
    report: Report = field(default_factory=Report)
    waiting: dict[Kind, Waiting] = field(default_factory=dict)

    def add(
        self, records: Records, mappings: Sequence[Listed], partition: str, *, sure: bool = True, named: bool = False
    ) -> None:
        """Take one run of one partition; what was rejected before it came here goes to the quarantine.

        A single mapping takes all records where it is `sure` that they are its own. Unless the mappings were `named`
        and have no content, what none of them reads may be content all the same.
        """
        guarded = not named or any(listed.plan.content for listed in mappings)
        if records.rejects:
            refused = self._refused(mappings[0] if mappings else None, partition, guarded=guarded)
            self._keep(QUARANTINE, refused.table(records, (), records.rejects))
            self.report.records += len(records.rejects)
            self.report.quarantined.update(refused.reason(reject.reason) for reject in records.rejects)
        for listed, mine in sorted_out(replace(records, rejects=()), mappings, self.engines, sure=sure):
            self.report.records += len(mine)
            if listed is None:
                faults = [Fault(row, "", "", UNKNOWN) for row in range(len(mine))]
                self._refuse(self._refused(None, partition, guarded=guarded), mine, faults)
            elif len(mine):
                columns = tuple(mine.columns.column_names) if mine.columns is not None else None
                kind = (listed.name, columns, mine.json is None)
                waiting = self.waiting.setdefault(kind, Waiting(listed))
                waiting.hold(mine, partition)
                if waiting.size >= AT_ONCE:
                    del self.waiting[kind]
                    _map([self], [waiting])
                    give_back()

    def take(self, listed: Listed, records: Records, origins: pa.StringArray, outcome: Outcome) -> None:
        """Take what a mapping made of some records of these partitions."""
        self.report.mappings[listed.name] += len(records)
        self._take(outcome)
        by_partition: dict[str, list[Fault]] = {}
        for fault in outcome.faults:
            by_partition.setdefault(origins[fault.row].as_py(), []).append(fault)
        for partition, faults in by_partition.items():
            guarded = bool(listed.plan.content)
            self._refuse(self._refused(listed, partition, guarded=guarded), records, faults)

    def _refused(self, listed: Listed | None, partition: str, *, guarded: bool) -> Refused:
        vault = self.engines.vault if guarded else None
        if listed is None:
            return Refused("", partition, "", self.clock, vault)
        return Refused(listed.name, partition, listed.plan.digest, self.clock, vault)

    def _take(self, outcome: Outcome) -> None:
        for name, table in outcome.tables.items():
            self._keep(name, table)
            self.report.events[name] += table.num_rows
        texts = text_table(outcome, self.engines.vault)
        if texts is not None:
            self._keep(TEXTS, texts)
        self.report.written += outcome.written
        self.report.dropped.update(outcome.dropped)
        self.report.failed.update(outcome.failed)

    def _refuse(self, refused: Refused, records: Records, faults: Sequence[Fault]) -> None:
        if faults:
            self._keep(QUARANTINE, refused.table(records, faults))
            self.report.quarantined.update(fault.reason for fault in faults)

    def _keep(self, name: str, table: pa.Table) -> None:
        self.tables.setdefault(name, []).append(table)

    def whole(self) -> dict[str, pa.Table]:
        """Hand over one table per name; runs of different mappings may have different columns."""
        found = {}
        while self.tables:  # what is put together is let go of at once: a batch is held once, not twice
            name, parts = self.tables.popitem()
            found[name] = together(parts)
        return found


def finish(batches: Sequence[Mapped]) -> None:
    """Map what waits in batches of the same clock and engines, all that one query can map by one query.

    Raises UnaccountedError unless every record read is written, quarantined or dropped.
    """
    kinds = dict.fromkeys(kind for batch in batches for kind in batch.waiting)
    for kind in kinds:
        holding = [batch for batch in batches if kind in batch.waiting]
        while holding:
            some = _at_once(holding, kind)
            _map(some, [batch.waiting.pop(kind) for batch in some])
            holding = holding[len(some) :]
    for batch in batches:
        if batch.report.missing:
            missing = f"{batch.report.missing} of {batch.report.records} records"
            raise UnaccountedError(
                f"{missing} are neither written nor quarantined nor dropped",
                "this is a fault of the program; nothing of this batch was committed",
            )


def _at_once(batches: Sequence[Mapped], kind: Kind) -> Sequence[Mapped]:
    """As many of the first batches as one query maps."""
    sizes = accumulate(batch.waiting[kind].size for batch in batches)
    return batches[: max(1, sum(size <= AT_ONCE for size in sizes))]


def _map(batches: Sequence[Mapped], waiting: Sequence[Waiting]) -> None:
    """Map what waited in each of some batches, by one query."""
    listed, clock, engines = waiting[0].listed, batches[0].clock, batches[0].engines
    runs, origins = zip(*(some.whole() for some in waiting), strict=True)
    outcomes = engines.of(listed).run_each(runs, clock=clock, origins=origins, shaped=_shaped)
    for batch, records, told, outcome in zip(batches, runs, origins, outcomes, strict=True):
        batch.take(listed, records, told, outcome)


def _shaped(table: pa.Table) -> pa.Table:
    """A table with the types of the lake."""
    return together([table])


def settle(lake: Lake, txn: Txn, mapped: Mapped, *, pending: bool) -> None:
    """Commit one batch under its intent and mark it done; a table that has it already is left alone."""
    finish([mapped])
    tables = mapped.whole()
    if not pending:
        lake.begin(txn)
    commits = lake.commit(txn, tables)
    lake.finish(txn, {**mapped.report.counts(), "tables": dict(commits)})


def now() -> int:
    """The time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def resumed(lake: Lake, batch: int, pending: Txn | None, digest: str) -> tuple[int, Txn | None]:
    """The number of the next batch, and the half-done one if it is to go on as it began.

    One that would not give what it gave (`digest`: other mappings, files, detectors) ends empty where no table has a
    part of it; raises LakeError where one has.
    """
    if pending is None or pending.plan == digest:
        return batch, pending
    if lake.holds(pending):
        raise LakeError(
            f"batch {batch} of `{pending.app_id}` was half written by another version of its mapping or files",
            "run it once with the mappings, files and detectors that it began with, then with those of now",
        )
    lake.finish(replace(pending, end=pending.start), Report().counts())
    return batch + 1, None
