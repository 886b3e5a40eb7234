"""Rules over what a lake holds: how often each fires, and whether it can."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.detect.asking import Asker, schemas_of
from ocsf_pipe.detect.columns import paths_of
from ocsf_pipe.detect.convert import Converter, Tables
from ocsf_pipe.detect.correlate import Correlator
from ocsf_pipe.detect.fieldmap import FieldMap
from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.detect.scan import Scan, compiled, fires
from ocsf_pipe.detect.states import Judged, judge
from ocsf_pipe.detect.workers import fires_in
from ocsf_pipe.ops.sql_text import name_text, text_literal
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.schema import Schema

Progress = Callable[[str, int, int], None]
"""Called with the table or the rule at hand, how many are done, and how many there are."""
_EACH = 5
"""Parts of a table for each worker, which takes one after the other: so all are done at about one time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one rule; `seconds` is its share of the time."""

    rule: Rule
    judged: Judged
    fires: int
    error: str | None = None
    seconds: float = 0.0


@dataclass(slots=True)
class Backtest:
    """One run of rules over the tables of a DuckDB connection; `since` and `until` bound the time of the events.

    With `split` (see `Lake.split`) so many `workers` share a big table.
    """

    connection: duckdb.DuckDBPyConnection
    plans: Sequence[Plan]
    since: datetime | None = None
    until: datetime | None = None
    schema: Schema | None = None
    progress: Progress = lambda _table, _done, _all: None
    seconds: float = 0.0
    tables: Tables = field(default_factory=dict)
    split: Callable[[str, int], tuple[str, Sequence[str]]] | None = None
    workers: int = 1

    def run(self, rules: Sequence[Rule]) -> list[Outcome]:
        """The outcome of every rule that is shown, in the order given."""
        started = time.monotonic()
        self.tables = tables_of(self.connection)
        converter = Converter(FieldMap(self.plans), self.tables, self.schema)
        sources = sources_of(self.connection, self.tables)
        judged = [judge(rule, converter, sources) if rule.correlation is None else None for rule in rules]
        spent: dict[int, float] = {}
        counts, errors = self._count(rules, judged, converter, spent)
        correlator = Correlator(self.connection, rules, converter, self.relation)
        outcomes = []
        late = sum(one is None for one in judged)
        for number, rule in enumerate(rules):
            state, count, error = judged[number], counts.get(number, 0), errors.get(number)
            if state is None:
                self.progress(rule.title, late - sum(one is None for one in judged[number:]), late)
                began = time.perf_counter()
                state, count, error = correlator.outcome(rule, judged)
                spent[number] = time.perf_counter() - began
            if rule.shown:
                outcomes.append(Outcome(rule, _with_error(state, error), count, error, spent.get(number, 0.0)))
        self.seconds = time.monotonic() - started
        return outcomes

    def _count(
        self, rules: Sequence[Rule], judged: Sequence[Judged | None], converter: Converter, spent: dict[int, float]
    ) -> tuple[dict[int, int], dict[int, str]]:
        able = [i for i, state in enumerate(judged) if state is not None and state.state != "blind"]
        scans = compiled([rules[i] for i in able], converter)
        counts: dict[int, int] = {}
        for done, (table, scan) in enumerate(scans.items()):
            self.progress(table, done, len(scans))
            found = self._fires(table, scan)
            for position, count in _counted(found):
                counts[able[position]] = counts.get(able[position], 0) + count
            for position, seconds in scan.seconds.items():
                spent[able[position]] = spent.get(able[position], 0.0) + seconds
        return counts, self._ask(rules, [i for i in able if rules[i].query is not None], counts, spent)

    def _fires(self, table: str, scan: Scan) -> pa.Table:
        """The fires of one table; of a big one, worker processes look for them."""
        if self.split is not None and self.workers > 1:
            whole, parts = self.split(table, _EACH * self.workers)
            if len(parts) > 1:
                return fires_in(scan, self._within(whole), [self._within(part) for part in parts], self.workers)
        return fires(self.connection, scan, self.relation(table))

    def _ask(
        self, rules: Sequence[Rule], numbers: Sequence[int], counts: dict[int, int], spent: dict[int, float]
    ) -> dict[int, str]:
        """Ask the rules in SQL; what went wrong, by their numbers."""
        errors: dict[int, str] = {}
        asker = Asker(self.connection, tables=schemas_of(self.connection))
        for done, i in enumerate(numbers):
            self.progress(rules[i].title, done, len(numbers))
            began = time.perf_counter()
            try:
                counts[i] = len(asker.fires(rules[i], _millis(self.since), _millis(self.until)))
            except (duckdb.Error, ValueError) as error:
                errors[i] = str(error).splitlines()[0]
            spent[i] = time.perf_counter() - began
        return errors

    def relation(self, table: str) -> str:
        """The SQL of a table's events within the time asked for."""
        return self._within(name_text(table))

    def _within(self, relation: str) -> str:
        bounds = []
        for sign, moment in ((">=", self.since), ("<", self.until)):
            if moment is not None:
                bounds.append(f'"time" {sign} {int(moment.timestamp() * 1000)}')
        return f"(from {relation} where {' and '.join(bounds)})" if bounds else relation


