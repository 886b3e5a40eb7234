"""A rule → SQL over the lake's tables: one condition for each table, over the segments of its logsource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ocsf_pipe.detect.columns import Columns, node_sql
from ocsf_pipe.detect.fieldmap import FieldMap, Segment
from ocsf_pipe.detect.keywords import keyword_sql
from ocsf_pipe.detect.leaf import RAW, LeafSql
from ocsf_pipe.detect.matching import passes, same_sql
from ocsf_pipe.detect.readings import Reading
from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.detect.tree import (
    FALSE,
    And,
    Exists,
    FieldRef,
    Leaf,
    Not,
    Null,
    Number,
    Or,
    Pattern,
    Tree,
    simplified,
)
from ocsf_pipe.ops.sql_text import text_literal
from ocsf_pipe.ops.types import INTEGER, TEXT
from ocsf_pipe.plan.nodes import Path
from ocsf_pipe.schema import Schema

Tables = Mapping[str, Mapping[Path, str]]
"""The columns of each table of a lake."""


@dataclass(frozen=True, slots=True)
class Part:
    """The condition of a rule over one table: of the events of some segments that read the rule's fields alike.

    `condition` is the whole condition, `guard` the part of it that tells the segments from other events.
    """

    table: str
    segments: tuple[Segment, ...]
    tree: Tree
    condition: str
    guard: str = "true"


@dataclass(frozen=True, slots=True)
class Converter:
    """Writes rules as SQL. `tables` are those of a lake, None for any lake; `schema` checks every path that is read."""

    fields: FieldMap
    tables: Tables | None = None
    schema: Schema | None = None

    def parts(self, rule: Rule) -> list[Part]:
        """The conditions of a rule, none for tables that no event of which can satisfy it.

        Raises UnknownPath where an expression reads what the class does not have.
        """
        if rule.tree is None:
            return []
        grouped: dict[tuple[str, str, str], list[tuple[Segment, Tree]]] = {}
        for segment in self.fields.segments(rule.logsource):
            if self.tables is not None and segment.table not in self.tables:
                continue
            tree = self.reduced(segment, rule.tree)
            if tree == FALSE:
                continue
            columns = self.columns(segment)
            condition = tree_sql(tree, segment, self.fields, LeafSql(columns))
            grouped.setdefault((segment.mapping, segment.table, condition), []).append((segment, tree))
        return [self._part(mapping, table, condition, found) for (mapping, table, condition), found in grouped.items()]

    def told(self) -> list[str]:
        """All that conditions are made of beside rules, the same text in every process."""
        plans = [f"{plan.mapping} {plan.version} {plan.digest} {plan.sigma!r}" for plan in self.fields.plans]
        tables = sorted((name, sorted(paths.items())) for name, paths in (self.tables or {}).items())
        checked = [repr(self.tables is None), *([self.schema.version] if self.schema is not None else ["unchecked"])]
        return [*plans, repr(tables), *checked]

    def columns(self, segment: Segment) -> Columns:
        """The columns of the segment's table."""
        paths = self.tables.get(segment.table) if self.tables is not None else None
        return Columns(segment.route.class_name, paths, self.schema)

    def reduced(self, segment: Segment, tree: Tree) -> Tree:
        """The condition without what is known of every event of the segment, such as its event id."""
        return simplified(self.fields.spelled(segment, tree), lambda leaf: self._known(segment, leaf))

    def _known(self, segment: Segment, leaf: Leaf) -> bool | None:
        if leaf.field is None or not isinstance(leaf.test, Pattern | Number | Null | Exists):
            return None
        reading = self.fields.reading(segment, leaf.field)
        texts = self.fields.domain(segment, reading)
        if texts is None:
            return None
        if isinstance(leaf.test, Null | Exists):
            return isinstance(leaf.test, Exists) and leaf.test.there
        outcomes = {passes(text, leaf.test) for text in texts}
        return outcomes.pop() if len(outcomes) == 1 else None

    def _part(self, mapping: str, table: str, condition: str, found: Sequence[tuple[Segment, Tree]]) -> Part:
        guard = self._guard(mapping, found)
        return Part(table, tuple(one for one, _ in found), found[0][1], f"{guard} and ({condition})", guard)

    def _guard(self, mapping: str, found: Sequence[tuple[Segment, Tree]]) -> str:
        columns = self.columns(found[0][0])
        source = f"{columns.sql(('source',), TEXT)} = {text_literal(mapping)}"
        names = {segment.name for segment, _ in found}
        alone = names >= found[0][0].beside
        guards = sorted({guard_sql(segment, LeafSql(columns), alone=alone) for segment, _ in found})
        guard = "" if "true" in guards else guards[0] if len(guards) == 1 else f"({' or '.join(guards)})"
        return f"{source} and {guard}" if guard else source


def guard_sql(segment: Segment, leaf: LeafSql, *, alone: bool = False) -> str:
    """The SQL that tells the events of a segment from the others of their table and mapping, where there are any."""
    parts = []
    for reading, texts in () if alone else segment.telling:
        wanted = ", ".join(text_literal(text) for text in texts)
        parts.append(f"{leaf.text(reading.places[0])} in ({wanted})")
    for reading, texts in () if alone else segment.foreign:
        gone = ", ".join(text_literal(text) for text in texts)
        parts.append(f"coalesce({leaf.text(reading.places[0])} not in ({gone}), true)")
    for path, value in () if alone else segment.constant:
        parts.append(f"{leaf.columns.sql(path, INTEGER)} = {value}")
    if segment.sigma.where is not None:
        parts.append(node_sql(segment.sigma.where, leaf.columns))
    uid = leaf.columns.sql(("metadata", "uid"), TEXT)
    parts += [f"not contains({uid}, {text_literal(mark)})" for mark in segment.not_fanned]
    return " and ".join(parts) or "true"


def tree_sql(tree: Tree, segment: Segment, fields: FieldMap, leaf: LeafSql) -> str:
    """The SQL of a condition over the events of one segment.

    A leaf may be null, which counts as false; `not` asks for what is not true, so that it never is null itself.
    """
    match tree:
        case Leaf():
            return _leaf(tree, segment, fields, leaf)
        case Not(part=part):
            return f"not coalesce({tree_sql(part, segment, fields, leaf)}, false)"
        case And(parts=parts):
            return _all(parts, " and ", "true", segment, fields, leaf)
        case Or(parts=parts):
            return _all(parts, " or ", "false", segment, fields, leaf)


def _all(parts: Iterable[Tree], word: str, empty: str, segment: Segment, fields: FieldMap, leaf: LeafSql) -> str:
    texts = [tree_sql(part, segment, fields, leaf) for part in parts]
    return f"({word.join(texts)})" if texts else empty


def _leaf(tree: Leaf, segment: Segment, fields: FieldMap, leaf: LeafSql) -> str:
    if tree.field is None:
        return keyword_sql(leaf.columns.sql(RAW, TEXT), tree.test)
    reading = fields.reading(segment, tree.field)
    if isinstance(tree.test, FieldRef):
        other: Reading = fields.reading(segment, tree.test.field)
        return same_sql(leaf.value(reading), leaf.value(other), tree.test)
    return leaf.test(reading, tree.test)
