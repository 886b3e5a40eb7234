"""Conditions over one text as Python functions, which mean what their SQL means.

A function takes a text in lower case and as it is. Answers are FALSE, OPEN and TRUE, numbers in this order, so that
`min` is and, `max` is or.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ocsf_pipe.detect.asks import Ask, Every, Some, Unless, Word
from ocsf_pipe.detect.bulk import Bulk, bulk
from ocsf_pipe.detect.matching import flagged, folded, regex_of
from ocsf_pipe.detect.shapes import by_shape, shape
from ocsf_pipe.detect.tree import Exists, Null, Pattern, Regex
from ocsf_pipe.ops.regex_text import compiled

FALSE, OPEN, TRUE = 0, 1, 2
Holds: TypeAlias = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Judge:
    """What a condition says of a null, and of which texts it holds: asked of each, or of many ASCII texts at once."""

    null: int
    holds: Holds
    bulk: Bulk | None = None

    def of(self, lowers: Iterable[str | None], texts: Iterable[str | None]) -> list[int]:
        """The answer for each text, given in lower case and as it is."""
        null, holds = self.null, self.holds
        pairs = zip(lowers, texts, strict=True)
        return [null if low is None or raw is None else 2 * holds(low, raw) for low, raw in pairs]


def judge(tree: Ask, *, settled: bool) -> Judge:
    """The function of a condition; `settled`: a null is one in every place, which leaves nothing open."""
    null = 2 * _null(tree, settled=settled, sure=True) or _null(tree, settled=settled, sure=False)
    return Judge(int(null), _holds(tree), bulk(tree))


def _null(tree: Ask, *, settled: bool, sure: bool) -> bool:
    """Whether a condition holds of a null: for sure, or perhaps."""
    match tree:
        case Word(test=test, open=open_):
            if open_ and not settled:
                return not sure
            return isinstance(test, Null) or (isinstance(test, Exists) and not test.there)
        case Unless(part=part):
            return not _null(part, settled=settled, sure=not sure)
        case Every(parts=parts):
            return all(_null(part, settled=settled, sure=sure) for part in parts)
        case Some(parts=parts):
            return any(_null(part, settled=settled, sure=sure) for part in parts)
        case _:
            raise TypeError(f"{type(tree).__name__} is not about one text")


def _holds(tree: Ask) -> Holds:
    match tree:
        case Word(test=test):
            return _word(test)
        case Unless(part=part):
            inner = _holds(part)
            return lambda low, raw: not inner(low, raw)
        case Every(parts=parts):
            return _all([_holds(part) for part in parts])
        case Some(parts=parts):
            return _any(parts)
        case _:
            raise TypeError(f"{type(tree).__name__} is not about one text")


def _all(found: Sequence[Holds]) -> Holds:
    def holds(low: str, raw: str) -> bool:
        for one in found:  # noqa: SIM110 - a generator costs as much as a test
            if not one(low, raw):
                return False
        return True

    return holds


def _any(parts: Sequence[Ask]) -> Holds:
    """Literals of one kind are looked for together."""
    kinds, others = by_shape(parts)
    rest = [_holds(part) for part in others]
    together = [_of_kind(kind, tuple(texts)) for kind, texts in kinds.items()] + rest
    if len(together) == 1:
        return together[0]

    def holds(low: str, raw: str) -> bool:
        for one in together:  # noqa: SIM110 - a generator costs as much as a test
            if one(low, raw):
                return True
        return False

    return holds


def _word(test: Pattern | Regex | Null | Exists) -> Holds:
    if isinstance(test, Null | Exists):
        there = isinstance(test, Exists) and test.there
        return lambda _low, _raw: there
    if isinstance(test, Regex):
        search = compiled(flagged(test.text, test.flags)).search
        return lambda _low, raw: search(raw) is not None
    parts = folded(test)
    kind, literal = shape(parts)
    if kind:
        holds = _of_kind(kind, (literal,))
    else:
        match_ = re.compile(regex_of(parts), re.DOTALL).fullmatch

        def holds(low: str, _raw: str) -> bool:
            return match_(low) is not None

    return (lambda _low, raw: holds(raw, raw)) if test.cased else holds


def _of_kind(kind: str, texts: tuple[str, ...]) -> Holds:
    """Whether a text is, starts with, ends with or contains one of some."""
    if kind == "is":
        wanted = frozenset(texts)
        return lambda low, _raw: low in wanted
    if kind == "starts":
        return lambda low, _raw: low.startswith(texts)
    if kind == "ends":
        return lambda low, _raw: low.endswith(texts)
    if len(texts) == 1:
        (only,) = texts
        return lambda low, _raw: only in low

    def contains(low: str, _raw: str) -> bool:
        for text in texts:  # noqa: SIM110 - a generator costs as much as a test
            if text in low:
                return True
        return False

    return contains
