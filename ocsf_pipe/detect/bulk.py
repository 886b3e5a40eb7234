"""Conditions over many texts at once, which mean what the functions of `words` mean of each.

What a regular expression says is polars' word for ASCII texts alone: beyond, and for the vertical tab, it knows other
classes of characters than DuckDB. Those texts are left to `words`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import polars as pl

from ocsf_pipe.detect.asks import Ask, Every, Some, Unless, Word
from ocsf_pipe.detect.matching import flagged, folded, regex_of
from ocsf_pipe.detect.shapes import by_shape, shape
from ocsf_pipe.detect.tree import Exists, Null, Pattern, Regex

Held: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.bool_]]"
_FEW = 3
"""Literals that are looked for one by one."""
_ELSE = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*?(?:&&|--|~~|\[)|\\[<>]|\\[bB]\{", re.DOTALL)
"""What means something else to polars: operations on classes of characters, and ends of words."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts that are not null, in lower case and as they are."""

    lowers: pl.Series
    texts: pl.Series

    def of(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Texts:
        """Some of them."""
        return Texts(self.lowers.gather(rows), self.texts.gather(rows))


Bulk: TypeAlias = Callable[[Texts], Held]


def bulk(tree: Ask) -> Bulk | None:
    """The function of a condition; None where polars does not read one of its regular expressions as DuckDB does."""
    match tree:
        case Word(test=Regex(text=text, flags=flags)):
            pattern = _known(flagged(text, flags))
            return None if pattern is None else lambda some: _held(some.texts.str.contains(pattern))
        case Word(test=Pattern() | Null() | Exists() as test):
            return _word(test)
        case Unless(part=part):
            inner = bulk(part)
            return None if inner is None else lambda some: ~inner(some)
        case Every(parts=parts):
            return _joined(sorted(parts, key=costs), _all)
        case Some(parts=parts):
            kinds, rest = by_shape(parts)
            firsts = [_of_kind(kind, texts) for kind, texts in kinds.items()]
            return _joined(sorted(rest, key=costs), lambda found: _any([*firsts, *found]))
        case _:
            raise TypeError(f"{type(tree).__name__} is not about one text")


def screen(tree: Ask) -> str | None:
    """A regular expression that every text matches for which a condition may hold; None where none is known."""
    match tree:
        case Word(test=Regex(text=text, flags=flags)):
            return _known(flagged(text, flags))
        case Every(parts=parts):
            return next((one for part in parts if (one := screen(part)) is not None), None)
        case Some(parts=parts):
            found = [one for part in parts if (one := screen(part)) is not None]
            return either(found) if len(found) == len(parts) else None
        case _:
            return None


def either(patterns: Sequence[str]) -> str | None:
    """A regular expression for texts that match one of some; None where there is none, or polars takes none so big."""
    return _known("|".join(f"(?:{one})" for one in patterns)) if patterns else None


def costs(tree: Ask) -> bool:
    """Whether a regular expression is part of a condition."""
    match tree:
        case Word(test=test):
            return isinstance(test, Regex)
        case Unless(part=part):
            return costs(part)
        case Every(parts=parts) | Some(parts=parts):
            return any(map(costs, parts))
        case _:
            return False


@lru_cache(maxsize=4096)
def _known(pattern: str) -> str | None:
    """A regular expression as polars takes it; it is fast without the classes of characters beyond ASCII."""
    if _ELSE.search(pattern):
        return None
    for one in (f"(?-u){pattern}", pattern):
        if pl.Series([""]).str.contains(one, strict=False)[0] is not None:
            return one
    return None


def _word(test: Pattern | Null | Exists) -> Bulk:
    if isinstance(test, Null | Exists):
        there = isinstance(test, Exists) and test.there
        return lambda some: np.full(len(some.texts), there, np.bool_)
    kind, literal = shape(folded(test))
    if kind:
        holds = _of_kind(kind, [literal])
    else:
        pattern = f"(?s)^{regex_of(folded(test))}$"

        def holds(some: Texts) -> Held:
            return _held(some.lowers.str.contains(pattern))

    return (lambda some: holds(Texts(some.texts, some.texts))) if test.cased else holds


def _of_kind(kind: str, literals: Sequence[str]) -> Bulk:
    """Which texts are, start with, end with or contain one of some."""
    if kind == "is":
        wanted = pl.Series(literals, dtype=pl.String)
        return lambda some: _held(some.lowers.is_in(wanted.implode()))
    if kind == "contains" and len(literals) > _FEW and all(literals):
        return lambda some: _held(some.lowers.str.contains_any(list(literals)))
    return _any([_one(kind, literal) for literal in literals])


def _one(kind: str, literal: str) -> Bulk:
    if kind == "starts":
        return lambda some: _held(some.lowers.str.starts_with(literal))
    if kind == "ends":
        return lambda some: _held(some.lowers.str.ends_with(literal))
    return lambda some: _held(some.lowers.str.contains(literal, literal=True))


def _joined(parts: Sequence[Ask], join: Callable[[list[Bulk]], Bulk]) -> Bulk | None:
    found = [one for part in parts if (one := bulk(part)) is not None]
    return join(found) if len(found) == len(parts) else None


def _all(parts: Sequence[Bulk]) -> Bulk:
    """A part is asked of the texts alone that the parts before it leave."""
    return lambda some: _asked(parts, some, until=False)


def _any(parts: Sequence[Bulk]) -> Bulk:
    return lambda some: _asked(parts, some, until=True)


def _asked(parts: Sequence[Bulk], some: Texts, *, until: bool) -> Held:
    """Whether a part says `until`, and the opposite where none does."""
    found = np.full(len(some.texts), not until, np.bool_)
    left = np.arange(len(found))
    for part in parts:
        if not left.size:
            break
        said = part(some if left.size == len(found) else some.of(left)) == until
        found[left[said]] = until
        left = left[~said]
    return found


def _held(found: pl.Series) -> Held:
    held: Held = found.to_numpy()
    return held
