"""The op `concat_op`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT


@op(
    takes=((TEXT, INTEGER), (TEXT, INTEGER)),
    gives=TEXT,
    operator=True,
    inverse="join",
    examples=[
        Example(("CORP\\", "ann"), "CORP\\ann", types=(TEXT, TEXT)),
        Example(("port ", 443), "port 443", types=(TEXT, INTEGER)),
        Example((None, "a"), None, "use `concat` to skip nulls", types=(TEXT, TEXT)),
    ],
)
def concat_op(left: str | int, right: str | int) -> str:
    """Two texts as one; an integer is written in decimal digits. Null when either is null."""
    return f"{left}{right}"


@concat_op.sql
def _sql(left: str, right: str) -> str:
    return f"cast({left} as varchar) || cast({right} as varchar)"
