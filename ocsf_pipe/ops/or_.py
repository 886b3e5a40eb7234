"""The op `or_`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import BOOLEAN


@op(
    takes=(BOOLEAN, BOOLEAN),
    gives=BOOLEAN,
    variadic=True,
    strict=False,
    operator=True,
    examples=[
        Example((False, True), True),
        Example((None, True), True, "true whatever the other is"),
        Example((None, False), None),
    ],
)
def or_(*values: bool | None) -> bool | None:
    """Whether one holds; true when one is true, else null when one is null."""
    return True if True in values else (None if None in values else False)


@or_.sql
def _sql(*values: str) -> str:
    return " or ".join(values)
