"""The op `base64_encode`."""

from __future__ import annotations

import base64

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT


@op(
    takes=(TEXT,),
    gives=TEXT,
    examples=[Example(("hello",), "aGVsbG8="), Example(("",), ""), Example((None,), None)],
)
def base64_encode(value: str) -> str:
    """The Base64 of a text's UTF-8, with padding."""
    return base64.b64encode(value.encode()).decode()


@base64_encode.sql
def _sql(value: str) -> str:
    return f"to_base64(encode({value}))"
