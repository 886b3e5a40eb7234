"""How many events of a lake have an attribute, by table and source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from ocsf_pipe.lake import Lake
from ocsf_pipe.ops.sql_text import name_text

if TYPE_CHECKING:
    import duckdb

OWN = "ocsf_pipe.detect"
"""The source of findings that this program made: they are no events of anybody's system."""


@dataclass(frozen=True, slots=True)
class Share:
    """Of so many events of one table and source, so many have the attribute."""

    table: str
    source: str
    events: int
    filled: int


@dataclass
class Filled:
    """Counts attributes of one lake within a time (epoch ms, None for no bound), as the lake was when first asked."""

    lake: Lake
    since: int | None = None
    until: int | None = None
    _known: dict[str, list[Share]] = field(default_factory=dict)

    def ask(self, sql: str, params: object = None) -> pa.Table:
        """Return what one query gives over the lake's tables."""
        return pa.table(self._connection.sql(sql, params=params).to_arrow_table())

    def always(self) -> Filled:
        """Return the same lake without bounds of time."""
        other = Filled(self.lake)
        other._connection = self._connection
        return other

    @cached_property
    def columns(self) -> dict[str, pa.Schema]:
        """The columns of every table of events."""
        names = [name for name in self.lake.tables() if not name.startswith("_")]
        return {name: self.ask(f"select * from {name_text(name)} limit 0").schema for name in names}

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        return self.lake.connect()

    def count(self, paths: Iterable[str]) -> Mapping[str, list[Share]]:
        """Return the shares of every attribute `table.path`; an attribute that no batch has set has none filled."""
        by_table: dict[str, list[str]] = {}
        for path in dict.fromkeys(paths):
            if path not in self._known:
                by_table.setdefault(path.partition(".")[0], []).append(path)
        for table, wanted in by_table.items():
            self._count(table, wanted)
        return {path: self._known[path] for path in paths}

    def tiers(self) -> dict[str, dict[str, int]]:
        """Return by source how many events keep content in which tier; sources that never say so are left out."""
        found: dict[str, dict[str, int]] = {}
        for table, schema in self.columns.items():
            if "content_tier" in schema.names:
                sql = f"select source, content_tier, count(*) from {name_text(table)}"
                rows = self.ask(f"{sql} where content_tier <> '' group by 1, 2")
                columns = [column.to_pylist() for column in rows.columns]
                for source, tier, events in zip(*columns, strict=True):
                    tiers = found.setdefault(source or "", {})
                    tiers[tier] = tiers.get(tier, 0) + events
        return found

    def sources(self) -> dict[str, dict[str, int]]:
        """Return the number of events by table and source; tables without any are left out."""
        return {
            table: {share.source: share.events for share in self.count([f"{table}.time"])[f"{table}.time"]}
            for table in self.columns
            if self.count([f"{table}.time"])[f"{table}.time"]
        }

    def _count(self, table: str, paths: list[str]) -> None:
        schema = self.columns.get(table)
        if schema is None:
            self._known.update({path: [] for path in paths})
            return
        tests = ", ".join(f"count(*) filter ({filled_test(schema, path.partition('.')[2])})" for path in paths)
        bounds = [f"source is distinct from '{OWN}'"]
        bounds += [f"time {sign} {at}" for sign, at in ((">=", self.since), ("<", self.until)) if at is not None]
        where = " and ".join(bounds)
        rows = self.ask(f"select source, count(*), {tests} from {name_text(table)} where {where} group by 1 order by 1")
        columns = [column.to_pylist() for column in rows.columns]
        for i, path in enumerate(paths):
            shares = zip(columns[0], columns[1], columns[2 + i], strict=True)
            self._known[path] = [Share(table, source or "", events, filled) for source, events, filled in shares]


def filled_test(schema: pa.Schema, path: str) -> str:
    """Return the SQL condition that an event has the attribute at a path; a list has it where one element does."""
    first, *rest = path.split(".")
    if first not in schema.names:
        return "false"
    return _test(name_text(first), schema.field(first).type, rest, 0)


def _test(column: str, kind: pa.DataType, rest: list[str], depth: int) -> str:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        each = f"x{depth}"
        return f"len(list_filter({column}, lambda {each}: {_test(each, kind.value_type, rest, depth + 1)})) > 0"
    if not rest:
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        return f"{column} is not null and {column} <> ''" if text else f"{column} is not null"
    if not pa.types.is_struct(kind):
        return f"{column} is not null"  # kept as JSON: what is below is not looked into
    index = kind.get_field_index(rest[0])
    return "false" if index < 0 else _test(f"{column}.{name_text(rest[0])}", kind.field(index).type, rest[1:], depth)
