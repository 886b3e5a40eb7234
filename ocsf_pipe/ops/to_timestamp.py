"""The op `to_timestamp`."""

from __future__ import annotations

import re
from decimal import ROUND_FLOOR, Decimal

from ocsf_pipe.ops.arithmetic import within
from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.sql_text import constant_text
from ocsf_pipe.ops.time_text import ISO, from_iso
from ocsf_pipe.ops.types import FLOAT, INTEGER, TEXT, TIMESTAMP, Type

_FACTORS = {"s": "1000.0", "ms": "1.0", "us": "0.001", "ns": "0.000001"}
_WHOLE = 1e16
_BEFORE_ZONE = "^.{10}[T0-9:. ]*"
_NUMBER = r"^([+-]?[0-9]{1,19}(?:\.[0-9]{9}|\.[0-9]{1,8}$|$))[0-9]*$"


def _gives(types: tuple[Type, ...]) -> Type | None:
    numeric = types[0] in (INTEGER, FLOAT)
    return TIMESTAMP if len(types) == 1 + numeric or types[1:] == (TEXT,) else None


def _complaint(_value: Value, unit: str | None = None) -> str | None:
    return None if unit is None or unit in _FACTORS else f"unit `{unit}` is not one of `s`, `ms`, `us`, `ns`"


@op(
    takes=((TEXT, INTEGER, FLOAT, TIMESTAMP), TEXT),
    gives=_gives,
    optional=1,
    constant=(1,),
    complaint=_complaint,
    fails=True,
    typed=True,
    examples=[
        Example(("2026-02-10T09:08:07.0061Z",), 1770714487006),
        Example(("2026-02-10 10:08:07.006 +0100",), 1770714487006),
        Example(("2026-02-10",), 1770681600000, "midnight, UTC"),
        Example(("1601-01-01T00:00:00",), -11644473600000),
        Example(("0001-01-01T00:00:00.9999",), -62135596799001, "digits beyond the third are cut off"),
        Example(("2026-02-30T00:00:00Z",), None, "no such day"),
        Example(("1770714487.0069", "s"), 1770714487006),
        Example((1770714487006999, "us"), 1770714487006, types=(INTEGER, TEXT)),
        Example((1770714487.25, "s"), 1770714487250, types=(FLOAT, TEXT)),
        Example(("1770714487006999999", "ns"), 1770714487006),
        Example((1.770714487006e18, "ns"), 1770714487006, types=(FLOAT, TEXT)),
        Example((1770714487.006, "s"), 1770714487006, "as it is written", types=(FLOAT, TEXT)),
        Example(("-1", "ns"), -1, "towards the past"),
        Example(("soon", "s"), None),
    ],
)
def to_timestamp(value: str | float, unit: str | None = None, *, types: tuple[Type, ...]) -> int | None:
    """Read a time: ISO 8601 text (UTC where no zone is), or a number of `s`, `ms`, `us` or `ns` since 1970 UTC."""
    if types[0] == TIMESTAMP:
        return int(value)
    if unit is None:
        return from_iso(str(value))
    found = re.fullmatch(_NUMBER[1:-1].replace("$", r"\Z"), _digits(value))
    if not found:
        return None
    return within(int((Decimal(found[1]) * Decimal(_FACTORS[unit])).to_integral_value(ROUND_FLOOR)))  # type: ignore[return-value]


def _digits(value: str | float) -> str:
    """The number as it is written; a float so large that it is whole, without an exponent."""
    whole = isinstance(value, float) and _WHOLE <= abs(value) < 2.0**63
    return str(int(value) if whole else value)


def _zone_sql(value: str) -> str:
    """Milliseconds that the zone at the end of an ISO text is ahead of UTC; most texts end in `Z`, which is quick."""
    sign = f"regexp_extract({value}, '{_BEFORE_ZONE}([+-])', 1)"
    hours = f"try_cast(regexp_extract({value}, '{_BEFORE_ZONE}([+-][0-9]{{2}})', 1) as bigint)"
    minutes = f"regexp_extract({value}, '{_BEFORE_ZONE}[+-][0-9]{{2}}:?([0-9]{{2}})$', 1)"
    offset = f"coalesce({hours} * 3600000, 0) + coalesce(try_cast({sign} || {minutes} as bigint) * 60000, 0)"
    return f"case when ends_with({value}, 'Z') then 0 else {offset} end"


@to_timestamp.sql
def _sql(value: str, unit: str | None = None, *, types: tuple[Type, ...]) -> str:
    if types[0] == TIMESTAMP:
        return value
    if unit is None:
        local = f"\"left\"(nullif(regexp_extract({value}, '{ISO}', 1), ''), 23)"
        return f"epoch_ms(try_cast({local} as timestamp)) - {_zone_sql(value)}"
    text = f"cast({value} as varchar)"
    if types[0] == FLOAT:
        text = f"case when abs({value}) >= {_WHOLE} then cast(try_cast({value} as bigint) as varchar) else {text} end"
    number = f"try_cast(nullif(regexp_extract({text}, '{_NUMBER}', 1), '') as decimal(28, 9))"
    return f"try_cast(floor({number} * {_FACTORS[constant_text(unit)]}) as bigint)"
