"""Records → engine → lake: one batch, mapped and committed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from ocsf_pipe.engine.outcome import Fault, Outcome
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


@dataclass(slots=True)
class Mapped:
    """The tables of one batch, gathered run by run, and its account.

    Runs wait until `finish`, so that many small ones that go to the same mapping are mapped by one query.
    """

    clock: int
    engines: Engines
    tables: dict[str, list[pa.Table]] = field(default_factory=dict)
    report: Report = field(default_factory=Report)
    waiting: dict[tuple[object, ...], list[tuple[Listed, Records, str]]] = field(default_factory=dict)

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
                runs = self.waiting.setdefault((listed.name, columns, mine.json is None), [])
                runs.append((listed, mine, partition))
                if sum(waiting.raw.nbytes for _, waiting, _ in runs) >= AT_ONCE:
                    self._map(runs)
                    runs.clear()
                    give_back()

    def finish(self) -> None:
        """Map what waits; raises UnaccountedError unless every record read is written, quarantined or dropped."""
        for runs in self.waiting.values():
            if runs:
                self._map(runs)
        self.waiting = {}
        if self.report.missing:
            missing = f"{self.report.missing} of {self.report.records} records"
            raise UnaccountedError(
                f"{missing} are neither written nor quarantined nor dropped",
                "this is a fault of the program; nothing of this batch was committed",
            )

    def _map(self, runs: list[tuple[Listed, Records, str]]) -> None:
        listed = runs[0][0]
        records = joined([records for _, records, _ in runs])
        origins = pa.concat_arrays([pa.repeat(pa.scalar(name), len(part)) for _, part, name in runs])
        outcome = self.engines.of(listed).run(records, clock=self.clock, origin=origins)
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


def joined(runs: Sequence[Records]) -> Records:
    """Runs of the same shape as one; positions stay those of each run's own stream."""
    if len(runs) == 1:
        return runs[0]
    return Records(
        raw=pa.concat_arrays([run.raw for run in runs]),
        position=pa.concat_arrays([run.position for run in runs]),
        sub=pa.concat_arrays([run.sub for run in runs]),
        end=runs[-1].end,
        json=None if runs[0].json is None else pa.concat_arrays([run.json for run in runs]),
        columns=None if runs[0].columns is None else pa.concat_tables([run.columns for run in runs]),
    )


def settle(lake: Lake, txn: Txn, mapped: Mapped, *, pending: bool) -> None:
    """Commit one batch under its intent and mark it done; a table that has it already is left alone."""
    mapped.finish()
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
