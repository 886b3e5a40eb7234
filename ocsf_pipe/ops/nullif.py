"""The op `nullif`."""

from __future__ import annotations

from ocsf_pipe.ops.ordering import comparable, compare
from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.types import ANY, INTEGER, TEXT, Type


def _gives(types: tuple[Type, ...]) -> Type | None:
    return types[0] if comparable(types) else None


@op(
    takes=(ANY, ANY),
    gives=_gives,
    variadic=True,
    strict=False,
    examples=[
        Example(("-", "-"), None, types=(TEXT, TEXT)),
        Example(("N/A", "-", "N/A", ""), None, "any of them", types=(TEXT, TEXT, TEXT, TEXT)),
        Example((7, 0), 7, types=(INTEGER, INTEGER)),
        Example(("a", None), "a", types=(TEXT, TEXT)),
    ],
)
def nullif(value: Value, *empties: Value) -> Value:
    """The value; null when it equals one of the others, which are a source's ways to say that there is none."""
    if value is None or any(empty is not None and compare(value, empty) == 0 for empty in empties):
        return None
    return value


@nullif.sql
def _sql(value: str, *empties: str) -> str:
    if len(empties) == 1:
        return f"nullif({value}, {empties[0]})"
    # DuckDB's nullif writes its value twice: forty of them, one in the other, are a condition that no memory holds.
    return f"(case when {value} in ({', '.join(empties)}) then null else {value} end)"
