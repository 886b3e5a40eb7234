"""Many rules over one table: find the few rows that can satisfy a rule by its literals, then ask the rule's condition.

One multi-pattern pass per column tells which rows hold which literal. Only those rows are read with all that the
conditions look at, and each rule is asked only of its own. Rules without such a literal are asked of every row, by
DuckDB.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import polars as pl
import pyarrow as pa

from ocsf_pipe.detect.convert import Converter, Part
from ocsf_pipe.detect.leaf import LeafSql
from ocsf_pipe.detect.prefilter import Clause, Cost, Literal, Need, cheapest, literals, need
from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.detect.verify import Check, Names, Writer

_SAMPLE = 4000
_ROWS = 100_000
_AT_ONCE = 40
"""Conditions in one query over every row: DuckDB's time to plan grows faster than their number."""
EVENT = '"metadata"."uid"'


@dataclass(frozen=True, slots=True)
class Asked:
    """One part of a rule: the number of the rule, the part, and the literals without which it cannot hold."""

    rule: int
    part: Part
    need: Need | None


@dataclass(slots=True)
class Scan:
    """What rules ask of one table; `seconds` sums up by rule the time spent on it, and its share of what all share."""

    table: str
    converter: Converter
    asked: list[Asked] = field(default_factory=list)
    seconds: dict[int, float] = field(default_factory=dict)

    def add(self, rule: int, part: Part) -> None:
        """Take in one part of a rule."""
        segment = part.segments[0]
        found = need(part.tree, segment, self.converter.fields, LeafSql(self.converter.columns(segment)))
        self.asked.append(Asked(rule, part, found))

    def took(self, seconds: float, positions: Sequence[int]) -> None:
        """Note time that was spent on the parts at some positions together."""
        for position in positions:
            rule = self.asked[position].rule
            self.seconds[rule] = self.seconds.get(rule, 0.0) + seconds / len(positions)

    def check(self, position: int, names: Names) -> Check:
        """The function of the part at this position; `names` collects the columns that it reads."""
        part = self.asked[position].part
        leaf = LeafSql(self.converter.columns(part.segments[0]))
        return Writer(part.segments[0], self.converter.fields, leaf, names).check(part.tree, part.guard)


def compiled(rules: Iterable[Rule], converter: Converter) -> dict[str, Scan]:
    """The scans of all tables that the rules read; a rule's number is its position."""
    scans: dict[str, Scan] = {}
    for number, rule in enumerate(rules):
        for part in converter.parts(rule):
            scans.setdefault(part.table, Scan(part.table, converter)).add(number, part)
    return scans


def fires(connection: duckdb.DuckDBPyConnection, scan: Scan, relation: str, extra: Sequence[str] = ()) -> pa.Table:
    """Every event of `relation` that satisfies a rule: columns `rule`, `uid`, `time`, and the SQL of `extra` as `x0` ….

    A row stands once for each rule.
    """
    began = time.perf_counter()
    cost = _costs(connection, scan, relation)
    scan.took(time.perf_counter() - began, range(len(scan.asked)))
    narrow = {i: cheapest(one.need, cost) for i, one in enumerate(scan.asked) if one.need is not None}
    wide = [i for i in range(len(scan.asked)) if i not in narrow]
    names = [f"{EVENT} as uid", '"time"', *(f"{sql} as x{i}" for i, sql in enumerate(extra))]
    tables = list(_of_all(connection, scan, wide, relation, names))
    if narrow:
        began = time.perf_counter()
        pairs = candidates(connection, narrow, relation)
        scan.took(time.perf_counter() - began, list(narrow))
        tables += _of_some(connection, scan, pairs, relation, names)
    return _once(pa.concat_tables([*tables, _nothing(extra)], promote_options="permissive"))


def _nothing(extra: Sequence[str]) -> pa.Table:
    fields = [("rule", pa.int64()), ("row", pa.int64()), ("uid", pa.string()), ("time", pa.int64())]
    return pa.schema([*fields, *((f"x{i}", pa.string()) for i in range(len(extra)))]).empty_table()


def _once(found: pa.Table) -> pa.Table:
    """Each row once for each rule: parts of a rule may meet in a row."""
    frame = pl.from_arrow(found)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - for the types: a table becomes a frame
    return frame.unique(["rule", "uid", "row"], keep="first", maintain_order=True).drop("row").to_arrow()


def _costs(connection: duckdb.DuckDBPyConnection, scan: Scan, relation: str) -> Cost:
    """How many rows of a sample hold a literal."""
    wanted: dict[str, set[str]] = {}
    for text, literal in {pair for one in scan.asked if one.need is not None for pair in literals(one.need)}:
        wanted.setdefault(text, set()).add(literal)
    counts: dict[Literal, int] = {}
    for text, some in wanted.items():
        rows = connection.sql(f"select lower({text}) as v from (from {relation} limit {_SAMPLE}) where v is not null")
        values = _series(rows.to_arrow_table()["v"]).alias("v").value_counts(name="rows")
        hits = _hits(values["v"], pl.Series(sorted(some))).join(values, on="v")
        for literal, number in hits.group_by("literal").agg(pl.col("rows").sum()).iter_rows():
            counts[text, literal] = number
    return lambda literal: counts.get(literal, 0)


