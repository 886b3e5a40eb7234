"""Upper and lower case, one character to one character, as DuckDB does it: no special casing, no locale."""

from __future__ import annotations

import functools

# Where Python's lower case has two characters, or its upper and title case do, DuckDB's tables have one.
_LOWER = {"\u0130": "i"}
_UPPER = {"\u00df": "\u1e9e"}


def lower_text(text: str) -> str:
    """Every character in lower case."""
    return text.lower() if text.isascii() else "".join(map(_lower, text))


def upper_text(text: str) -> str:
    """Every character in upper case."""
    return text.upper() if text.isascii() else "".join(map(_upper, text))


@functools.cache
def _lower(char: str) -> str:
    return _LOWER.get(char) or _single(char.lower(), char)


@functools.cache
def _upper(char: str) -> str:
    return _UPPER.get(char) or _single(char.upper(), _single(char.title(), char))


def _single(changed: str, otherwise: str) -> str:
    return changed if len(changed) == 1 else otherwise
