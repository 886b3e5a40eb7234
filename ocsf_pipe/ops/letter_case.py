"""Upper and lower case, one character to one character, as DuckDB does it: no special casing, no locale."""

from __future__ import annotations

import functools

# Python's tables map these to several characters or know them not; DuckDB's map them to one.
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
    changed = _LOWER.get(char) or char.lower()
    return changed if len(changed) == 1 else char


@functools.cache
def _upper(char: str) -> str:
    changed = _UPPER.get(char) or char.upper()
    return changed if len(changed) == 1 else char
