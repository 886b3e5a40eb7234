r"""Regular expressions that mean the same in RE2 (DuckDB) and in Python.

RE2's classes `\d \w \s` are ASCII and its `$` is the very end; here they are so in Python too. What only one of the
two has (look-around, back-references, possessive quantifiers, `\p{…}`) is refused.
"""

from __future__ import annotations

import functools
import re

from ocsf_pipe.ops.registry import Value

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": "\\t\\n\\f\\r "}
_ANCHORS = {"b": r"(?a:\b)", "B": r"(?a:\B)", "A": r"\A", "z": r"\Z"}
_SAME = frozenset("nrtfva")
_GROUP = re.compile(r"\(\?(?::|P<[A-Za-z_][A-Za-z0-9_]*>)")
_FLAGS = re.compile(r"\(\?[is]+\)")
_REPEAT = re.compile(r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??")
_MOST_REPEATS = 1000


class RegexError(ValueError):
    """The pattern is not one that both engines read alike; the message says why."""


@functools.lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """The Python regular expression that means what `pattern` means to RE2; raises RegexError."""
    try:
        return re.compile(_translated(pattern))
    except (re.error, OverflowError, RecursionError) as error:
        raise RegexError(f"`{pattern}` is no regular expression: {error}") from error


def complaint(_value: Value, pattern: str | None, *_rest: Value) -> str | None:
    """What is wrong with the pattern of a call; None when nothing is."""
    try:
        if pattern is not None:
            compiled(pattern)
    except RegexError as error:
        return str(error)
    return None


def _translated(pattern: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        piece, at = _next(pattern, at)
        out.append(piece)
    return "".join(out)


def _next(pattern: str, at: int) -> tuple[str, int]:
    """The translation of the piece at `at`, and where the next one starts."""
    char = pattern[at]
    if char == "\\":
        return _escape(pattern, at, inside=False)
    if char == "[":
        return _class(pattern, at)
    if char == "$":
        return r"\Z", at + 1
    if char in "*+?{":
        return _repeat(pattern, at)
    if char == "(" and pattern.startswith("(?", at):
        found = _GROUP.match(pattern, at) or (_FLAGS.match(pattern) if at == 0 else None)
        if not found:
            raise RegexError(f"`{pattern[at : at + 4]}` is not supported in a pattern")
        return found[0], found.end()
    return char, at + 1


def _repeat(pattern: str, at: int) -> tuple[str, int]:
    found = _REPEAT.match(pattern, at)
    if not found:
        return "\\{", at + 1  # a brace that counts nothing is itself
    if any(int(number) > _MOST_REPEATS for number in re.findall("[0-9]+", found[0])):
        raise RegexError(f"`{found[0]}` repeats more than {_MOST_REPEATS} times")
    if _REPEAT.match(pattern, found.end()):
        raise RegexError(f"`{pattern[at : found.end() + 1]}` repeats a repetition")
    return found[0], found.end()


def _escape(pattern: str, at: int, *, inside: bool) -> tuple[str, int]:
    """A backslash and what it stands for."""
    letter = pattern[at + 1 : at + 2]
    if letter in _CLASSES and letter:
        return (_CLASSES[letter] if inside else f"[{_CLASSES[letter]}]"), at + 2
    if letter.lower() in _CLASSES and letter and not inside:
        return f"[^{_CLASSES[letter.lower()]}]", at + 2
    if letter in _ANCHORS and not inside:
        return _ANCHORS[letter], at + 2
    if letter == "x" and re.match("[0-9A-Fa-f]{2}", pattern[at + 2 :]):
        return pattern[at : at + 4], at + 4
    if letter in _SAME or (letter.isascii() and not letter.isalnum() and letter):
        return pattern[at : at + 2], at + 2
    raise RegexError(f"`\\{letter}` is not supported in a pattern")


def _class(pattern: str, at: int) -> tuple[str, int]:
    """A class in brackets, closed by the next bare `]` that is not its first character."""
    out, start = ["["], at + 1
    if pattern.startswith("^", start):
        out.append("^")
        start += 1
    at = start
    while at < len(pattern):
        if pattern[at] == "]" and at > start:
            return "".join(out) + "]", at + 1
        if pattern.startswith("[:", at):
            raise RegexError("`[:` is not supported in a pattern")
        if pattern[at] == "\\":
            piece, at = _escape(pattern, at, inside=True)
        else:
            piece, at = ("\\" if pattern[at] in "[]&|~" else "") + pattern[at], at + 1
        out.append(piece)
    raise RegexError("`[` is never closed")
