"""A plan, run by whichever engine is quicker: few records are interpreted, many go through DuckDB.

Planning the query of a large mapping takes a second or more; interpreting a record takes a millisecond. Both engines
mean the same, which the tests hold them to.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa

from ocsf_pipe.content.keys import Keyring
from ocsf_pipe.content.seal import Sealer
from ocsf_pipe.engine import reference
from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.engine.outcome import Outcome
from ocsf_pipe.engine.parts import Origin, Shaped, as_it_is, reshaped
from ocsf_pipe.engine.tables import columns_by_table
from ocsf_pipe.ops.types import Type
from ocsf_pipe.plan.nodes import Path, Plan
from ocsf_pipe.source import Records

FEW = 400
"""Up to so many records are interpreted, as long as the query has not been planned anyway."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SCALARS = {
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", "UTC"),
}


class Engine:
    """Runs one plan over batches of any size; not safe for two threads at once."""

    def __init__(self, plan: Plan, threads: int | None = None, sealer: Callable[[], Sealer] | None = None) -> None:
        """Plan nothing yet; `threads` are DuckDB's, all cores if None.

        `sealer` seals the records of a plan that has content; without it, one with a key that is forgotten.
        """
        self.plan = plan
        self._sealer = (sealer or (lambda: Sealer(Keyring.fresh())))() if plan.content else None
        self._threads = threads
        self._duck: DuckEngine | None = None
        self._seen = 0

    @property
    def duck(self) -> DuckEngine:
        """The DuckDB engine, made when first needed."""
        if self._duck is None:
            self._duck = DuckEngine(self.plan, self._threads)
        return self._duck

    def expand(self, records: Records) -> Records:
        """Take documents apart into records where the mapping has an envelope."""
        if not self.plan.records or records.columns is not None:
            return records
        return self.duck.expand(records)

    def recognised(self, records: Records) -> pa.BooleanArray:
        """Which records the mapping recognises as its own."""
        return self.duck.recognised(records)

    def run(self, records: Records, *, clock: int, origin: Origin = "") -> Outcome:
        """Map one batch; the arguments are those of `DuckEngine.run`. Content is sealed before anything else."""
        return self.run_each([records], clock=clock, origins=[origin])[0]

    def run_each(
        self, runs: Sequence[Records], *, clock: int, origins: Sequence[Origin], shaped: Shaped = as_it_is
    ) -> list[Outcome]:
        """Map several batches of the same columns at once; see `DuckEngine.run_each`. Content is sealed before."""
        if self._sealer is None:
            return self._run(runs, clock, origins, shaped)
        sealed = [self._sealer.seal(self.plan.content, run) for run in runs]
        outcomes = self._run([one.records for one in sealed], clock, origins, shaped)
        for one, outcome in zip(sealed, outcomes, strict=True):
            outcome.texts = one.texts
        return outcomes

    def _run(self, runs: Sequence[Records], clock: int, origins: Sequence[Origin], shaped: Shaped) -> list[Outcome]:
        self._seen += sum(map(len, runs))
        if self._seen <= FEW:
            each = zip(runs, origins, strict=True)
            with suppress(
                RecursionError
            ):  # a record nested thousands deep: Python's stack ends where DuckDB's does not
                return reshaped([interpreted(self.plan, run, clock=clock, origin=where) for run, where in each], shaped)
        return self.duck.run_each(runs, clock=clock, origins=origins, shaped=shaped)


def interpreted(plan: Plan, records: Records, *, clock: int, origin: Origin = "") -> Outcome:
    """The outcome of a batch by the reference interpreter, in the same tables."""
    told = reference.interpret(plan, records, clock=clock, origin=origin)
    tables = {}
    for name, types in columns_by_table(plan).items():
        events = told.events.get(name, [])
        if events:
            rows = [_timed(event, types) for event in events]
            table = pa.Table.from_pylist(rows, schema=_schema(types))
            tables[name] = table.append_column("source", pa.repeat(pa.scalar(plan.mapping), len(rows)))
    return Outcome(tables, told.faults, told.dropped, told.failed, told.written)


def _timed(event: dict[str, Any], types: dict[Path, Type]) -> dict[str, Any]:
    """The event with its datetime attributes as datetimes; they are all at the top."""
    stamps = {path[0] for path, kind in types.items() if kind.kind == "timestamp" and path[0] in event}
    return {**event, **{name: _EPOCH + dt.timedelta(milliseconds=event[name]) for name in stamps}}


def _schema(types: dict[Path, Type]) -> pa.Schema:
    tree: dict[str, Any] = {}
    for path, kind in types.items():
        at = tree
        for key in path[:-1]:
            at = at.setdefault(key, {})
        at[path[-1]] = arrow_type(kind)
    return pa.schema([(name, _struct_type(part)) for name, part in tree.items()])


def _struct_type(part: Any) -> pa.DataType:
    if not isinstance(part, dict):
        return part
    return pa.struct([(name, _struct_type(inner)) for name, inner in part.items()])


def arrow_type(kind: Type) -> pa.DataType:
    """The Arrow type of values of one type of the language; text, addresses and JSON are strings."""
    if kind.kind == "list":
        return pa.list_(arrow_type(kind.item or Type("text")))
    if kind.kind == "object":
        return pa.struct([(name, arrow_type(inner)) for name, inner in kind.fields])
    return _SCALARS.get(kind.kind, pa.string())
