"""The op `map_get`."""

from __future__ import annotations

from ocsf_pipe.ops.json_values import is_text, read_or_none, write
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import JSON, TEXT


@op(
    takes=(JSON, TEXT),
    gives=TEXT,
    examples=[
        Example(('{"call.0.name":"shell","n":1.50}', "call.0.name"), "shell", "the key is one key, dots and all"),
        Example(('{"call.0.name":"shell","n":1.50}', "n"), "1.5"),
        Example(('{"a/b":{"c":[1]}}', "a/b"), '{"c":[1]}', "what is no scalar, as JSON"),
        Example(('["a"]', "0"), None, "a list has no keys"),
        Example(('{"a":null}', "a"), None),
    ],
)
def map_get(value: str, key: str) -> str | None:
    """The text of what a JSON object has under a key that need not be constant; null when there is nothing."""
    found = read_or_none(value)
    found = found.get(key) if isinstance(found, dict) else None
    return found if found is None or is_text(found) else write(found)


@map_get.sql
def _sql(value: str, key: str) -> str:
    pointer = f"'/' || replace(replace({key}, '~', '~0'), '/', '~1')"
    return f"try(case when json_type({value}) = 'OBJECT' then json_extract_string({value}, {pointer}) end)"
