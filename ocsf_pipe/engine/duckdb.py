"""The engine: one DuckDB query per batch and mapping, one Arrow table per OCSF class out of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property, partial

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.engine.envelope import expand
from ocsf_pipe.engine.fitted import LEAST
from ocsf_pipe.engine.fitting import Fitting, fitting
from ocsf_pipe.engine.isolate import POISON, isolated
from ocsf_pipe.engine.outcome import Failed, Fault, Outcome
from ocsf_pipe.engine.parts import (
    Origin,
    Shaped,
    as_it_is,
    cut_up,
    in_order,
    joined,
    origins_of,
    parted,
    reshaped,
    starts_of,
)
from ocsf_pipe.engine.query import (
    DROPPED,
    MALFORMED,
    NO_ELEMENT,
    NO_OBJECT,
    NO_RULE,
    Query,
    build_query,
    recognise_query,
)
from ocsf_pipe.engine.statement import Statement
from ocsf_pipe.engine.tables import class_tables
from ocsf_pipe.pieces import whole
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.source import Records

REASONS = {
    MALFORMED: "the record is not valid JSON",
    NO_OBJECT: "the record is not a JSON object",
    NO_RULE: "no event rule takes the record",
    NO_ELEMENT: "the list of `for_each` is empty",
}


class DuckEngine:
    """Runs one plan. Keeps a connection and the query; not safe for two threads at once."""

    def __init__(self, plan: Plan, threads: int | None = None, least: int = LEAST) -> None:
        """Open a connection of its own in memory; nothing is read from disk or network.

        `least`: how many records of a kind it takes for those after them to be cut instead of parsed.
        """
        self.plan = plan
        self._connection = duckdb.connect(config={"threads": threads} if threads else {})
        self._connection.execute("set preserve_insertion_order = true")
        # a long `in (...)` would become a hash join over every column: one list in a `when` cost 0.5 s of CPU a batch
        self._connection.execute("set disabled_optimizers = 'in_clause'")
        # the next batch asks for the same memory again: giving it back in between cost 5 % of a run in page faults
        for threshold in ("allocator_flush_threshold", "allocator_bulk_deallocation_flush_threshold"):
            self._connection.execute(f"set {threshold} = '4 GiB'")
        self._queries: dict[tuple[str, ...] | None, Query] = {}
        self._least = least
        self._statements: dict[tuple[tuple[str, ...] | None, str], Statement] = {}

    def query(self, columns: tuple[str, ...] | None = None) -> Query:
        """The query for records that are JSON, or have these text columns."""
        if columns not in self._queries:
            self._queries[columns] = build_query(self.plan, columns)
        return self._queries[columns]

    @cached_property
    def _fitting(self) -> Fitting | None:
        # Half a second for a large mapping, which one who only takes documents apart need not wait for.
        return fitting(self.plan, self._least)

    @property
    def fitted(self) -> int:
        """How many records were cut by their skeleton so far, not parsed."""
        return self._fitting.fitted if self._fitting is not None else 0

    @property
    def _any_query(self) -> Query:
        """A query of the plan: what they say of faults and failures is the same for all kinds of records."""
        return next(iter(self._queries.values())) if self._queries or not self._fitting else self._fitting.query

    def expand(self, records: Records) -> Records:
        """Take documents apart into records where the mapping has an envelope."""
        return expand(partial(self._statement, None, "expand"), self.plan.records, records)

    def run(self, records: Records, *, clock: int, origin: Origin = "") -> Outcome:
        """Map one batch of records, envelopes already taken apart.

        `clock` is the processing time in milliseconds since 1970; `origin` names the partition, for all records or
        for each, so that the same record elsewhere has another id. Raises nothing for bad records.
        """
        if not len(records):
            return Outcome()

        def mapped(some: Records, at: int) -> Outcome:
            where = origin if isinstance(origin, str) else origin.slice(at, len(some))
            return self._outcome(self._events(some, input_of(some, clock, where, at)), records.raw)

        try:
            return mapped(records, 0)
        except POISON as error:
            return isolated(records, mapped, error)

    def run_each(
        self, runs: Sequence[Records], *, clock: int, origins: Sequence[Origin], shaped: Shaped = as_it_is
    ) -> list[Outcome]:
        """Map several batches of the same columns by one query: of each what `run` makes of it.

        Each table is `shaped` once, for all of them, before it is taken apart.
        """
        if len(runs) > 1:
            try:
                records = joined(runs)
                result = self._events(records, input_of(records, clock, origins_of(runs, origins)))
                return self._outcomes(in_order(result), runs, records.raw, shaped)
            except POISON:
                pass  # one of them has a record at fault, and finds it by itself
        outcomes = [self.run(run, clock=clock, origin=origin) for run, origin in zip(runs, origins, strict=True)]
        return reshaped(outcomes, shaped)

    def recognised(self, records: Records) -> pa.BooleanArray:
        """Which records the mapping recognises as its own; none where it does not say."""
        if self.plan.recognise is None or not len(records):
            return pa.repeat(pa.scalar(value=False), len(records))
        columns = tuple(records.columns.column_names) if records.columns is not None else None
        text = recognise_query(self.plan, columns)
        result = self._statement(columns, "recognised", text).run(input_of(records, 0, ""))
        return whole(result["recognised"])

    def _statement(self, columns: tuple[str, ...] | None, what: str, text: str) -> Statement:
        """The statement of this query, planned once: planning a large mapping takes a second."""
        key = (columns, what)
        if key not in self._statements:
            self._statements[key] = Statement(self._connection, f"{what}{len(self._statements)}", text)
        return self._statements[key]

    def _events(self, records: Records, given: pa.Table) -> pa.Table:
        """What the queries say of a batch: records that fit a known skeleton go to the quicker one."""
        if records.columns is not None:
            return self._decoded(given, tuple(records.columns.column_names))
        fits = self._fitting.fits(records) if self._fitting is not None else None
        if fits is None or not len(fits.rows):
            return self._decoded(given, None)
        quick = fits.events(self._statement(None, "fitted", fits.query.sql), given)
        rest = fits.others()
        if not len(rest):
            return quick
        slow = self._decoded(given.take(rest), None).select(quick.column_names)
        both = pa.concat_tables([quick, slow.cast(quick.schema)])
        return both.take(pc.sort_indices(both["rid"]))

    def _decoded(self, given: pa.Table, columns: tuple[str, ...] | None) -> pa.Table:
        return self._statement(columns, "events", self.query(columns).sql).run(given)

    def _outcome(self, result: pa.Table, raw: pa.Array) -> Outcome:
        rejected = _rejected(result)
        outcome = self._account(result, rejected)
        outcome.tables = {name: table for name, table, _ in class_tables(self.plan, result, rejected, raw)}
        return outcome

    def _outcomes(self, result: pa.Table, runs: Sequence[Records], raw: pa.Array, shaped: Shaped) -> list[Outcome]:
        """Of each run what came of it; `raw` is the text of all, and `rid` counts through them."""
        rejected = _rejected(result)
        starts = starts_of(runs)
        outcomes = [self._account(part, _rejected(part)) for part in parted(result, starts)]
        for name, table, rows in class_tables(self.plan, result, rejected, raw):
            for outcome, part in zip(outcomes, cut_up(shaped(table), rows, starts), strict=True):
                if part.num_rows:
                    outcome.tables[name] = part
        return outcomes

    def _account(self, result: pa.Table, rejected: pa.Array | None) -> Outcome:
        """The outcome without its tables."""
        outcome = Outcome()
        kept = result["rid"]
        if rejected is not None:
            outcome.faults, outcome.dropped = self._faults(
                result.select(["rid", "route", "fault"]).filter(_faulty(result))
            )
            kept = kept.filter(pc.invert(rejected))
        outcome.written = pc.count_distinct(kept).as_py()
        outcome.failed = self._failed(result)
        return outcome

    def _faults(self, rows: pa.Table) -> tuple[list[Fault], Counter[str]]:
        """The first fault of each record in the order of its events, and how many were dropped on purpose."""
        faults: dict[int, Fault] = {}
        dropped: Counter[str] = Counter()
        for rid, route, fault in zip(*(rows[name].to_pylist() for name in ("rid", "route", "fault")), strict=True):
            if route <= DROPPED:
                dropped[self.plan.drops[DROPPED - route][0]] += 1
            elif rid not in faults:
                rule = self.plan.routes[route].name if route >= 0 else ""
                reason, attribute = (REASONS[route], "") if route < 0 else self._any_query.faults[route, fault]
                faults[rid] = Fault(rid, rule, attribute, reason)
        return [faults[rid] for rid in sorted(faults)], dropped

    def _failed(self, result: pa.Table) -> Counter[Failed]:
        found: Counter[Failed] = Counter()
        taken = pc.greater_equal(result["route"], 0)  # what every rule sets is computed for records of no rule too
        for path, name in self._any_query.failures.items():
            flags = pc.and_(result[name.strip('"')], taken)
            if not pc.any(flags).as_py():
                continue
            for row in result["route"].filter(flags).value_counts().to_pylist():
                route = self.plan.routes[row["values"]]
                assign = next(a for a in route.assigns if a.path == path)
                found[Failed(route.name, ".".join(path), assign.sources, assign.expected)] += row["counts"]
        return found


def _faulty(result: pa.Table) -> pa.ChunkedArray:
    """Which rows are no events."""
    return pc.or_(pc.less(result["route"], 0), pc.greater(result["fault"], 0))


def _rejected(result: pa.Table) -> pa.ChunkedArray | None:
    """Which rows are of records that come to nothing, as one of their rows is no event; None where there are none."""
    faulty = _faulty(result)
    if not pc.any(faulty).as_py():
        return None
    return pc.is_in(result["rid"], pc.unique(result["rid"].filter(faulty)))


def input_of(records: Records, clock: int, origin: Origin, at: int = 0) -> pa.Table:
    """The batch as DuckDB reads it: raw text, JSON text or text columns, and where each record stood.

    `at` is the row of the first record in the whole batch.
    """
    arrays = {
        "rid": pa.array(range(at, at + len(records)), pa.int64()),
        "raw": records.raw,
        "position": records.position,
        "sub": records.sub,
        "clock": pa.repeat(pa.scalar(clock, pa.int64()), len(records)),
        "origin": pa.repeat(pa.scalar(origin), len(records)) if isinstance(origin, str) else origin,
    }
    if records.columns is None:
        arrays["j"] = records.json if records.json is not None else records.raw
    else:
        arrays |= {f"c:{name}": records.columns[name] for name in records.columns.column_names}
    return pa.table(arrays)
