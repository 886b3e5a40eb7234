"""The op `sub`."""

from __future__ import annotations

from ocsf_pipe.ops.arithmetic import NUMBERS_AND_TIMES, number, within
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import FLOAT, INTEGER, TIMESTAMP, Type


def _gives(types: tuple[Type, ...]) -> Type | None:
    if types == (TIMESTAMP, TIMESTAMP):
        return INTEGER
    return TIMESTAMP if types == (TIMESTAMP, INTEGER) else number(types)


@op(
    takes=(NUMBERS_AND_TIMES, NUMBERS_AND_TIMES),
    gives=_gives,
    operator=True,
    fails=True,
    examples=[
        Example((2, 3), -1, types=(INTEGER, INTEGER)),
        Example((1700000001500, 1700000000000), 1500, "milliseconds between", types=(TIMESTAMP, TIMESTAMP)),
        Example((1.5, 1), 0.5, types=(FLOAT, INTEGER)),
        Example((-9223372036854775808, 1), None, "beyond 64 bits", types=(INTEGER, INTEGER)),
    ],
)
def sub(left: float, right: float) -> int | float | None:
    """The difference of two numbers or times (in milliseconds); null when an integer would leave 64 bits."""
    return within(left - right)


@sub.sql
def _sql(left: str, right: str) -> str:
    return f"try({left} - {right})"
