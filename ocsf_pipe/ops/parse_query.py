"""The op `parse_query`."""

from __future__ import annotations

import urllib.parse

from ocsf_pipe.ops.json_values import write
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import JSON, TEXT


@op(
    takes=(TEXT,),
    gives=JSON,
    fails=True,
    examples=[
        Example(("?q=a+b&lang=de%2FAT&debug",), '{"q":"a b","lang":"de/AT","debug":""}'),
        Example(("",), "{}"),
        Example(("a=%ff",), None, "not UTF-8"),
    ],
)
def parse_query(value: str) -> str | None:
    """Read a URL query as a JSON object of texts, decoded, `+` as a space; null when that is not UTF-8."""
    pairs = [pair.partition("=") for pair in value.removeprefix("?").split("&") if pair]
    try:
        return "{" + ",".join(f"{write(_decoded(key))}:{write(_decoded(text))}" for key, _, text in pairs) + "}"
    except UnicodeDecodeError:
        return None


def _decoded(text: str) -> str:
    return urllib.parse.unquote_to_bytes(text.replace("+", " ")).decode()


@parse_query.sql
def _sql(value: str) -> str:
    # TRY does not reach into a lambda; but what decodes as a whole decodes in its parts, which ASCII separates.
    decodable = f"case when try(url_decode({value})) is not null then regexp_replace({value}, '^[?]', '') end"
    pairs = f"list_filter(string_split({decodable}, '&'), lambda p: p <> '')"
    text = "case when contains(p, '=') then substring(p, instr(p, '=') + 1) else '' end"
    decoded = "cast(to_json(url_decode(replace({part}, '+', ' '))) as varchar)"
    key, text = (decoded.format(part=part) for part in ("string_split(p, '=')[1]", text))
    return f"'{{' || array_to_string(list_transform({pairs}, lambda p: {key} || ':' || {text}), ',') || '}}'"
