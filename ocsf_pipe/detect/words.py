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
from ocsf_pipe.detect.matching import flagged, folded, regex_of
from ocsf_pipe.detect.tree import Exists, Null, Pattern, Regex, Wild
from ocsf_pipe.ops.regex_text import compiled

FALSE, OPEN, TRUE = 0, 1, 2
Holds: TypeAlias = Callable[[str, str], bool]
_MANY = Wild()


@dataclass(frozen=True, slots=True)
class Judge:
    """What a condition says of a null, and of which texts it holds.

    `screen` is a regular expression that every text matches for which it may hold; None where there is none.
    """

    null: int
    holds: Holds
    screen: str | None = None

    def of(self, lowers: Iterable[str | None], texts: Iterable[str | None]) -> list[int]:
        """The answer for each text, given in lower case and as it is."""
        null, holds = self.null, self.holds
        pairs = zip(lowers, texts, strict=True)
        return [null if low is None or raw is None else 2 * holds(low, raw) for low, raw in pairs]


def judge(tree: Ask, *, settled: bool) -> Judge:
    """The function of a condition; `settled`: a null is one in every place, which leaves nothing open."""
    null = 2 * _null(tree, settled=settled, sure=True) or _null(tree, settled=settled, sure=False)
    return Judge(int(null), _holds(tree), screen(tree))


def screen(tree: Ask) -> str | None:
    """A regular expression that every text matches for which a condition may hold; None where none says so."""
    match tree:
        case Word(test=Regex(text=text, flags=flags)):
            return f"(?:{flagged(text, flags)})"
        case Some(parts=parts):
            found = [screen(part) for part in parts]
            return "|".join(one for one in found if one) if found and all(found) else None
        case Every(parts=parts):
            return next((f"(?:{one})" for part in parts if (one := screen(part))), None)
        case _:
            return None


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
    kinds: dict[str, list[str]] = {}
    rest: list[Holds] = []
    for part in parts:
        match part:
            case Word(test=Pattern(cased=False) as test):
                kind, literal = _shape(folded(test))
                if kind:
                    kinds.setdefault(kind, []).append(literal)
                    continue
        rest.append(_holds(part))
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
    kind, literal = _shape(parts)
    if kind:
        holds = _of_kind(kind, (literal,))
    else:
        match_ = re.compile(regex_of(parts), re.DOTALL).fullmatch

        def holds(low: str, _raw: str) -> bool:
            return match_(low) is not None

    return (lambda _low, raw: holds(raw, raw)) if test.cased else holds


def _shape(parts: tuple[str | Wild, ...]) -> tuple[str, str]:
    """The kind of a pattern and its literal; no kind where it has more than one."""
    match parts:
        case ():
            return "is", ""
        case (str() as whole,):
            return "is", whole
        case (Wild(many=True),):
            return "contains", ""
        case (Wild(many=True), str() as middle, Wild(many=True)):
            return "contains", middle
        case (str() as head, Wild(many=True)):
            return "starts", head
        case (Wild(many=True), str() as tail):
            return "ends", tail
        case _:
            return "", ""


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
