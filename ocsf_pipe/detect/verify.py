"""A condition as a small Python function over the columns of a batch; what Python would not do alike, DuckDB does.

The function is asked of few rows, those that hold one of the condition's literals, so that planning a query for each
rule would cost more than it saves. Texts come as DuckDB reads them, in lower case where letter case is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ocsf_pipe.detect.convert import tree_sql
from ocsf_pipe.detect.fieldmap import FieldMap, Segment
from ocsf_pipe.detect.leaf import LeafSql
from ocsf_pipe.detect.matching import flagged
from ocsf_pipe.detect.readings import Inside, Keys, Place, Reading, Value
from ocsf_pipe.detect.tree import And, Leaf, Not, Or, Pattern, Regex, Tree, Wild
from ocsf_pipe.ops.letter_case import lower_text
from ocsf_pipe.ops.regex_text import RegexError, compiled

Check: TypeAlias = Callable[[Sequence[int], Sequence[Sequence[Any]]], list[int]]
"""Rows to ask and the columns of the batch → the rows that satisfy the condition."""


@dataclass(slots=True)
class Names:
    """The columns that functions read: the SQL of each, in order."""

    places: dict[str, int] = field(default_factory=dict)

    def column(self, sql: str) -> str:
        """The name of a column in the function's text."""
        return f"c{self.places.setdefault(sql, len(self.places))}"


@dataclass(slots=True)
class Writer:
    """Writes the function of one condition over the events of one segment."""

    segment: Segment
    fields: FieldMap
    leaf: LeafSql
    names: Names
    used: dict[str, str] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)

    def check(self, tree: Tree, guard: str) -> Check:
        """The function; `guard` is SQL that must hold besides."""
        body = f"{self._bool(guard)} and {self._tree(tree)}"
        columns = "".join(f"  {name} = c[{name[1:]}]\n" for name in sorted(self.used))
        source = f"def check(rows, c):\n{columns}  return [i for i in rows if {body}]\n"
        space = dict(self.constants)
        exec(source, space)  # noqa: S102 - every text of a rule is in it as a literal that `repr` wrote
        found: Check = space["check"]
        return found

    def _column(self, sql: str) -> str:
        name = self.names.column(sql)
        self.used[name] = sql
        return f"{name}[i]"

    def _bool(self, sql: str) -> str:
        return self._column(f"coalesce({sql}, false)")

    def _tree(self, tree: Tree) -> str:
        match tree:
            case Leaf():
                return self._leaf(tree)
            case Not(part=part):
                return f"(not {self._tree(part)})"
            case And(parts=parts):
                return "(" + " and ".join(map(self._tree, parts)) + ")" if parts else "True"
            case Or(parts=parts):
                return "(" + " or ".join(map(self._tree, parts)) + ")" if parts else "False"

    def _leaf(self, tree: Leaf) -> str:
        if tree.field is not None and isinstance(tree.test, Pattern | Regex):
            reading = self.fields.reading(self.segment, tree.field)
            if self._is_plain(reading):
                found = self._first(self.leaf.telling(reading, tree.test), tree.test)
                if found is not None:
                    return found
        return self._bool(tree_sql(tree, self.segment, self.fields, self.leaf))

    def _is_plain(self, reading: Reading) -> bool:
        """Whether every place is one text."""
        return all(
            not isinstance(place, Keys)
            and not (isinstance(place, Inside) and place.lists)
            and not (isinstance(place, Value) and place.shared)
            for place in reading.places
        )

    def _first(self, places: Sequence[Place], test: Pattern | Regex) -> str | None:
        if not places:
            return "False"
        first, rest = places[0], places[1:]
        text = self.leaf.text(first)
        ignoring = isinstance(test, Pattern) and not test.cased
        column = self._column(f"lower({text})" if ignoring else text)
        found = self._match(column, test)
        if found is None:
            return None
        later = self._first(rest, test) if rest and not self.leaf.decides(first, test) else "False"
        if later is None:
            return None
        return f"({found} if {column} is not None else {later})"

    def _match(self, column: str, test: Pattern | Regex) -> str | None:
        if isinstance(test, Regex):
            try:
                pattern = compiled(flagged(test.text, test.flags))
            except RegexError:
                return None
            return f"({self._constant(pattern)}.search({column}) is not None)"
        parts = test.parts if test.cased else tuple(lower_text(p) if isinstance(p, str) else p for p in test.parts)
        match parts:
            case ():
                return f"({column} == '')"
            case (str() as whole,):
                return f"({column} == {whole!r})"
            case (Wild(many=True),):
                return "True"
            case (Wild(many=True), str() as middle, Wild(many=True)):
                return f"({middle!r} in {column})"
            case (str() as head, Wild(many=True)):
                return f"{column}.startswith({head!r})"
            case (Wild(many=True), str() as tail):
                return f"{column}.endswith({tail!r})"
            case _:
                text = "".join(re.escape(p) if isinstance(p, str) else ".*" if p.many else "." for p in parts)
                return f"({self._constant(re.compile(text, re.DOTALL))}.fullmatch({column}) is not None)"

    def _constant(self, value: Any) -> str:
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return name
