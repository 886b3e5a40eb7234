"""The op `concat`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT


@op(
    takes=((TEXT, INTEGER), (TEXT, INTEGER)),
    gives=TEXT,
    variadic=True,
    strict=False,
    examples=[
        Example(("a", None, "b"), "ab", types=(TEXT, TEXT, TEXT)),
        Example(("port ", 22), "port 22", types=(TEXT, INTEGER)),
        Example((None, None), None, "nothing left", types=(TEXT, TEXT)),
    ],
)
def concat(*values: str | int | None) -> str | None:
    """All values that are not null as one text; null when nothing, or the empty text, is left."""
    return "".join(str(value) for value in values if value is not None) or None


@concat.sql
def _sql(*values: str) -> str:
    return f"nullif(concat({', '.join(f'cast({value} as varchar)' for value in values)}), '')"
