"""Expression text → tokens, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

KEYWORDS = frozenset("case when then else end and or not in like is null true false between".split())

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<text>'(?:[^']|'')*')|"
    r'(?P<quoted>"(?:[^"]|"")*")|(?P<word>[A-Za-z_@$][\w@$]*)|(?P<sign>\|\||<=|>=|<>|!=|[-+*/%=<>(),.\[\]])'
)

_STRAY = {"'": "end the text with another `'`", '"': 'end the key with another `"`'}


class ExpressionError(ValueError):
    """The text is no expression, or (`too_big`) more of one than is read; `at` and `end` are offsets into it."""

    def __init__(self, message: str, at: int, end: int, hint: str | None = None, *, too_big: bool = False) -> None:
        """Keep the place and the remedy beside the fact."""
        super().__init__(message)
        self.at = at
        self.end = end
        self.hint = hint
        self.too_big = too_big


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an expression, from `at` up to `end`."""

    kind: str
    text: str
    at: int
    end: int


def tokenize(text: str) -> list[Token]:
    """Split into tokens; raises `ExpressionError` at the first character that starts none."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"`{text[at]}` cannot stand here", at, at + 1, _STRAY.get(text[at]))
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), at, match.end()))
        at = match.end()
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens
