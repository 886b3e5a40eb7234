"""JSON as the ops see it: documents read and written as DuckDB does, and paths into them."""

from __future__ import annotations

import functools
import re
from typing import Any

from ocsf_pipe.ops.registry import Value
from ocsf_pipe.ops.sql_text import text_literal

_STEP = re.compile(r'(?:^|\.)([A-Za-z_@$][A-Za-z0-9_@$-]*|"[^"\\\x00-\x1f]+")|\[([0-9]{1,9})\]')


def read(text: str) -> Any:
    """The value of a JSON document; raises ValueError when the text is none."""
    from ocsf_pipe.decode.json_text import parse  # loads Arrow; only values need it

    return parse(text)


def write(value: Any) -> str:
    """A value as JSON text."""
    from ocsf_pipe.decode.json_text import dumps

    return dumps(value)


def read_or_none(text: str) -> Any:
    """The value of a JSON document; null when the text is none."""
    try:
        return read(text)
    except ValueError:
        return None


@functools.lru_cache(maxsize=512)
def steps(path: str) -> tuple[str | int, ...]:
    """The keys and positions (from 0) of a path such as `a.b[0]`, `$."x.y".z`; raises ValueError for any other text."""
    rest = path[1:].removeprefix(".") if re.match(r"\$(?:[.\[]|\Z)", path) else path
    found, at = [], 0
    while at < len(rest) and (step := _STEP.match(rest, at)):
        found.append(int(step[2]) if step[1] is None else step[1].strip('"'))
        at = step.end()
    if at < len(rest) or not found:
        raise ValueError(f'`{path}` is no path such as `a.b[0]` or `$."x.y"`')
    return tuple(found)


def path_complaint(_value: Value, path: str | None) -> str | None:
    """What is wrong with the path of a call; None when nothing is."""
    try:
        if path is not None:
            steps(path)
    except ValueError as error:
        return str(error)
    return None


def path_sql(path: str) -> str:
    """DuckDB's spelling of a path, as a literal."""
    return text_literal("$" + "".join(f"[{s}]" if isinstance(s, int) else f'."{s}"' for s in steps(path)))


def follow(value: Any, path: str) -> Any:
    """What stands at a path; null where there is nothing."""
    for step in steps(path):
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def is_text(value: Any) -> bool:
    """Whether a value that was read is a text, not a number that kept its own text."""
    return type(value) is str
