"""The op `neg`."""

from __future__ import annotations

from ocsf_pipe.ops.arithmetic import NUMBERS, number, within
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import FLOAT, INTEGER, Type


@op(
    takes=(NUMBERS,),
    gives=number,
    operator=True,
    fails=True,
    typed=True,
    examples=[
        Example((5,), -5, types=(INTEGER,)),
        Example((-0.5,), 0.5, types=(FLOAT,)),
        Example((-9223372036854775808,), None, "beyond 64 bits", types=(INTEGER,)),
    ],
)
def neg(value: float, types: tuple[Type, ...]) -> int | float | None:  # noqa: ARG001 (the SQL form needs them)
    """The number with its sign changed; null when an integer would leave 64 bits."""
    return within(-value)


@neg.sql
def _sql(value: str, types: tuple[Type, ...]) -> str:
    return f"-{value}" if types[0] == FLOAT else f"try(cast(0 as bigint) - {value})"
