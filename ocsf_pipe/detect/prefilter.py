"""What an event must contain so that a rule can fire: literals of which one stands in a column, in lower case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from ocsf_pipe.detect.asks import AllOf, AnyOf, Ask, Every, Flag, Later, Literal, Look, Need, Some, Text, Unless, Word
from ocsf_pipe.detect.required import required
from ocsf_pipe.detect.tree import Pattern, Regex
from ocsf_pipe.ops.letter_case import lower_text

Clause: TypeAlias = frozenset[Literal]
"""One of them at least holds in every event that satisfies a condition."""
Cost: TypeAlias = Callable[[Literal], float]
SHORTEST = 3
"""Letters and digits that a literal of them alone must have to be looked for."""


def need(ask: Ask, text: Text | None = None) -> Need | None:
    """What every event that satisfies the condition must contain; None where it can hold without any literal.

    `text` is the one that words are about.
    """
    match ask:
        case Look(text=about, tree=tree):
            return need(tree, about)
        case Word():
            return _word(ask, text) if text is not None else None
        case Later(hint=hint):
            return hint
        case Every(parts=parts):
            found = tuple(one for part in parts if (one := need(part, text)) is not None)
            return AllOf(found) if found else None
        case Some(parts=parts):
            found = tuple(one for part in parts if (one := need(part, text)) is not None)
            return AnyOf(found) if found and len(found) == len(parts) else None
        case Flag() | Unless():
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
    return len(clause), -min(len(literal.part) for literal in clause)


def _word(word: Word, text: Text) -> Literal | None:
    match word.test:
        case Pattern(parts=parts):
            found = max((lower_text(part) for part in parts if isinstance(part, str)), key=len, default="")
        case Regex(text=pattern, flags=flags):
            found = required(pattern, flags)
        case _:
            return None
    rare = len(found) >= SHORTEST or not (found.isascii() and found.isalnum())
    return Literal(text, found, word.open) if found and rare and "\0" not in found else None
