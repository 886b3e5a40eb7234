"""Type text → `Type`: `integer`, `list({id: text, type: text})`."""

from __future__ import annotations

import re
from itertools import accumulate

from ocsf_pipe.errors import did_you_mean
from ocsf_pipe.ops.types import BOOLEAN, FLOAT, INTEGER, IP, JSON, TEXT, TIMESTAMP, Type, list_of

SCALARS = {
    "text": TEXT,
    "string": TEXT,
    "integer": INTEGER,
    "float": FLOAT,
    "boolean": BOOLEAN,
    "timestamp": TIMESTAMP,
    "ip": IP,
    "json": JSON,
}
_FORM = "write `integer`, `list(text)`, `list({id: text})` …"
_WORD = re.compile(r'\s*(list\b|"[^"]*"|[\w@$.-]+|[(){}:,])')
_MAX_WORDS = 2_000
_MAX_DEPTH = 40


class TypeTextError(ValueError):
    """The text names no type; `hint` says what would."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Keep the remedy apart."""
        super().__init__(message)
        self.hint = hint


def parse_type(text: str) -> Type:
    """Read a type; raises `TypeTextError`."""
    words = _WORD.findall(text)
    if len(words) > _MAX_WORDS or _depth(words) > _MAX_DEPTH:
        raise TypeTextError("the type is larger than one may be", "declare the parts that are read, or `json`")
    if _WORD.sub("", text).strip():
        raise TypeTextError(f"`{text}` is not a type", _FORM)
    kind, rest = _type(words, text)
    if rest:
        raise TypeTextError(f"`{text}` goes on after the type", _FORM)
    return kind


def _depth(words: list[str]) -> int:
    return max(accumulate((1 if word in {"(", "{"} else -1 if word in {")", "}"} else 0) for word in words), default=0)


def _type(words: list[str], text: str) -> tuple[Type, list[str]]:
    if not words:
        raise TypeTextError(f"`{text}` ends too early", _FORM)
    head, rest = words[0], words[1:]
    if head == "list":
        rest = _take(rest, "(", text)
        item, rest = _type(rest, text)
        return list_of(item), _take(rest, ")", text)
    if head == "{":
        return _object(rest, text)
    if head not in SCALARS:
        known = [*SCALARS, "list(…)", "{name: type}"]
        raise TypeTextError(f"unknown type `{head}`", did_you_mean(head, SCALARS) or "types: " + ", ".join(known))
    return SCALARS[head], rest


def _object(words: list[str], text: str) -> tuple[Type, list[str]]:
    fields: list[tuple[str, Type]] = []
    while words and words[0] != "}":
        name, rest = words[0].strip('"'), _take(words[1:], ":", text)
        kind, words = _type(rest, text)
        fields.append((name, kind))
        if words[:1] == [","]:
            words = words[1:]
    return Type("object", fields=tuple(fields)), _take(words, "}", text)


def _take(words: list[str], sign: str, text: str) -> list[str]:
    if words[:1] != [sign]:
        got = f"`{words[0]}`" if words else "the end"
        raise TypeTextError(f"expected `{sign}` in `{text}`, got {got}", _FORM)
    return words[1:]
