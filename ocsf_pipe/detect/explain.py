"""Why a rule fires on an event, or does not: its condition tree with what each leaf compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from ocsf_pipe.detect.convert import Converter, guard_sql, tree_sql
from ocsf_pipe.detect.fieldmap import Segment
from ocsf_pipe.detect.leaf import LeafSql
from ocsf_pipe.detect.readings import Keys, Reading, Value
from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.detect.states import where_text
from ocsf_pipe.detect.tree import (
    And,
    Cidr,
    Compare,
    Exists,
    FieldRef,
    Leaf,
    Not,
    Null,
    Number,
    Or,
    Pattern,
    Regex,
    TimePart,
    Tree,
    Wild,
)
from ocsf_pipe.ops.sql_text import name_text, text_literal


@dataclass(frozen=True, slots=True)
class Told:
    """One line: how deep it stands in the tree, what it asks, the outcome, and of a leaf the value that it saw."""

    depth: int
    text: str
    outcome: bool
    value: str | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """What one rule says of one event, read as one segment of its logsource."""

    mapping: str
    event_rule: str
    table: str
    uid: str
    fires: bool
    lines: tuple[Told, ...]


def explain(connection: duckdb.DuckDBPyConnection, rule: Rule, converter: Converter, uid: str) -> Iterator[Explained]:
    """What the rule says of the event with this id, for each segment that the event belongs to."""
    if rule.tree is None:
        return
    told: set[tuple[str, str, str]] = set()
    for segment in converter.fields.segments(rule.logsource):
        alike = {(segment.mapping, segment.table, route.name) for route in (segment.route, *segment.twins)}
        if alike & told or (converter.tables is not None and segment.table not in converter.tables):
            continue
        leaf = LeafSql(converter.columns(segment))
        source = f'"source" = {text_literal(segment.mapping)} and {guard_sql(segment, leaf)}'
        where = f'"metadata"."uid" = {text_literal(uid)} and {source}'
        asked = _Asked(connection, f"{name_text(segment.table)} where {where}", segment, converter, leaf)
        if asked.one("count(*)") == "0":
            continue
        told |= alike
        lines = tuple(asked.lines(converter.fields.spelled(segment, rule.tree), 0))
        yield Explained(segment.mapping, segment.name, segment.table, uid, lines[0].outcome, lines)


@dataclass(frozen=True, slots=True)
class _Asked:
    connection: duckdb.DuckDBPyConnection
    rows: str
    segment: Segment
    converter: Converter
    leaf: LeafSql

    def one(self, sql: str) -> str | None:
        """The value of an expression for the event, as text."""
        row = self.connection.execute(f"select cast({sql} as varchar) from {self.rows} limit 1").fetchall()
        return row[0][0] if row else None

    def lines(self, tree: Tree, depth: int) -> Iterator[Told]:
        outcome = self.one(f"coalesce({tree_sql(tree, self.segment, self.converter.fields, self.leaf)}, false)")
        met = outcome == "true"
        match tree:
            case Leaf():
                yield self._leaf(tree, depth, outcome=met)
                return
            case Not(part=part):
                yield Told(depth, "not", met)
                yield from self.lines(part, depth + 1)
            case And(parts=parts) | Or(parts=parts):
                yield Told(depth, "all of" if isinstance(tree, And) else "any of", met)
                for part in parts:
                    yield from self.lines(part, depth + 1)

    def _leaf(self, tree: Leaf, depth: int, *, outcome: bool) -> Told:
        if tree.field is None:
            return Told(depth, f"keyword {test_text(tree)}", outcome, None, "raw_data")
        reading = self.converter.fields.reading(self.segment, tree.field)
        value = self.one(self.leaf.value(reading))
        return Told(depth, f"{tree.field} {test_text(tree)}", outcome, value, place_text(reading))


def place_text(reading: Reading) -> str:
    """Where a field is read, in words."""
    from ocsf_pipe.detect.columns import attributes

    first = reading.places[0] if reading.places else None
    if isinstance(first, Value | Keys):
        return " ‖ ".join(dict.fromkeys(".".join(one.path) for one in attributes(first.node)))
    return where_text(reading)


def test_text(leaf: Leaf) -> str:
    """A test in the words of Sigma."""
    match leaf.test:
        case Pattern(parts=parts, cased=cased):
            text = "".join(p if isinstance(p, str) else "*" if p == Wild() else "?" for p in parts)
            return f"= '{text}'" + (" (letter case counts)" if cased else "")
        case Regex(text=text, flags=flags):
            return f"matches /{text}/{flags}"
        case Cidr(network=network):
            return f"in {network}"
        case Compare(sign=sign, number=number):
            return f"{sign} {number}"
        case Number(number=number):
            return f"= {number}"
        case Null():
            return "is null"
        case Exists(there=there):
            return "is there" if there else "is not there"
        case FieldRef(field=field):
            return f"= the field {field}"
        case TimePart(unit=unit, number=number):
            return f"has the {unit} {number}"
