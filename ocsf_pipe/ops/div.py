"""The op `div`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import FLOAT, INTEGER


@op(
    takes=(FLOAT, FLOAT),
    gives=FLOAT,
    operator=True,
    fails=True,
    examples=[
        Example((1.0, 2.0), 0.5),
        Example((7, 2), 3.5, "of two integers too", types=(INTEGER, INTEGER)),
        Example((1.0, 0.0), None),
    ],
)
def div(left: float, right: float) -> float | None:
    """The quotient of two numbers, always a float; null when the divisor is zero."""
    return left / right if right else None


@div.sql
def _sql(left: str, right: str) -> str:
    return f"{left} / nullif({right}, 0)"
