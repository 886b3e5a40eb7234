"""Where one SQL statement ends and the next begins."""

from __future__ import annotations

import re

# quoted text and names, dollar quotes and comments hide a semicolon; an unfinished one runs to the end
_PIECE = re.compile(
    r"""'(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z) | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)
      | --[^\n]* | /\*.*?(?:\*/|\Z) | ; | [^'"$;/-]+ | .""",
    re.VERBOSE | re.DOTALL,
)
_COMMENTS = re.compile(r"\s*(?:--[^\n]*(?:\n|\Z)|/\*.*?\*/|\s)*", re.DOTALL)


def split_statements(text: str) -> tuple[list[str], str]:
    """Return the statements that a `;` ends, without it, and the text behind the last one.

    Statements of comments and blanks alone are left out.
    """
    done: list[str] = []
    current = ""
    for piece in _PIECE.finditer(text):
        if piece[0] != ";":
            current += piece[0]
            continue
        if not _COMMENTS.fullmatch(current):
            done.append(current.strip())
        current = ""
    return done, current
