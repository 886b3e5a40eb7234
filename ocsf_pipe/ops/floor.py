"""The op `floor`."""

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
        Example((2.9,), 2, types=(FLOAT,)),
        Example((-2.1,), -3, types=(FLOAT,)),
        Example((1e300,), None, "beyond 64 bits", types=(FLOAT,)),
    ],
)
def floor(value: float) -> int | None:
    """The greatest integer that is not greater; null when it does not fit 64 bits."""
    if isinstance(value, int):
        return value
    return math.floor(value) if -(2.0**63) <= value < 2.0**63 else None


@floor.sql
def _sql(value: str) -> str:
    return f"try_cast(floor({value}) as bigint)"
