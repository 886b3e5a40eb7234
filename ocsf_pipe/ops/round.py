"""The op `round`."""

from __future__ import annotations

import math

from ocsf_pipe.ops.arithmetic import NUMBERS
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import FLOAT, INTEGER


@op(
    takes=(NUMBERS,),
    gives=INTEGER,
    fails=True,
    examples=[
        Example((2.5,), 3, "half away from zero", types=(FLOAT,)),
        Example((-2.5,), -3, types=(FLOAT,)),
        Example((7,), 7, types=(INTEGER,)),
        Example((1e300,), None, "beyond 64 bits", types=(FLOAT,)),
    ],
)
def round(value: float) -> int | None:
    """The nearest integer, halves away from zero; null when it does not fit 64 bits."""
    if isinstance(value, int):
        return value
    if not -(2.0**63) <= value < 2.0**63:
        return None
    whole = math.floor(math.fabs(value))
    nearest = whole + 1 if math.fabs(value) - whole >= 0.5 else whole
    return nearest if value >= 0 else -nearest


@round.sql
def _sql(value: str) -> str:
    return f"try_cast(round({value}) as bigint)"
