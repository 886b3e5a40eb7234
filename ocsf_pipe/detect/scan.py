"""Many rules over one table: find the few rows that can satisfy a rule by its literals, then ask the rule's condition.

One multi-pattern pass per column tells which rows hold which literal. Only those rows are read whole, and each rule is
asked only of its own. Rules without such a literal are asked of every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import polars as pl
import pyarrow as pa

from ocsf_pipe.detect.convert import Converter, Part
from ocsf_pipe.detect.leaf import LeafSql
from ocsf_pipe.detect.prefilter import Clause, Cost, cheapest, clauses
from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.ops.sql_text import name_text

_SAMPLE = 4000
_ROWS = 100_000
_AT_ONCE = 150
"""Conditions in one query: DuckDB's time to plan grows faster than their number."""
EVENT = '"metadata"."uid"'


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rule asks of a table, with the number of the rule.

    `clauses` are those that each part of the condition implies: a row that fires satisfies one clause of some part.
    """

    rule: int
    condition: str
    clauses: tuple[tuple[Clause, ...], ...]

    def literals(self, cost: Cost) -> Clause | None:
        """The literals of which every row that fires holds one, the rarest there are; None where there are none."""
        chosen = [cheapest(part, cost) for part in self.clauses]
        known = [clause for clause in chosen if clause is not None]
        return frozenset().union(*known) if len(known) == len(chosen) else None


@dataclass(slots=True)
class Scan:
    """The conditions over one table, compiled; `columns` are those that the conditions read."""

    table: str
    asked: list[Asked] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)

    def add(self, rule: int, parts: Sequence[Part], converter: Converter) -> None:
        """Take in the conditions of one rule over this table."""
        found = []
        for part in parts:
            leaf = LeafSql(converter.columns(part.segments[0]))
            found.append(tuple(clauses(part.tree, part.segments[0], converter.fields, leaf)))
            self.columns |= part.columns
        condition = " or ".join(f"({part.condition})" for part in parts)
        self.asked.append(Asked(rule, condition, tuple(found)))


def compiled(rules: Iterable[Rule], converter: Converter) -> dict[str, Scan]:
    """The scans of all tables that the rules read; a rule's number is its position."""
    scans: dict[str, Scan] = {}
    for number, rule in enumerate(rules):
        by_table: dict[str, list[Part]] = {}
        for part in converter.parts(rule):
            by_table.setdefault(part.table, []).append(part)
        for table, parts in by_table.items():
            scans.setdefault(table, Scan(table)).add(number, parts, converter)
    return scans


def fires(connection: duckdb.DuckDBPyConnection, scan: Scan, relation: str, extra: Sequence[str] = ()) -> pa.Table:
    """Every event of `relation` that satisfies a condition: columns `rule`, `uid`, `time` and the SQL of `extra`."""
    costs = _costs(connection, scan, relation)
    chosen = [one.literals(costs) for one in scan.asked]
    narrow = {i: clause for i, clause in enumerate(chosen) if clause is not None}
    tables = [_ask(connection, scan, [one], relation, extra) for one in range(len(scan.asked)) if one not in narrow]
    if narrow:
        pairs = candidates(connection, narrow, relation)
        tables += list(_verified(connection, scan, pairs, relation, extra))
    return pa.concat_tables([*tables, _nothing(extra)], promote_options="permissive")


def _nothing(extra: Sequence[str]) -> pa.Table:
    fields = [("rule", pa.int64()), ("uid", pa.string()), ("time", pa.int64())]
    return pa.schema([*fields, *((f"x{i}", pa.string()) for i in range(len(extra)))]).empty_table()


def _costs(connection: duckdb.DuckDBPyConnection, scan: Scan, relation: str) -> Cost:
    """How many rows of a sample hold a literal of a clause."""
    literals: dict[str, set[str]] = {}
    for text, literal in {pair for one in scan.asked for part in one.clauses for clause in part for pair in clause}:
        literals.setdefault(text, set()).add(literal)
    counts: dict[tuple[str, str], int] = {}
    for text, wanted in literals.items():
        rows = connection.sql(f"select lower({text}) as v from (from {relation} limit {_SAMPLE}) where v is not null")
        values = _series(rows.to_arrow_table()["v"]).alias("v").value_counts(name="rows")
        hits = _hits(values["v"], pl.Series(sorted(wanted))).join(values, on="v")
        for literal, number in hits.group_by("literal").agg(pl.col("rows").sum()).iter_rows():
            counts[text, literal] = number
    return lambda clause: sum(counts.get(pair, 0) for pair in clause)


