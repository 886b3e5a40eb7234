"""The op `to_port`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT

_PORT = r"^0{0,5}(6553[0-5]|655[0-2][0-9]|65[0-4][0-9][0-9]|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4})$"


@op(
    takes=((TEXT, INTEGER),),
    gives=INTEGER,
    fails=True,
    inverse="equals",
    examples=[
        Example(("443",), 443),
        Example((53,), 53, types=(INTEGER,)),
        Example(("70000",), None),
        Example(("https",), None),
        Example((" 80",), None),
    ],
)
def to_port(value: str | int) -> int | None:
    """Read a TCP or UDP port; null when it is not 0-65535."""
    found = re.fullmatch(_PORT[1:-1], str(value))
    return int(found[1]) if found else None


@to_port.sql
def _sql(value: str) -> str:
    return f"try_cast(regexp_extract(cast({value} as varchar), '{_PORT}', 1) as bigint)"
