"""Tests as SQL over a text, and over a constant text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ocsf_pipe.detect.tree import Cidr, Compare, FieldRef, Number, Pattern, Regex, Test, TimePart, Wild
from ocsf_pipe.ops import OPS
from ocsf_pipe.ops.letter_case import lower_text
from ocsf_pipe.ops.sql_text import text_literal
from ocsf_pipe.ops.types import TEXT

_LIKE = re.compile(r"([%_\\])")
_PARTS = {"minute": "minute", "hour": "hour", "day": "day", "week": "week", "month": "month", "year": "year"}


def match_sql(text: str, test: Test, *, lowered: str | None = None) -> str:
    """The SQL that says whether a text that is not null passes; null for a null one.

    `lowered` is SQL of the same text in lower case, where that is known already.
    """
    match test:
        case Pattern():
            return _pattern(text if test.cased else lowered or f"lower({text})", test)
        case Number(number=number):
            exact = f"{text} = {text_literal(_digits(number))}"
            return f"({exact} or coalesce(try_cast({text} as double) = {float(number)!r}, false))"
        case Regex(text=pattern, flags=flags):
            return f"regexp_matches({text}, {text_literal(flagged(pattern, flags))})"
        case Cidr(network=network):
            return OPS["in_cidr"].to_sql([text, text_literal(network)], [TEXT, TEXT])
        case Compare(sign=sign, number=number):
            return f"try_cast({text} as double) {sign} {number}"
        case TimePart(unit=unit, number=number):
            return f"date_part('{_PARTS[unit]}', try_cast({text} as timestamptz) at time zone 'UTC') = {number}"
        case _:
            raise TypeError(f"no SQL for {type(test).__name__}")


def flagged(pattern: str, flags: str) -> str:
    """A regular expression with its flags written into it."""
    return f"(?{flags}){pattern}" if flags else pattern


def folded(test: Pattern) -> tuple[str | Wild, ...]:
    """The parts of a pattern, in lower case where letter case is ignored."""
    return test.parts if test.cased else tuple(lower_text(p) if isinstance(p, str) else p for p in test.parts)


def regex_of(parts: Iterable[str | Wild]) -> str:
    """The parts of a pattern as a regular expression that a whole text matches, where `.` is any character."""
    return "".join(re.escape(p) if isinstance(p, str) else ".*" if p.many else "." for p in parts)


def same_sql(text: str, other: str, test: FieldRef) -> str:
    """The SQL of a comparison of two fields."""
    one, two = f"lower({text})", f"lower({other})"
    if test.starts and test.ends:
        return f"contains({one}, {two})"
    if test.starts:
        return f"starts_with({one}, {two})"
    return f"ends_with({one}, {two})" if test.ends else f"{one} = {two}"


def _digits(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)


def _pattern(text: str, test: Pattern) -> str:
    parts = folded(test)
    match parts:
        case ():
            return f"{text} = ''"
        case (str() as whole,):
            return f"{text} = {text_literal(whole)}"
        case (Wild(many=True),):
            return f"(case when {text} is not null then true end)"
        case (Wild(many=True), str() as middle, Wild(many=True)):
            return f"contains({text}, {text_literal(middle)})"
        case (str() as head, Wild(many=True)):
            return f"starts_with({text}, {text_literal(head)})"
        case (Wild(many=True), str() as tail):
            return f"ends_with({text}, {text_literal(tail)})"
        case _:
            return f"{text} like {text_literal(''.join(map(_like, parts)))} escape '\\'"


def _like(part: str | Wild) -> str:
    if isinstance(part, str):
        return _LIKE.sub(r"\\\1", part)
    return "%" if part.many else "_"


@lru_cache(maxsize=1 << 16)
def passes(text: str, test: Test) -> bool:
    """Whether a constant text passes; for the texts of an enum and those that a mapping takes for none."""
    match test:
        case Pattern():
            return _is_like(text if test.cased else lower_text(text), test)
        case Number(number=number):
            return text == _digits(number) or _number(text) == number
        case Regex(text=pattern, flags=flags):
            return re.search(flagged(pattern, flags), text) is not None
        case Cidr(network=network):
            return bool(OPS["in_cidr"].call([text, network], [TEXT, TEXT]))
        case Compare(sign=sign, number=number):
            return _compared(_number(text), sign, number)
        case _:
            return False


def _is_like(text: str, test: Pattern) -> bool:
    parts = folded(test)
    if sum(len(part) for part in parts if isinstance(part, str)) > len(text):
        return False
    return re.fullmatch(regex_of(parts), text, re.DOTALL) is not None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _compared(value: float | None, sign: str, number: float) -> bool:
    if value is None:
        return False
    return {
        "<": value < number,
        "<=": value <= number,
        ">": value > number,
        ">=": value >= number,
        "<>": value != number,
    }[sign]


def ignores_case(test: Test) -> bool:
    """Whether a test means the same of a text in another letter case."""
    if isinstance(test, Pattern):
        return not test.cased
    return not isinstance(test, Regex) or "i" in test.flags
