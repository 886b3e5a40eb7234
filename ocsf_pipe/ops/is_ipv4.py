"""The op `is_ipv4`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.ip_text import V4
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import BOOLEAN, TEXT


@op(
    takes=(TEXT,),
    gives=BOOLEAN,
    examples=[Example(("192.0.2.1",), True), Example(("::1",), False), Example((None,), None)],
)
def is_ipv4(value: str) -> bool:
    """Whether the whole text is an IPv4 address."""
    return re.fullmatch(V4, value) is not None


@is_ipv4.sql
def _sql(value: str) -> str:
    return f"regexp_full_match({value}, '{V4}')"
