"""The op `json_keys`."""

from __future__ import annotations

from ocsf_pipe.ops.json_values import read_or_none
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT, list_of


@op(
    takes=(TEXT,),
    document=True,
    gives=list_of(TEXT),
    examples=[
        Example(('{"b":1,"a":2}',), ["b", "a"]),
        Example(("[1]",), []),
        Example(("broken",), None),
    ],
)
def json_keys(value: str) -> list[str] | None:
    """The keys of a JSON object in their order; none for other JSON, null when the text is not JSON."""
    found = read_or_none(value)
    if not isinstance(found, dict):
        return None if found is None and value.strip(" \t\r\n") != "null" else []
    return [key for key, _ in getattr(found, "pairs", None) or found.items()]


@json_keys.sql
def _sql(value: str) -> str:
    return f"try(json_keys({value}))"
