"""The op `parse_kv`."""

from __future__ import annotations

from ocsf_pipe.ops.json_values import write
from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.sql_text import constant_text
from ocsf_pipe.ops.types import JSON, TEXT


def _complaint(_value: Value, pair_separator: str | None, value_separator: str | None) -> str | None:
    return "a separator is empty" if "" in (pair_separator, value_separator) else None


@op(
    takes=(TEXT, TEXT, TEXT),
    gives=JSON,
    constant=(1, 2),
    complaint=_complaint,
    examples=[
        Example(("a=1; b = x=y;c", ";", "="), '{"a":"1","b":"x=y"}', "what has no value is left out"),
        Example(("user:ann|ip:192.0.2.1", "|", ":"), '{"user":"ann","ip":"192.0.2.1"}'),
        Example(("", ";", "="), "{}"),
        Example((None, ";", "="), None),
    ],
)
def parse_kv(value: str, pair_separator: str, value_separator: str) -> str:
    """Read `key=value` pairs as a JSON object of texts; spaces around them go, of equal keys the first is read."""
    pairs = [pair.partition(value_separator) for pair in value.split(pair_separator) if value_separator in pair]
    return "{" + ",".join(f"{write(key.strip(' '))}:{write(text.strip(' '))}" for key, _, text in pairs) + "}"


@parse_kv.sql
def _sql(value: str, pair_separator: str, value_separator: str) -> str:
    pairs = f"list_filter(string_split({value}, {pair_separator}), lambda p: contains(p, {value_separator}))"
    key = f"trim(string_split(p, {value_separator})[1], ' ')"
    start = f"instr(p, {value_separator}) + {len(constant_text(value_separator))}"
    pair = f"cast(to_json({key}) as varchar) || ':' || cast(to_json(trim(substring(p, {start}), ' ')) as varchar)"
    return f"'{{' || array_to_string(list_transform({pairs}, lambda p: {pair}), ',') || '}}'"
