"""The op `to_boolean`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import BOOLEAN, INTEGER, TEXT

TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")


@op(
    takes=((TEXT, INTEGER, BOOLEAN),),
    gives=BOOLEAN,
    fails=True,
    examples=[
        Example(("Yes",), True),
        Example(("0",), False),
        Example((True,), True, types=(BOOLEAN,)),
        Example(("maybe",), None),
    ],
)
def to_boolean(value: str | int) -> bool | None:
    """Read true/false, yes/no or 1/0 in any letter case; null for anything else."""
    text = str(value)
    word = text.lower() if text.isascii() else ""
    return True if word in TRUE else (False if word in FALSE else None)


@to_boolean.sql
def _sql(value: str) -> str:
    words = ", ".join(f"'{word}'" for word in (*TRUE, *FALSE))
    word = f"lower(cast({value} as varchar))"
    return f"case when {word} in ({words}) then {word} in ('true', 'yes', '1') end"
