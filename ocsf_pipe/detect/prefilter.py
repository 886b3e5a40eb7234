"""What an event must contain so that a rule can fire: literals of which one stands in a column, in lower case."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from ocsf_pipe.detect.fieldmap import FieldMap, Segment
from ocsf_pipe.detect.leaf import LeafSql
from ocsf_pipe.detect.readings import Inside, Keys, Place, Reading, Value
from ocsf_pipe.detect.tree import And, Leaf, Not, Or, Pattern, Tree
from ocsf_pipe.ops.letter_case import lower_text

Clause: TypeAlias = frozenset[tuple[str, str]]
"""Pairs of the SQL of a text and a literal: one of them at least holds in every event that satisfies the condition."""
Cost: TypeAlias = Callable[[Clause], float]
SHORTEST = 3
_PLAIN = re.compile(r"[a-z0-9 ._-]+")


def clauses(tree: Tree, segment: Segment, fields: FieldMap, leaf: LeafSql) -> list[Clause]:
    """Every clause that the condition implies; none where it can hold without any literal."""
    match tree:
        case Leaf():
            found = _leaf(tree, segment, fields, leaf)
            return [] if found is None else [frozenset({found})]
        case And(parts=parts):
            return [clause for part in parts for clause in clauses(part, segment, fields, leaf)]
        case Or(parts=parts):
            each = [clauses(part, segment, fields, leaf) for part in parts]
            if not parts or not all(each):
                return []
            return [frozenset().union(*(min(one, key=_length) for one in each))]
        case Not():
            return []


def _length(clause: Clause) -> tuple[int, int]:
    """Fewer and longer literals are the better guess before anything has been counted."""
    return len(clause), -min(len(literal) for _, literal in clause)


def cheapest(found: Iterable[Clause], cost: Cost) -> Clause | None:
    """The clause that the fewest events satisfy; None where there is none."""
    return min(found, key=lambda clause: (cost(clause), _length(clause)), default=None)


def _leaf(tree: Leaf, segment: Segment, fields: FieldMap, leaf: LeafSql) -> tuple[str, str] | None:
    if tree.field is None or not isinstance(tree.test, Pattern):
        return None
    places = leaf.telling(fields.reading(segment, tree.field), tree.test)
    literals = [lower_text(part) for part in tree.test.parts if isinstance(part, str)]
    match places:
        case [Value() as first, *_] if leaf.decides(first, tree.test):
            text = leaf.text(first)
        case [Inside(document="unmapped") as first] if all(isinstance(one, Inside) for one in places):
            # in the text of a document stands what JSON does not escape
            text = leaf.document(first)
            literals = [piece for literal in literals for piece in _PLAIN.findall(literal)]
        case [Value() as first, *_] if all(_is_text(one) for one in places):
            text = leaf.value(Reading((), tuple(places)))
        case _:
            return None
    longest = max(literals, key=len, default="")
    return (text, longest) if len(longest) >= SHORTEST and "\0" not in longest else None


def _is_text(place: Place) -> bool:
    """Whether a place is one text, so that the first that is not null is what a test sees."""
    return not isinstance(place, Keys) and not (isinstance(place, Inside) and place.lists)
