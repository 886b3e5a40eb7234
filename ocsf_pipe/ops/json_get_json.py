"""The op `json_get_json`."""

from __future__ import annotations

from ocsf_pipe.ops.json_values import follow, path_complaint, path_sql, read_or_none, write
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.sql_text import constant_text
from ocsf_pipe.ops.types import JSON, TEXT


@op(
    takes=(TEXT, TEXT),
    document=True,
    gives=JSON,
    constant=(1,),
    complaint=path_complaint,
    examples=[
        Example(('{"user":{"name":"ann"}}', "user"), '{"name":"ann"}'),
        Example(('{"a":"x"}', "a"), '"x"'),
        Example(('{"a":null}', "a"), None),
    ],
)
def json_get_json(value: str, path: str) -> str | None:
    """What stands at a path of a JSON document, as JSON; null when there is nothing, or the text is not JSON."""
    found = follow(read_or_none(value), path)
    return None if found is None else write(found)


@json_get_json.sql
def _sql(value: str, path: str) -> str:
    return f"nullif(cast(try(json_extract({value}, {path_sql(constant_text(path))})) as varchar), 'null')"
