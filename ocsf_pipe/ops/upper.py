"""The op `upper`."""

from __future__ import annotations

from ocsf_pipe.ops.letter_case import upper_text
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT


@op(
    takes=(TEXT,),
    gives=TEXT,
    inverse="ignoring case",
    examples=[Example(("corp",), "CORP"), Example(("é",), "É"), Example((None,), None)],
)
def upper(value: str) -> str:
    """The text in upper case, character by character."""
    return upper_text(value)


@upper.sql
def _sql(value: str) -> str:
    return f"upper({value})"
