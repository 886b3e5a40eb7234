"""The op `json_get`."""

from __future__ import annotations

from ocsf_pipe.ops.json_values import follow, is_text, path_complaint, path_sql, read_or_none, write
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.sql_text import constant_text
from ocsf_pipe.ops.types import TEXT


@op(
    takes=(TEXT, TEXT),
    document=True,
    gives=TEXT,
    constant=(1,),
    complaint=path_complaint,
    examples=[
        Example(('{"user":{"name":"ann"}}', "user.name"), "ann"),
        Example(('{"a":[{"x.y":1.50}]}', '$.a[0]."x.y"'), "1.5"),
        Example(('{"a":{"b":[1]}}', "a"), '{"b":[1]}', "what is no scalar, as JSON"),
        Example(('{"a":null}', "a"), None),
        Example(("broken", "a"), None),
    ],
)
def json_get(value: str, path: str) -> str | None:
    """The text of what stands at a path of a JSON document; null when there is nothing, or the text is not JSON."""
    found = follow(read_or_none(value), path)
    return found if found is None or is_text(found) else write(found)


@json_get.sql
def _sql(value: str, path: str) -> str:
    return f"try(json_extract_string({value}, {path_sql(constant_text(path))}))"
