"""The op `base64_decode`."""

from __future__ import annotations

import base64
import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT

_FORM = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


@op(
    takes=(TEXT,),
    gives=TEXT,
    fails=True,
    examples=[
        Example(("aGVsbG8=",), "hello"),
        Example(("",), ""),
        Example(("aGVsbG8",), None, "padding is required"),
        Example(("/w==",), None, "not UTF-8"),
    ],
)
def base64_decode(value: str) -> str | None:
    """The UTF-8 text that Base64 holds; null when it is not Base64 with padding, or the bytes are not UTF-8."""
    try:
        return base64.b64decode(value).decode() if re.fullmatch(_FORM[1:-1], value) else None
    except UnicodeDecodeError:
        return None


@base64_decode.sql
def _sql(value: str) -> str:
    return f"try(decode(from_base64(case when regexp_matches({value}, '{_FORM}') then {value} end)))"
