"""Separated fields, one record a line: CSV, TSV, space separated; with a header line or with names from the mapping.

Settings: `delimiter` (else the likeliest in the first line), `quote`, `columns` (a list of names, or several lists
that are told apart by their length), `header` (auto, yes, no), `null` (the text of an unset field), `comment` (a line
prefix).
A line may be wrapped as `{"message": "<line>"}`, as shippers do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.decode.columns import nulled, separated
from ocsf_pipe.decode.format import DEFAULT_LIMITS, Format, Limits, Settings, parse_by_reading
from ocsf_pipe.decode.framing import BOM, Head, blocks
from ocsf_pipe.decode.json import framed
from ocsf_pipe.decode.json_values import picked
from ocsf_pipe.source import Records, Reject

_WRAPPED = re.compile(rb'^\s*\{\s*"message"\s*:\s*"[^{]')


@dataclass(frozen=True, slots=True)
class Layout:
    """How the lines of one stream are laid out; `header` is the header line, if there is one."""

    delimiter: str
    names: tuple[str, ...]
    header: str | None
    wrapped: bool


def normalised(name: str) -> str:
    """Spell a header name as a column name: lower case, `-` and blanks as `_`."""
    return re.sub(r"[-\s]+", "_", name.strip().strip('"').lower())


def layout(head: bytes, settings: Settings) -> Layout:
    """Tell the layout from the first line and the settings."""
    wrapped = bool(_WRAPPED.match(head))
    comment = str(settings.get("comment") or "\0")
    lines = [line.rstrip("\r") for line in head.decode("utf-8", "replace").split("\n")]
    first = next((line for line in lines if line.strip() and not line.startswith(comment)), "")
    text = _message(first) or "" if wrapped else first
    delimiter = str(settings.get("delimiter") or max("\t,;| ", key=text.count))
    names = [normalised(name) for name in text.split(delimiter)]
    known = _known(settings)
    if _is_header(names, known, str(settings.get("header", "auto"))):
        return Layout(delimiter, tuple(names), first, wrapped)
    fitting = next((k for k in known if len(k) == len(names)), known[0] if known else ())
    numbered = tuple(f"column_{i + 1}" for i in range(len(names)))
    return Layout(delimiter, tuple(fitting) or numbered, None, wrapped)


def _known(settings: Settings) -> list[tuple[str, ...]]:
    columns: Any = settings.get("columns") or []
    several = columns and not isinstance(columns[0], str)
    return [tuple(group) for group in (columns if several else [columns]) if group]


def _is_header(names: list[str], known: list[tuple[str, ...]], header: Any) -> bool:
    if header in ("yes", "no", "True", "False"):
        return bool(header in ("yes", "True"))
    words = {name for group in known for name in group}
    # A custom layout may name many more fields than the mapping does, so the smaller of the two counts.
    return sum(name in words for name in names) * 2 > min(len(names), len(words)) if words else True


def sniff(head: bytes, filename: str, settings: Settings) -> bool:
    """Whether the first line is a header of the named columns, or has as many fields as one of their lists."""
    if head.lstrip()[:1] in (b"{", b"[", b"<") and not _WRAPPED.match(head.removeprefix(BOM)):
        return False
    found = layout(head.removeprefix(BOM), settings)
    known = _known(settings)
    if not known:
        return len(found.names) > 1 and filename.lower().endswith((".csv", ".tsv"))
    line = head.removeprefix(BOM).decode("utf-8", "replace").split("\n")[0]
    text = (_message(line) or "") if found.wrapped else line
    return found.header is not None or any(text.count(found.delimiter) + 1 == len(k) for k in known)


def read(
    stream: BinaryIO, settings: Settings, *, resume_at: int = 0, limits: Limits = DEFAULT_LIMITS
) -> Iterator[Records]:
    """Yield the lines of a stream as columns; header, comment and blank lines are no records."""
    head = Head(stream)
    start = len(BOM) if head.bytes.startswith(BOM) else 0
    found = layout(head.bytes[start:], settings)
    for block in blocks(head, head.skip(max(start, resume_at)), limits):
        yield _columns(framed(block, limits), found, settings)


def _columns(lines: Records, found: Layout, settings: Settings) -> Records:
    skip = pc.equal(lines.raw, found.header) if found.header is not None else pa.array([False] * len(lines), pa.bool_())
    if comment := settings.get("comment"):
        skip = pc.or_(skip, pc.starts_with(lines.raw, str(comment)))
    if pc.any(skip).as_py():
        lines = picked(lines, np.flatnonzero(~skip.to_numpy(zero_copy_only=False)), lines.rejects)
    lines, text = _unwrapped(lines) if found.wrapped else (lines, lines.raw)
    made = separated(lines, text, found.names, found.delimiter, settings.get("quote", '"'))
    if made.columns is None:
        return made
    cleared = [nulled(c.combine_chunks(), str(settings.get("null", ""))) for c in made.columns.columns]
    table = pa.table(cleared, names=made.columns.column_names)
    return Records(made.raw, made.position, made.sub, made.end, None, table, made.rejects)


def _unwrapped(lines: Records) -> tuple[Records, pa.LargeStringArray]:
    texts = [_message(raw) for raw in lines.raw.to_pylist()]
    keep = [i for i, text in enumerate(texts) if text is not None]
    bad = [
        Reject(lines.position[i].as_py(), 0, lines.raw[i].as_py().encode(), "no text under `message`")
        for i, text in enumerate(texts)
        if text is None
    ]
    kept = picked(lines, np.array(keep, np.int64), (*lines.rejects, *bad))
    return kept, pa.array([texts[i] for i in keep], pa.large_string())


def _message(line: str) -> str | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    message = value.get("message") if isinstance(value, dict) else None
    return message if isinstance(message, str) else None


def parse(messages: pa.LargeBinaryArray, settings: Settings) -> Records:
    """Read each message as lines of its own, a header among them or not."""
    return parse_by_reading(read, messages, settings)


FORMAT = Format("delimited", sniff, read, parse)
