"""The op `port_of`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT

_PORT = "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9][0-9]|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4})"
_FORM = rf"^(?:\[[^\[\]]+\]|[^:\[\]]*):{_PORT}$"


@op(
    takes=(TEXT,),
    gives=INTEGER,
    examples=[
        Example(("192.0.2.1:443",), 443),
        Example(("[::1]:53",), 53),
        Example(("::1",), None, "an IPv6 address without a port"),
        Example(("db.example",), None),
    ],
)
def port_of(value: str) -> int | None:
    """The port of `host:port` or `[ipv6]:port`; null when there is none."""
    found = re.fullmatch(_FORM[1:-1], value)
    return int(found[1]) if found else None


@port_of.sql
def _sql(value: str) -> str:
    return f"try_cast(regexp_extract({value}, '{_FORM}', 1) as bigint)"
