"""The op `not_`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import BOOLEAN


@op(
    takes=(BOOLEAN,),
    gives=BOOLEAN,
    operator=True,
    examples=[Example((True,), False), Example((False,), True), Example((None,), None)],
)
def not_(value: bool) -> bool:  # noqa: FBT001 (it is what the op is about)
    """The opposite; null stays null."""
    return not value


@not_.sql
def _sql(value: str) -> str:
    return f"not {value}"
