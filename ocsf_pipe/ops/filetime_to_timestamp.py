"""The op `filetime_to_timestamp`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.arithmetic import MAX_INTEGER
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT, TIMESTAMP

_DIGITS = "^[0-9]{1,19}$"
_TICKS, _TO_1601 = 10_000, 11_644_473_600_000


@op(
    takes=((TEXT, INTEGER),),
    gives=TIMESTAMP,
    fails=True,
    examples=[
        Example(("134151880870060000",), 1770714487006),
        Example((0,), -11644473600000, types=(INTEGER,)),
        Example(("never",), None),
    ],
)
def filetime_to_timestamp(value: str | int) -> int | None:
    """Read a Windows FILETIME: units of 100 ns since 1601-01-01 UTC; null when it is no such number."""
    if not re.fullmatch(_DIGITS[1:-1], str(value)) or int(value) > MAX_INTEGER:
        return None
    return int(value) // _TICKS - _TO_1601


@filetime_to_timestamp.sql
def _sql(value: str) -> str:
    read = f"try_cast(nullif(regexp_extract(cast({value} as varchar), '{_DIGITS}'), '') as bigint)"
    return f"{read} // {_TICKS} - {_TO_1601}"
