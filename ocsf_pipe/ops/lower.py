"""The op `lower`."""

from __future__ import annotations

from ocsf_pipe.ops.letter_case import lower_text
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT


@op(
    takes=(TEXT,),
    gives=TEXT,
    inverse="ignoring case",
    examples=[Example(("Ann@ACME.Example",), "ann@acme.example"), Example(("ΣÉ",), "σé"), Example((None,), None)],
)
def lower(value: str) -> str:
    """The text in lower case, character by character."""
    return lower_text(value)


@lower.sql
def _sql(value: str) -> str:
    return f"lower({value})"
