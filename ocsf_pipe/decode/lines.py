"""Lines of text that a program writes for people: what a pattern finds in each.

Settings: `patterns`, regular expressions of Python's `re` with named groups, tried in order at the start of a line.
A record is JSON: the groups of the first pattern that matches, those left out that took no part; `{"text": line}`
where none does, so that no line is lost. `raw` is the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.decode.format import DEFAULT_LIMITS, Format, Limits, Settings, parse_by_reading
from ocsf_pipe.decode.framing import BOM, Head, blocks, from_pieces
from ocsf_pipe.decode.json import framed
from ocsf_pipe.source import Records

_LOOKED_AT = 40
"""Lines at the head of a file among which one has to match."""


def sniff(head: bytes, filename: str, settings: Settings) -> bool:  # noqa: ARG001 - the contract of Format
    """Whether one of the first lines fits a pattern of the settings."""
    lines = head.removeprefix(BOM).split(b"\n", _LOOKED_AT)[:_LOOKED_AT]
    patterns = _patterns(settings)
    return any(pattern.match(line.decode("utf-8", "replace").rstrip("\r")) for line in lines for pattern in patterns)


def read(
    stream: BinaryIO, settings: Settings, *, resume_at: int = 0, limits: Limits = DEFAULT_LIMITS
) -> Iterator[Records]:
    """Yield the lines of a stream with what was found in them; blank lines are no records."""
    head = Head(stream)
    start = len(BOM) if head.bytes.startswith(BOM) else 0
    patterns = _patterns(settings)
    for block in blocks(head, head.skip(max(start, resume_at)), limits):
        run = framed(block, limits)
        found = from_pieces([orjson.dumps(_record(line, patterns)) for line in run.raw.to_pylist()])
        yield Records(run.raw, run.position, run.sub, run.end, pc.cast(found, pa.large_string()), None, run.rejects)


def _record(line: str, patterns: tuple[re.Pattern[str], ...]) -> dict[str, str]:
    for pattern in patterns:
        found = pattern.match(line)
        if found:
            return {name: text for name, text in found.groupdict().items() if text is not None}
    return {"text": line}


def _patterns(settings: Settings) -> tuple[re.Pattern[str], ...]:
    return _compiled(tuple(str(one) for one in settings.get("patterns") or ()))


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(one) for one in patterns)


def parse(messages: pa.LargeBinaryArray, settings: Settings) -> Records:
    """Read each message as lines."""
    return parse_by_reading(read, messages, settings)


FORMAT = Format("lines", sniff, read, parse)
