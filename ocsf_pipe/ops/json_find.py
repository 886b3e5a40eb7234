"""The op `json_find`."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ocsf_pipe.ops.json_values import is_text, read_or_none, write
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.sql_text import cast_null, constant_text, sql_type
from ocsf_pipe.ops.types import JSON, TEXT, list_of, object_of

_STEP = re.compile(r"(?:^|\.)([A-Za-z0-9_@$-]+)|(?:^|\.)(\*)|(\[\*\])")
_PATHS = 16
FOUND = object_of(path=TEXT, keys=list_of(TEXT), value=JSON, text=TEXT)


@functools.lru_cache(maxsize=256)
def _steps(path: str) -> tuple[str, ...]:
    """The steps of a path: keys, `*` and `[*]`; raises ValueError for any other text."""
    found, at = [], 0
    while at < len(path) and (step := _STEP.match(path, at)):
        found.append(step[1] or step[2] or step[3])
        at = step.end()
    if at < len(path) or not found:
        raise ValueError(f"`{path}` is no path such as `a.*.b[*]`")
    return tuple(found)


def _complaint(_value: object, *paths: str | None) -> str | None:
    """What is wrong with the paths of a call; None when nothing is."""
    if len(paths) > _PATHS:
        return f"at most {_PATHS} paths"
    try:
        for path in paths:
            _steps(path or "")
    except ValueError as error:
        return str(error)
    return None


@op(
    takes=(TEXT, TEXT),
    document=True,
    gives=list_of(FOUND),
    variadic=True,
    constant=tuple(range(1, _PATHS + 1)),
    complaint=_complaint,
    examples=[
        Example(
            ('{"in":{"g1":{"topics":[{"name":"x"}]}}}', "in.*.topics[*]"),
            [{"path": "in.g1.topics[0]", "keys": ["g1"], "value": '{"name":"x"}', "text": '{"name":"x"}'}],
        ),
        Example(
            ('[{"a-b":"x"},{"a-b":null},{"c":2.50}]', "[*].a-b", "[*].c"),
            [
                {"path": "[0].a-b", "keys": [], "value": '"x"', "text": "x"},
                {"path": "[2].c", "keys": [], "value": "2.5", "text": "2.5"},
            ],
        ),
        Example(
            ('{"a/~b":{"":[1]},"c":[2]}', "*.*[*]"),
            [{"path": "a/~b.[0]", "keys": ["a/~b", ""], "value": "1", "text": "1"}],
        ),
        Example(('{"a":[1]}', "a.*"), [], "a list has no keys"),
        Example(("broken", "a"), None),
    ],
)
def json_find(value: str, *paths: str) -> list[dict[str, Any]] | None:
    """Everything that stands at one of the paths of a JSON document, `*` being any key and `[*]` any element.

    Each find has its `path`, the `keys` that the `*` stood for, its `value` as JSON and as `text`. Nulls are left out;
    null when the text is not JSON.
    """
    document = read_or_none(value)
    if document is None:
        return [] if value.strip(" \t\r\n") == "null" else None
    return [
        _find(*found) for path in paths for found in _follow(document, _steps(path), "", ()) if found[2] is not None
    ]


def _find(path: str, keys: tuple[str, ...], value: Any) -> dict[str, Any]:
    written = write(value)
    return {"path": path, "keys": list(keys), "value": written, "text": value if is_text(value) else written}


def _follow(
    value: Any, steps: Sequence[str], path: str, keys: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    if not steps:
        yield path, keys, value
    elif steps[0] == "[*]":
        for i, item in enumerate(value if isinstance(value, list) else ()):
            yield from _follow(item, steps[1:], f"{path}[{i}]", keys)
    elif isinstance(value, dict):
        any_key = steps[0] == "*"
        for key in list(value) if any_key else steps[:1]:
            if key in value:
                below = f"{path}.{key}" if path else key
                yield from _follow(value[key], steps[1:], below, (*keys, key) if any_key else keys)


@json_find.sql
def _sql(value: str, *paths: str) -> str:
    found = [_path_sql(value, _steps(constant_text(path))) for path in paths]
    together = found[0] if len(found) == 1 else f"flatten([{', '.join(found)}])"
    return f"try(case when {value} is not null then {together} else {cast_null(list_of(FOUND))} end)"


def _path_sql(value: str, steps: Sequence[str]) -> str:
    """All finds of one path: a list of {path, keys, value} that every step makes longer, then the text of each."""
    state = f"[{{'path': '', 'keys': cast([] as varchar[]), 'value': cast({value} as json)}}]"
    for number, step in enumerate(steps):
        state = _step_sql(state, step, f"s{number}", f"k{number}")
    whole = f"list_filter({state}, lambda s: s.value is not null and json_type(s.value) <> 'NULL')"
    fields = (
        "{'path': s.path, 'keys': s.keys, 'value': cast(s.value as varchar), 'text': json_extract_string(s.value, '$')}"
    )
    return f"cast(list_transform({whole}, lambda s: {fields}) as {sql_type(list_of(FOUND))})"


def _step_sql(state: str, step: str, s: str, k: str) -> str:
    dot = f"case when {s}.path = '' then '' else {s}.path || '.' end"
    if step == "[*]":
        items = f"case when json_type({s}.value) = 'ARRAY' then from_json({s}.value, '[\"JSON\"]') else [] end"
        item = f"{{'path': {s}.path || '[' || ({k}i - 1) || ']', 'keys': {s}.keys, 'value': {k}}}"
        return f"flatten(list_transform({state}, lambda {s}: list_transform({items}, lambda {k}, {k}i: {item})))"
    if step == "*":
        keys = f"json_keys({s}.value)"
        once = f"list_filter({keys}, lambda {k}, {k}i: list_position({keys}, {k}) = {k}i)"
        pointer = f"'/' || replace(replace({k}, '~', '~0'), '/', '~1')"
        below = f"json_extract({s}.value, {pointer})"
        item = f"{{'path': {dot} || {k}, 'keys': list_append({s}.keys, {k}), 'value': {below}}}"
        return f"flatten(list_transform({state}, lambda {s}: list_transform({once}, lambda {k}: {item})))"
    below = f"json_extract({s}.value, '$.\"{step}\"')"
    there = f"list_filter({state}, lambda {s}: json_extract({s}.value, '$.\"{step}\"') is not null)"
    return f"list_transform({there}, lambda {s}: {{'path': {dot} || '{step}', 'keys': {s}.keys, 'value': {below}}})"
