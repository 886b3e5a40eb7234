"""The op `add`."""

from __future__ import annotations

from ocsf_pipe.ops.arithmetic import NUMBERS_AND_TIMES, number, within
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import FLOAT, INTEGER, NULL, TIMESTAMP, Type


def _gives(types: tuple[Type, ...]) -> Type | None:
    shifted = set(types) in ({TIMESTAMP, INTEGER}, {TIMESTAMP, NULL})
    return TIMESTAMP if shifted else number(types)


@op(
    takes=(NUMBERS_AND_TIMES, NUMBERS_AND_TIMES),
    gives=_gives,
    operator=True,
    fails=True,
    examples=[
        Example((2, 3), 5, types=(INTEGER, INTEGER)),
        Example((1700000000000, 1500), 1700000001500, "a time and milliseconds", types=(TIMESTAMP, INTEGER)),
        Example((1, 0.5), 1.5, types=(INTEGER, FLOAT)),
        Example((9223372036854775807, 1), None, "beyond 64 bits", types=(INTEGER, INTEGER)),
    ],
)
def add(left: float, right: float) -> int | float | None:
    """The sum of two numbers, or a time moved by milliseconds; null when an integer would leave 64 bits."""
    return within(left + right)


@add.sql
def _sql(left: str, right: str) -> str:
    return f"try({left} + {right})"