def candidates(connection: duckdb.DuckDBPyConnection, narrow: Mapping[int, Clause], relation: str) -> pl.DataFrame:
    """Pairs of an event's id and the position of a condition whose literals it holds."""
    texts = sorted({text for clause in narrow.values() for text, _ in clause})
    wanted = {text: _table(text, narrow) for text in texts}
    names = ", ".join(f"lower({text}) as c{i}" for i, text in enumerate(texts))
    reader = connection.sql(f"select {EVENT} as uid, {names} from {relation}").to_arrow_reader(_ROWS)
    found = [pair for batch in reader for pair in _pairs(batch, texts, wanted)]
    empty = pl.DataFrame(schema={"uid": pl.String, "asked": pl.Int64})
    return pl.concat([empty, *found]).unique()


def _table(text: str, narrow: Mapping[int, Clause]) -> pl.DataFrame:
    """Which conditions wait for which literal in one column."""
    rows = [(literal, i) for i, clause in narrow.items() for of, literal in clause if of == text]
    return pl.DataFrame(rows, schema={"literal": pl.String, "asked": pl.Int64}, orient="row")


def _pairs(batch: pa.RecordBatch, texts: Sequence[str], wanted: Mapping[str, pl.DataFrame]) -> Iterator[pl.DataFrame]:
    uids = _series(batch.column(0))
    for i, text in enumerate(texts, 1):
        values = _series(batch.column(i))
        distinct = values.drop_nulls().unique()
        hits = _hits(distinct, wanted[text]["literal"])
        if hits.height:
            asked = hits.join(wanted[text], on="literal").select("v", "asked").unique()
            rows = pl.DataFrame({"uid": uids, "v": values}).join(asked, on="v")
            yield rows.select("uid", "asked")


def _hits(values: pl.Series, literals: pl.Series) -> pl.DataFrame:
    """Which of the values holds which of the literals: columns `v` and `literal`."""
    found = values.str.extract_many(literals.unique().implode(), overlapping=True)
    frame = pl.DataFrame({"v": values, "literal": found})
    return frame.filter(pl.col("literal").list.len() > 0).explode("literal").unique()


def _series(values: pa.Array | pa.ChunkedArray) -> pl.Series:
    found = pl.from_arrow(values.cast(pa.large_string()))
    assert isinstance(found, pl.Series)  # noqa: S101 - for the types: a column becomes a series
    return found


def _verified(
    connection: duckdb.DuckDBPyConnection, scan: Scan, pairs: pl.DataFrame, relation: str, extra: Sequence[str]
) -> Iterator[pa.Table]:
    """Ask each condition of the rows that can satisfy it."""
    if not pairs.height:
        return
    connection.register("wanted_pairs", pairs.to_arrow())
    columns = ", ".join(sorted({name_text(name) for name in (*scan.columns, "metadata", "time")}))
    connection.execute(
        f"create or replace temp table wanted_rows as select {columns} from {relation} "
        f"where {EVENT} in (select uid from wanted_pairs)"
    )
    positions = sorted(pairs["asked"].unique().to_list())
    for start in range(0, len(positions), _AT_ONCE):
        some = positions[start : start + _AT_ONCE]
        yield _ask(connection, scan, some, "wanted_rows", extra, pairs="wanted_pairs")
    connection.unregister("wanted_pairs")
    connection.execute("drop table wanted_rows")


def _ask(
    connection: duckdb.DuckDBPyConnection,
    scan: Scan,
    positions: Sequence[int],
    relation: str,
    extra: Sequence[str],
    pairs: str | None = None,
) -> pa.Table:
    """The rows that satisfy the conditions at these positions; of each row only those that `pairs` names."""
    more = "".join(f", {sql} as x{i}" for i, sql in enumerate(extra))
    out = f'{EVENT} as uid, "time"{more}'
    if pairs is None:
        (one,) = positions
        asked = scan.asked[one]
        return connection.sql(
            f"select {asked.rule}::bigint as rule, {out} from {relation} where {asked.condition}"
        ).to_arrow_table()
    rules = " ".join(f"when {i} then {scan.asked[i].rule}" for i in positions)
    tests = _choice([(i, scan.asked[i].condition) for i in positions])
    return connection.sql(
        f"select (case p.asked {rules} end)::bigint as rule, {out} from {relation} r join {pairs} p on p.uid = {EVENT} "
        f"where p.asked between {positions[0]} and {positions[-1]} and {tests}"
    ).to_arrow_table()


def _choice(tests: Sequence[tuple[int, str]]) -> str:
    """A condition chosen by the position: `case` asks none of the others, and halves find it fast."""
    if len(tests) == 1:
        return f"(p.asked = {tests[0][0]} and ({tests[0][1]}))"
    half = len(tests) // 2
    left, right = _choice(tests[:half]), _choice(tests[half:])
    return f"(case when p.asked < {tests[half][0]} then {left} else {right} end)"
