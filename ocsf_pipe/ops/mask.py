"""The op `mask`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import INTEGER, TEXT


def _complaint(_value: Value, keep: int | None) -> str | None:
    return f"cannot keep {keep} characters" if keep is not None and not 0 <= keep <= 1000 else None


@op(
    takes=(TEXT, INTEGER),
    gives=TEXT,
    constant=(1,),
    complaint=_complaint,
    examples=[
        Example(("4111111111111111", 4), "************1111"),
        Example(("abc", 4), "***", "nothing shows of what is not longer"),
        Example((None, 4), None),
    ],
)
def mask(value: str, keep: int) -> str:
    """The text with a `*` for every character but the last `keep`; for all of them when it is no longer than that."""
    return "*" * (len(value) - keep) + value[len(value) - keep :] if len(value) > keep else "*" * len(value)


@mask.sql
def _sql(value: str, keep: str) -> str:
    kept = f"case when length({value}) > {keep} then {keep} else 0 end"
    return f"repeat('*', length({value}) - {kept}) || \"right\"({value}, {kept})"
