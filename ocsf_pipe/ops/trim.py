"""The op `trim`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.sql_text import text_literal
from ocsf_pipe.ops.types import TEXT
from ocsf_pipe.ops.white_space import WHITE_SPACE


@op(
    takes=(TEXT, TEXT),
    gives=TEXT,
    optional=1,
    examples=[
        Example(("  a b\t\n",), "a b"),
        Example(('"quoted"', '"'), "quoted"),
        Example(("\u00a0a",), "\u00a0a", "a no-break space stays"),
        Example((None,), None),
    ],
)
def trim(value: str, chars: str = WHITE_SPACE) -> str:
    """The text without white space, or without any of the given characters, at both ends."""
    return value.strip(chars) if chars else value


@trim.sql
def _sql(value: str, chars: str = text_literal(WHITE_SPACE)) -> str:
    return f"trim({value}, {chars})"
