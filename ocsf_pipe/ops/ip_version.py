"""The op `ip_version`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.ip_text import V4, V6
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT


@op(
    takes=(TEXT,),
    gives=INTEGER,
    examples=[Example(("192.0.2.1",), 4), Example(("fe80::1",), 6), Example(("localhost",), None)],
)
def ip_version(value: str) -> int | None:
    """4 or 6; null when the text is no address."""
    return 4 if re.fullmatch(V4, value) else (6 if re.fullmatch(V6, value) else None)


@ip_version.sql
def _sql(value: str) -> str:
    four, six = f"regexp_full_match({value}, '{V4}')", f"regexp_full_match({value}, '{V6}')"
    return f"case when {four} then cast(4 as bigint) when {six} then cast(6 as bigint) end"
