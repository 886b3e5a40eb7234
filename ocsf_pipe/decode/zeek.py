r"""Zeek logs: TSV with `#` header lines (several headers in one file, too), or JSON lines.

Columns are named as in Zeek (`id.orig_h`). A set or vector is JSON array text. `\xNN` escapes are undone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.decode import json
from ocsf_pipe.decode.columns import separated
from ocsf_pipe.decode.format import DEFAULT_LIMITS, Format, Limits, Settings, parse_by_reading
from ocsf_pipe.decode.framing import BOM, Head, blocks
from ocsf_pipe.decode.json_values import from_position, picked
from ocsf_pipe.source import Records

_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_LISTS = ("set[", "vector[", "table[")


@dataclass(frozen=True, slots=True)
class Header:
    """What the `#` lines said last."""

    separator: str = "\t"
    set_separator: str = ","
    empty_field: str = "(empty)"
    unset_field: str = "-"
    fields: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    def told(self, line: str) -> Header:
        """Take one more `#` line into account; lines that say nothing of the layout change nothing."""
        if line.startswith("#separator"):
            return replace(self, separator=unescaped(line.partition(" ")[2]))
        key, _, rest = line.partition(self.separator)
        name = key[1:]
        told: dict[str, Any] = {}
        if name in ("fields", "types"):
            told[name] = tuple(rest.split(self.separator))
        elif name in ("set_separator", "empty_field", "unset_field"):
            told[name] = rest
        return replace(self, **told)


def unescaped(text: str) -> str:
    r"""Undo `\xNN`; bytes that are no UTF-8 become the replacement character, `raw` keeps them."""
    return _ESCAPE.sub(lambda m: bytes([int(m[1], 16)]), text.encode()).decode("utf-8", "replace")


def sniff(head: bytes, filename: str, settings: Settings) -> bool:  # noqa: ARG001 - the contract of Format
    """Whether the head has Zeek's header lines, or JSON with a Zeek `ts` and the address or log name beside it."""
    start = head.removeprefix(BOM).lstrip()
    if start.startswith((b"#separator", b"#fields")):
        return True
    named = any(name in start for name in (b'"id.orig_h"', b'"id_orig_h"', b'"orig_h"', b'"_path"'))
    return start.startswith(b"{") and b'"ts"' in start and named


def read(
    stream: BinaryIO,
    settings: Settings,  # noqa: ARG001 - the contract of Format
    *,
    resume_at: int = 0,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Records]:
    """Yield the lines of a stream, as columns or as JSON."""
    head = Head(stream)
    inner = head.bytes.removeprefix(BOM).lstrip()
    start = len(head.bytes) - len(inner)  # a header may stand behind white space, as in `sniff`
    if inner[:1] in (b"{", b"["):
        yield from json.read_head(head, resume_at, limits)
        return
    # The header that rules a place can stand anywhere before it, so a resumed read starts at the beginning.
    yield from from_position(_tsv(head, head.skip(start), limits), resume_at)


def _tsv(head: Head, start: int, limits: Limits) -> Iterator[Records]:
    header = Header()
    for block in blocks(head, start, limits):
        lines = json.framed(block, limits)
        marks = np.flatnonzero(pc.starts_with(lines.raw, "#").to_numpy(zero_copy_only=False))
        rejects, done = lines.rejects, 0
        for mark in [*marks.tolist(), len(lines)]:
            last = mark == len(lines)
            if mark > done:
                end = lines.end if last else lines.position[mark].as_py()
                part = picked(lines, np.arange(done, mark), tuple(r for r in rejects if last or r.position < end))
                rejects = rejects[len(part.rejects) :]
                yield _columns(replace(part, end=end), header)
            elif last:
                yield replace(picked(lines, np.arange(0), rejects), end=lines.end)
            if not last:
                header = header.told(lines.raw[mark].as_py())
            done = mark + 1


def _columns(lines: Records, header: Header) -> Records:
    made = separated(lines, lines.raw, header.fields or ("line",), header.separator, None)
    if made.columns is None or not header.fields:
        return made
    types = header.types or ("string",) * len(header.fields)
    cleared = [_cleared(c.combine_chunks(), kind, header) for c, kind in zip(made.columns.columns, types, strict=False)]
    return replace(made, columns=pa.table(cleared, names=made.columns.column_names[: len(cleared)]))


def _cleared(column: pa.LargeStringArray, kind: str, header: Header) -> pa.LargeStringArray:
    """Undo what the log writer did to the values of one column."""
    if kind.startswith(_LISTS):
        return pa.array([_listed(v, header) for v in column.to_pylist()], pa.large_string())
    unset = pc.equal(column, header.unset_field)
    values = pc.if_else(pc.equal(column, header.empty_field), "", column)
    if pc.any(pc.match_substring(values, "\\x")).as_py():
        values = pa.array([unescaped(v) for v in values.to_pylist()], pa.large_string())
    return pc.if_else(unset, pa.scalar(None, pa.large_string()), values)


def _listed(value: str, header: Header) -> str | None:
    if value == header.unset_field:
        return None
    items = [] if value == header.empty_field else value.split(header.set_separator)
    return orjson.dumps([None if v == header.unset_field else unescaped(v) for v in items]).decode()


def parse(messages: pa.LargeBinaryArray, settings: Settings) -> Records:
    """Read each message as a log of its own."""
    return parse_by_reading(read, messages, settings)


FORMAT = Format("zeek", sniff, read, parse)
