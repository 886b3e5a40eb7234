"""The op `and_`."""

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
        Example((True, True), True),
        Example((None, False), False, "false whatever the other is"),
        Example((None, True), None),
    ],
)
def and_(*values: bool | None) -> bool | None:
    """Whether all hold; false when one is false, else null when one is null."""
    return False if False in values else (None if None in values else True)


@and_.sql
def _sql(*values: str) -> str:
    return " and ".join(values)
