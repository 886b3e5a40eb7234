"""The op `to_integer`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.arithmetic import within
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT

_INTEGER = r"^([+-]?[0-9]+)(?:\.0+)?$"


@op(
    takes=((TEXT, INTEGER),),
    gives=INTEGER,
    fails=True,
    inverse="equals",
    examples=[
        Example(("-42",), -42),
        Example(("7.0",), 7, "as JSON may have it"),
        Example(("1_000",), None),
        Example(("0x1f",), None, "see hex_to_integer"),
        Example(("9223372036854775808",), None, "beyond 64 bits"),
        Example((7,), 7, types=(INTEGER,)),
    ],
)
def to_integer(value: str | int) -> int | None:
    """Read an integer in decimal digits; null when it is none or does not fit 64 bits."""
    found = re.fullmatch(_INTEGER[1:-1], str(value))
    digits = found[1].lstrip("+-").lstrip("0") if found else "0" * 99
    if not found or len(digits) > len("9223372036854775808"):
        return None
    return within(int(digits or 0) * (-1 if found[1].startswith("-") else 1))  # type: ignore[return-value]


@to_integer.sql
def _sql(value: str) -> str:
    return f"try_cast(regexp_extract(cast({value} as varchar), '{_INTEGER}', 1) as bigint)"
