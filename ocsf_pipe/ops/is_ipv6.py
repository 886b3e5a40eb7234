"""The op `is_ipv6`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.ip_text import V6
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import BOOLEAN, TEXT


@op(
    takes=(TEXT,),
    gives=BOOLEAN,
    examples=[
        Example(("2001:DB8::1",), True),
        Example(("1:2:3:4:5:6:7:8:9",), False),
        Example(("1:2:3:4:5:6:7::",), True),
        Example((None,), None),
    ],
)
def is_ipv6(value: str) -> bool:
    """Whether the whole text is an IPv6 address, without a zone."""
    return re.fullmatch(V6, value) is not None


@is_ipv6.sql
def _sql(value: str) -> str:
    return f"regexp_full_match({value}, '{V6}')"
