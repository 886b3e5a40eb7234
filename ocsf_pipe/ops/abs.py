"""The op `abs`."""

from __future__ import annotations

import builtins

from ocsf_pipe.ops.arithmetic import NUMBERS, number, within
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import FLOAT, INTEGER


@op(
    takes=(NUMBERS,),
    gives=number,
    fails=True,
    examples=[
        Example((-5,), 5, types=(INTEGER,)),
        Example((-0.5,), 0.5, types=(FLOAT,)),
        Example((-9223372036854775808,), None, "beyond 64 bits", types=(INTEGER,)),
    ],
)
def abs(value: float) -> int | float | None:
    """The number without its sign; null when that would leave 64 bits."""
    return within(builtins.abs(value))


@abs.sql
def _sql(value: str) -> str:
    return f"try(abs({value}))"
