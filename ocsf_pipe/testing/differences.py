"""What differs between two runs of events, worded per event and per attribute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from ocsf_pipe.decode import json_text

_ABSENT = object()
_SHOWN = 160


def differences(expected: Sequence[Any], got: Sequence[Any]) -> Iterator[str]:
    """Yield one text per event that differs, with a line per attribute; nothing where both runs are the same.

    Events are numbered from 1 as in the expected run; an event is recognised by its class and raw record.
    """
    matcher = SequenceMatcher(None, [_key(event) for event in expected], [_key(event) for event in got], autojunk=False)
    for tag, low, high, start, end in matcher.get_opcodes():
        paired = min(high - low, end - start) if tag in {"equal", "replace"} else 0
        for i in range(paired):
            yield from _pair(low + i + 1, expected[low + i], got[start + i])
        for i in range(low + paired, high):
            yield f"event {i + 1} ({label(expected[i])}): expected, and not there"
        for i in range(start + paired, end):
            yield f"after event {low + paired}: not expected, and there: {label(got[i])}"


def attribute_differences(expected: Any, got: Any, path: str = "") -> Iterator[str]:
    """Yield `path: expected …, got …` for every value that differs, in the order of the paths."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in sorted({*expected, *got}):
            inner = f"{path}.{name}" if path else name
            yield from attribute_differences(expected.get(name, _ABSENT), got.get(name, _ABSENT), inner)
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for i, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from attribute_differences(one, other, f"{path}[{i}]")
    elif type(expected) is not type(got) or expected != got:
        yield f"{path}: expected {_shown(expected)}, got {_shown(got)}"


def label(event: Any) -> str:
    """Name an event as a reader knows it: its type, or the reason of its quarantine."""
    if "_quarantine" in event:
        return f"quarantine: {event['_quarantine']['reason']}"
    if "_dropped" in event:
        return f"dropped: {event['_dropped']['reason']}"
    return str(event.get("type_name") or event.get("class_name") or "an event")


def _pair(number: int, expected: Any, got: Any) -> Iterator[str]:
    lines = [f"  {line}" for line in attribute_differences(expected, got)]
    if lines:
        yield "\n".join([f"event {number} ({label(expected)}):", *lines])


def _key(event: Any) -> tuple[Any, ...]:
    marked = event.get("_quarantine") or event.get("_dropped")
    if marked:
        return (None, marked.get("raw"))
    return (event.get("class_uid"), event.get("raw_data"))


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    text = json_text.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"
