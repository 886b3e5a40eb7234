"""Many like records in a test from one: `{repeat: 20, start: …, every: 5s, record: …}`.

In the texts of the record `{{n}}` is its number from 0 (`{{n:03d}}` with a Python format), and `{{t:FORMAT}}` its time:
`iso`, `epoch`, `epoch_ms`, or a format of strftime. A text that is nothing but `{{n}}`, or an epoch, becomes a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ocsf_pipe.detect.marked import Marked

REPEATS = frozenset({"repeat", "record", "start", "every"})
_MARK = re.compile(r"\{\{(n|t)(?::([^{}]*))?\}\}")
_MOST = 100_000
_START = "2026-02-10T08:00:00Z"


class RepeatError(ValueError):
    """What is wrong with a record that repeats."""


def repeated(said: Mapping[str, Any]) -> Iterator[Any]:
    """The records that one stands for; raises RepeatError."""
    count, record = said["repeat"], said["record"]
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= _MOST:
        raise RepeatError(f"`repeat` must be a whole number from 1 to {_MOST}")
    if not isinstance(record, str | dict):
        raise RepeatError("`record` must be a text, or an object for JSON")
    start, every = _moment(str(said.get("start", _START))), _seconds(said.get("every", 1))
    for number in range(count):
        yield _filled(record, number, start + timedelta(seconds=number * every))


def _filled(value: Any, number: int, at: datetime) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, number, at) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, number, at) for inner in value]
    if not isinstance(value, str):
        return value
    whole = _MARK.fullmatch(value)
    if whole is not None and (whole[1], whole[2]) in {("n", None), ("t", "epoch"), ("t", "epoch_ms")}:
        return int(_text(whole, number, at))
    return _MARK.sub(lambda found: _text(found, number, at), value)


def _text(found: re.Match[str], number: int, at: datetime) -> str:
    kind, form = found[1], found[2]
    if kind == "n":
        try:
            return format(number, form or "")
        except ValueError as error:
            raise RepeatError(f"`{found[0]}`: {error}") from error
    match form:
        case None | "" | "iso":
            return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case "epoch":
            return str(int(at.timestamp()))
        case "epoch_ms":
            return str(round(at.timestamp() * 1000))
        case _:
            return at.strftime(form)


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise RepeatError(f"`start` must be a time such as `{_START}`, got `{text}`") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _seconds(value: Any) -> float:
    marked = Marked("every")
    node = marked.root(str(value))
    seconds = marked.seconds(node, "`every`") if node is not None else 0.0
    if marked.faults:
        raise RepeatError("`every` must be a time span such as `500ms`, `5s` or `1m`")
    return seconds
