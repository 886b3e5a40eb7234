"""The op `regex_replace`."""

from __future__ import annotations

import functools
import re

from ocsf_pipe.ops.regex_text import compiled, complaint
from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import TEXT

_REFERENCE = re.compile(r"\\([0-9\\])", re.DOTALL)


def _complaint(_value: Value, pattern: str | None, new: str | None) -> str | None:
    fact = complaint(_value, pattern)
    if fact or pattern is None or new is None:
        return fact
    if "\\" in _REFERENCE.sub("", new):
        return "a backslash in the replacement is written `\\\\`"
    numbers = [int(n) for n in _REFERENCE.findall(new) if n != "\\"]
    wrong = next((n for n in numbers if n > compiled(pattern).groups), None)
    return None if wrong is None else f"`{pattern}` has no group {wrong}"


@op(
    takes=(TEXT, TEXT, TEXT),
    gives=TEXT,
    constant=(1, 2),
    complaint=_complaint,
    examples=[
        Example(("GET /users/42/keys/7", "/[0-9]+", "/N"), "GET /users/N/keys/N"),
        Example(("Doe, Ann", r"^(\w+), (\w+)$", r"\2 \1"), "Ann Doe"),
        Example(("abxd", "x*", "-"), "-a-b-d-"),
        Example((None, "a", "b"), None),
    ],
)
def regex_replace(value: str, pattern: str, new: str) -> str:
    r"""Replace every match of a regular expression; `\1` in the replacement is the first group, `\0` the match."""
    out: list[str] = []
    at = copied = 0
    last_end = -1
    while at <= len(value) and (found := compiled(pattern).search(value, at)):
        start, end = found.span()
        if start == end == last_end:  # no empty match right behind a match
            at += 1
            continue
        out += (value[copied:start], _REFERENCE.sub(functools.partial(_expand, found), new))
        at = copied = last_end = end
    return "".join(out) + value[copied:]


def _expand(found: re.Match[str], reference: re.Match[str]) -> str:
    return "\\" if reference[1] == "\\" else (found[int(reference[1])] or "")


@regex_replace.sql
def _sql(value: str, pattern: str, new: str) -> str:
    return f"regexp_replace({value}, {pattern}, {new}, 'g')"
