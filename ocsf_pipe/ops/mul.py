"""The op `mul`."""

from __future__ import annotations

from ocsf_pipe.ops.arithmetic import NUMBERS, number, within
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import FLOAT, INTEGER


@op(
    takes=(NUMBERS, NUMBERS),
    gives=number,
    operator=True,
    fails=True,
    examples=[
        Example((6, 7), 42, types=(INTEGER, INTEGER)),
        Example((0.5, 3), 1.5, types=(FLOAT, INTEGER)),
        Example((4611686018427387904, 2), None, "beyond 64 bits", types=(INTEGER, INTEGER)),
    ],
)
def mul(left: float, right: float) -> int | float | None:
    """The product of two numbers; null when an integer would leave 64 bits."""
    return within(left * right)


@mul.sql
def _sql(left: str, right: str) -> str:
    return f"try({left} * {right})"
