"""The op `rtrim`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.sql_text import text_literal
from ocsf_pipe.ops.types import TEXT
from ocsf_pipe.ops.white_space import WHITE_SPACE


@op(
    takes=(TEXT, TEXT),
    gives=TEXT,
    optional=1,
    examples=[Example((" a\r\n",), " a"), Example(("HOST$", "$"), "HOST"), Example((None,), None)],
)
def rtrim(value: str, chars: str = WHITE_SPACE) -> str:
    """The text without white space, or without any of the given characters, at its end."""
    return value.rstrip(chars) if chars else value


@rtrim.sql
def _sql(value: str, chars: str = text_literal(WHITE_SPACE)) -> str:
    return f"rtrim({value}, {chars})"
