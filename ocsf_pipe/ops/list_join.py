"""The op `list_join`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT, list_of

_CONSTANT = re.compile("'(?:[^']|'')*'")


@op(
    takes=(list_of(TEXT), TEXT),
    gives=TEXT,
    examples=[
        Example((["read", "write"], ", "), "read, write", types=(list_of(TEXT), TEXT)),
        Example((["a", None, "b"], ","), "a,b", "nulls are skipped", types=(list_of(TEXT), TEXT)),
        Example(([], ","), "", types=(list_of(TEXT), TEXT)),
        Example(([None, None], ","), "", types=(list_of(TEXT), TEXT)),
        Example((["", None, "b", ""], ","), ",b,", types=(list_of(TEXT), TEXT)),
        Example((None, ","), None, types=(list_of(TEXT), TEXT)),
    ],
)
def list_join(items: list[str | None], separator: str) -> str:
    """The texts of a list as one, with a separator between them; nulls are skipped."""
    return separator.join(item for item in items if item is not None)


@list_join.sql
def _sql(items: str, separator: str) -> str:
    if _CONSTANT.fullmatch(separator):
        return f"case when {items} is null then null else coalesce(array_to_string({items}, {separator}), '') end"
    # `array_to_string` wants a constant separator; a fold does not.
    present = f"list_filter({items}, lambda x: x is not null)"
    joined = f"list_reduce({present}, lambda a, b: a || {separator} || b)"
    unknown = f"{separator} is null or {items} is null"
    return f"case when {unknown} then null when len({present}) > 0 then {joined} else '' end"
