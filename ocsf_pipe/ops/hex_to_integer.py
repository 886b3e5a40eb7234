"""The op `hex_to_integer`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT

_HEX = "^(?:0[xX])?0*([0-9a-fA-F]{1,15}|[1-7][0-9a-fA-F]{15})$"


@op(
    takes=(TEXT,),
    gives=INTEGER,
    fails=True,
    examples=[
        Example(("0x3e7",), 999),
        Example(("3E7",), 999),
        Example(("0x7fffffffffffffff",), 9223372036854775807),
        Example(("0xffffffffffffffff",), None, "beyond 64 bits with a sign"),
        Example(("0x",), None),
    ],
)
def hex_to_integer(value: str) -> int | None:
    """Read a hexadecimal integer, with or without `0x`; null when it is none or does not fit 64 bits."""
    found = re.fullmatch(_HEX[1:-1], value)
    return int(found[1], 16) if found else None


@hex_to_integer.sql
def _sql(value: str) -> str:
    return f"try_cast('0x' || nullif(regexp_extract({value}, '{_HEX}', 1), '') as bigint)"