def candidates(connection: duckdb.DuckDBPyConnection, narrow: Mapping[int, Clause], relation: str) -> pl.DataFrame:
    """Pairs of an event's id and the position of a part whose literals it holds."""
    texts = sorted({text for clause in narrow.values() for text, _ in clause})
    wanted = {text: _table(text, narrow) for text in texts}
    names = ", ".join(f"lower({text}) as c{i}" for i, text in enumerate(texts))
    reader = connection.sql(f"select {EVENT} as uid, {names} from {relation}").to_arrow_reader(_ROWS)
    found = [pair for batch in reader for pair in _pairs(batch, texts, wanted)]
    empty = pl.DataFrame(schema={"uid": pl.String, "asked": pl.Int64})
    return pl.concat([empty, *found]).unique()


def _table(text: str, narrow: Mapping[int, Clause]) -> pl.DataFrame:
    """Which parts wait for which literal in one column."""
    rows = [(literal, i) for i, clause in narrow.items() for of, literal in clause if of == text]
    return pl.DataFrame(rows, schema={"literal": pl.String, "asked": pl.Int64}, orient="row")


def _pairs(batch: pa.RecordBatch, texts: Sequence[str], wanted: Mapping[str, pl.DataFrame]) -> Iterator[pl.DataFrame]:
    uids = _series(batch.column(0))
    for i, text in enumerate(texts, 1):
        values = _series(batch.column(i))
        hits = _hits(values.drop_nulls().unique(), wanted[text]["literal"])
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


def _of_some(
    connection: duckdb.DuckDBPyConnection, scan: Scan, pairs: pl.DataFrame, relation: str, names: Sequence[str]
) -> Iterator[pa.Table]:
    """Ask each part of the rows that can satisfy it."""
    if not pairs.height:
        return
    columns = Names()
    checks = {position: scan.check(position, columns) for position in sorted(pairs["asked"].unique().to_list())}
    connection.register("wanted_uids", pairs.select("uid").unique().to_arrow())
    read = ", ".join([*names, *(f"{sql} as c{i}" for i, sql in enumerate(columns.places))])
    query = f"select {read} from {relation} where {EVENT} in (select uid from wanted_uids)"
    start = 0
    for batch in connection.sql(query).to_arrow_reader(_ROWS // 2):
        yield _checked(batch, scan, checks, pairs, len(names), start)
        start += batch.num_rows
    connection.unregister("wanted_uids")


def _checked(
    batch: pa.RecordBatch, scan: Scan, checks: Mapping[int, Check], pairs: pl.DataFrame, named: int, start: int
) -> pa.Table:
    """The rows of one batch that satisfy a rule, with the first `named` columns."""
    columns = [column.to_pylist() for column in batch.columns[named:]]
    places = pl.DataFrame({"uid": _series(batch.column(0)), "at": pl.Series(range(batch.num_rows), dtype=pl.Int64)})
    found: list[tuple[int, int]] = []
    for (position,), rows in places.join(pairs, on="uid").group_by("asked"):
        number = scan.asked[int(str(position))].rule
        began = time.perf_counter()
        found += [(number, at) for at in checks[int(str(position))](rows["at"].to_list(), columns)]
        scan.took(time.perf_counter() - began, [int(str(position))])
    at = pa.array([row for _, row in found], pa.int64())
    kept = pa.table(batch.select(range(named)).take(at))
    kept = kept.append_column("rule", pa.array([rule for rule, _ in found], pa.int64()))
    return kept.append_column("row", pa.array([start + row for _, row in found], pa.int64()))


def _of_all(
    connection: duckdb.DuckDBPyConnection, scan: Scan, positions: Sequence[int], relation: str, names: Sequence[str]
) -> Iterator[pa.Table]:
    """Ask parts of every row."""
    source = f'(select *, -1 - row_number() over () as "row" from {relation})'
    for first in range(0, len(positions), _AT_ONCE):
        some = positions[first : first + _AT_ONCE]
        tests = [scan.asked[i] for i in some]
        fired = ", ".join(f"case when {one.part.condition} then {one.rule}::bigint end" for one in tests)
        query = f'select unnest(list_distinct([{fired}])) as rule, "row", {", ".join(names)} from {source}'
        began = time.perf_counter()
        rows = connection.sql(f"select * from ({query}) where rule is not null").to_arrow_table()
        scan.took(time.perf_counter() - began, some)
        yield rows
