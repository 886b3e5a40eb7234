"""The op `to_text`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.time_text import FIRST, LAST, to_iso
from ocsf_pipe.ops.types import BOOLEAN, FLOAT, INTEGER, TEXT, TIMESTAMP, Type


@op(
    takes=((TEXT, INTEGER, FLOAT, BOOLEAN, TIMESTAMP),),
    gives=TEXT,
    typed=True,
    examples=[
        Example((443,), "443", types=(INTEGER,)),
        Example((True,), "true", types=(BOOLEAN,)),
        Example((1e16,), "1e+16", types=(FLOAT,)),
        Example((1770714487006,), "2026-02-10T09:08:07.006Z", types=(TIMESTAMP,)),
        Example((253402300800000,), None, "after the year 9999", types=(TIMESTAMP,)),
    ],
)
def to_text(value: Value, *, types: tuple[Type, ...]) -> str | None:
    """Any scalar as text: numbers in digits, `true` or `false`, times as ISO 8601 in UTC with milliseconds."""
    if types[0] == TIMESTAMP:
        return to_iso(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


@to_text.sql
def _sql(value: str, *, types: tuple[Type, ...]) -> str:
    if types[0] != TIMESTAMP:
        return f"cast({value} as varchar)"
    known = f"case when {value} between {FIRST} and {LAST} then {value} end"
    return f"strftime(make_timestamp_ms({known}), '%Y-%m-%dT%H:%M:%S.%gZ')"
