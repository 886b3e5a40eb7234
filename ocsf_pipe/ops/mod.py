"""The op `mod`."""

from __future__ import annotations

import math

from ocsf_pipe.ops.arithmetic import MIN_INTEGER, NUMBERS, number
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER


@op(
    takes=(NUMBERS, NUMBERS),
    gives=number,
    operator=True,
    fails=True,
    examples=[
        Example((7, 4), 3, types=(INTEGER, INTEGER)),
        Example((-7, 4), -3, "the sign of the left one", types=(INTEGER, INTEGER)),
        Example((7, 0), None, types=(INTEGER, INTEGER)),
    ],
)
def mod(left: float, right: float) -> int | float | None:
    """The remainder of a division, with the sign of the dividend; null when the divisor is zero."""
    if not right or (left == MIN_INTEGER and right == -1 and isinstance(right, int)):
        return None
    if isinstance(left, int) and isinstance(right, int):
        return int(math.copysign(1, left)) * (abs(left) % abs(right))
    return math.nan if math.isinf(left) else math.fmod(left, right)


@mod.sql
def _sql(left: str, right: str) -> str:
    return f"try({left} % nullif({right}, 0))"