def _millis(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def _with_error(judged: Judged, error: str | None) -> Judged:
    return judged if error is None else Judged("blind", (error, *judged.reasons), judged.mappings)


def _counted(found: pa.Table) -> Iterable[tuple[int, int]]:
    counts = pc.value_counts(found["rule"].combine_chunks())
    return ((one["values"], one["counts"]) for one in counts.to_pylist())


def tables_of(connection: duckdb.DuckDBPyConnection) -> Tables:
    """The columns of every table of OCSF events that the connection sees."""
    names = [row[0] for row in connection.execute("select table_name from information_schema.tables").fetchall()]
    found = {}
    for name in sorted(names):
        if not name.startswith("_"):
            schema = connection.sql(f"select * from {name_text(name)} limit 0").to_arrow_table().schema
            found[name] = paths_of(schema)
    return {name: paths for name, paths in found.items() if ("metadata", "uid") in paths}


def sources_of(connection: duckdb.DuckDBPyConnection, tables: Collection[str]) -> set[tuple[str, str]]:
    """Which mappings have filled which tables."""
    parts = [f"select distinct {text_literal(name)} as t, source from {name_text(name)}" for name in tables]
    return set(connection.execute(" union all ".join(parts)).fetchall()) if parts else set()


def judge_all(
    rules: Sequence[Rule], converter: Converter, sources: Collection[tuple[str, str]] | None = None
) -> list[Judged]:
    """The state of every rule, correlations after the rules that they need."""
    found = [judge(rule, converter, sources) if rule.correlation is None else None for rule in rules]
    correlator = Correlator(duckdb.connect(), rules, converter, name_text)
    return [one if one is not None else correlator.judged(rule, found) for rule, one in zip(rules, found, strict=True)]


def correlation_sql(rule: Rule, rules: Sequence[Rule], converter: Converter) -> str:
    """The query of a correlation over plain rules; one over correlations is run in steps and has no single query."""
    correlator = Correlator(duckdb.connect(), rules, converter, name_text)
    if rule.correlation is None or any(one.correlation for one in correlator.parts(rule.correlation)):
        return "-- runs in several steps"
    return correlator.sql(rule.correlation)


def connection_of(tables: Sequence[Mapping[str, pa.Table]]) -> duckdb.DuckDBPyConnection:
    """A connection over events in memory; tables of one name are laid together."""
    connection = duckdb.connect()
    parts: dict[str, list[str]] = {}
    for number, some in enumerate(tables):
        for name, rows in some.items():
            part = f"_part_{number}_{name}"
            connection.execute(f"create table {name_text(part)} as from rows")
            parts.setdefault(name, []).append(f"from {name_text(part)}")
            del rows
    for name, some_parts in parts.items():
        connection.execute(f"create view {name_text(name)} as {' union all by name '.join(some_parts)}")
    return connection
