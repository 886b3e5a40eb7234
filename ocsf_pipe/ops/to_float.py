"""The op `to_float`."""

from __future__ import annotations

import math
import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import FLOAT, INTEGER, TEXT

_FLOAT = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"


@op(
    takes=((TEXT, FLOAT),),
    gives=FLOAT,
    fails=True,
    examples=[
        Example(("0.25",), 0.25),
        Example(("1e3",), 1000.0),
        Example(("nan",), None),
        Example(("1e999",), None, "beyond a float"),
        Example((3,), 3.0, types=(INTEGER,)),
    ],
)
def to_float(value: str | float) -> float | None:
    """Read a number with an optional fraction and exponent; null when it is none or not finite."""
    number = value if not isinstance(value, str) else (float(value) if re.fullmatch(_FLOAT[1:-1], value) else math.nan)
    return float(number) if math.isfinite(number) else None


@to_float.sql
def _sql(value: str) -> str:
    read = f"try_cast(nullif(regexp_extract(cast({value} as varchar), '{_FLOAT}'), '') as double)"
    return f"nullif(nullif({read}, 'infinity'), '-infinity')"
