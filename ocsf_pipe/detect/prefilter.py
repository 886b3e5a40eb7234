"""What an event must contain so that a rule can fire: literals of which one stands in a column, in lower case."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ocsf_pipe.detect.fieldmap import FieldMap, Segment
from ocsf_pipe.detect.leaf import LeafSql
from ocsf_pipe.detect.readings import Inside, Keys, Place, Reading, Value
from ocsf_pipe.detect.tree import And, Leaf, Not, Or, Pattern, Tree
from ocsf_pipe.ops.letter_case import lower_text

Literal: TypeAlias = tuple[str, str]
"""The SQL of a text, and what it contains."""
Clause: TypeAlias = frozenset[Literal]
"""One of them at least holds in every event that satisfies a condition."""
Cost: TypeAlias = Callable[[Literal], float]
SHORTEST = 3
"""Characters of a literal that is rare enough to be looked for; beyond ASCII a single one is."""
_PLAIN = re.compile(r"[a-z0-9 ._-]+")


@dataclass(frozen=True, slots=True)
class AllOf:
    """Each part holds: to look for one of them is enough."""

    parts: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part holds: all of them have to be looked for."""

    parts: tuple[Need, ...]


Need: TypeAlias = "Literal | AllOf | AnyOf"


def need(tree: Tree, segment: Segment, fields: FieldMap, leaf: LeafSql) -> Need | None:
    """What every event that satisfies the condition must contain; None where it can hold without any literal."""
    match tree:
        case Leaf():
            return _leaf(tree, segment, fields, leaf)
        case And(parts=parts):
            found = tuple(one for part in parts if (one := need(part, segment, fields, leaf)) is not None)
            return AllOf(found) if found else None
        case Or(parts=parts):
            found = tuple(one for part in parts if (one := need(part, segment, fields, leaf)) is not None)
            return AnyOf(found) if found and len(found) == len(parts) else None
        case Not():
            return None


def literals(wanted: Need) -> Iterator[Literal]:
    """Yield every literal that could be looked for."""
    if isinstance(wanted, AllOf | AnyOf):
        for part in wanted.parts:
            yield from literals(part)
    else:
        yield wanted


def cheapest(wanted: Need, cost: Cost) -> Clause:
    """The clause that the fewest events satisfy."""
    return _chosen(wanted, cost)[1]


def _chosen(wanted: Need, cost: Cost) -> tuple[float, Clause]:
    if isinstance(wanted, AnyOf):
        each = [_chosen(part, cost) for part in wanted.parts]
        return sum(price for price, _ in each), frozenset().union(*(clause for _, clause in each))
    if isinstance(wanted, AllOf):
        return min((_chosen(part, cost) for part in wanted.parts), key=lambda one: (one[0], _length(one[1])))
    return cost(wanted), frozenset({wanted})


def _length(clause: Clause) -> tuple[int, int]:
    """Fewer and longer literals are the better guess where the sample holds none of them."""
    return len(clause), -min(len(literal) for _, literal in clause)


def _leaf(tree: Leaf, segment: Segment, fields: FieldMap, leaf: LeafSql) -> Literal | None:
    if tree.field is None or not isinstance(tree.test, Pattern):
        return None
    places = leaf.telling(fields.reading(segment, tree.field), tree.test)
    texts = [lower_text(part) for part in tree.test.parts if isinstance(part, str)]
    match places:
        case [Value() as first, *_] if leaf.decides(first, tree.test):
            text = leaf.text(first)
        case [Inside(document="unmapped") as first] if all(isinstance(one, Inside) for one in places):
            # in the text of a document stands what JSON does not escape
            text = leaf.document(first)
            texts = [piece for one in texts for piece in _PLAIN.findall(one)]
        case [Value() as first, *_] if all(_is_text(one) for one in places):
            text = leaf.value(Reading((), tuple(places)))
        case _:
            return None
    longest = max(texts, key=len, default="")
    rare = len(longest) >= SHORTEST or not longest.isascii()
    return (text, longest) if rare and "\0" not in longest else None


def _is_text(place: Place) -> bool:
    """Whether a place is one text, so that the first that is not null is what a test sees."""
    return not isinstance(place, Keys) and not (isinstance(place, Inside) and place.lists)
