"""Syslog: RFC 5424, RFC 3164 and what is sent in their name; lines of a file, counted frames, or single messages.

A record is JSON: `facility`, `severity` and their numbers `facility_code`, `severity_code` (where there is a PRI),
`version`, `timestamp`, `hostname`, `appname`, `procid`, `msgid`, `structured_data` ({id: {name: value}}), `message`.
What a message lacks is left out. A `timestamp` with a year is ISO 8601 with the zone it came with; one without is
ISO's `--MM-DDThh:mm:ss`, whose year only the reader can tell (the op `with_year`). `raw` is the line.

A listener puts a heading before a message, for what the message does not say: `SOH {"peer": …} STX message`. Its
members come first in the record, and it is no part of `raw`. Only `parse` looks for it: a file has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.decode.format import DEFAULT_LIMITS, Format, Limits, Settings
from ocsf_pipe.decode.framing import BOM, Head, blocks, from_pieces, text_records
from ocsf_pipe.decode.json import framed
from ocsf_pipe.decode.syslog_counted import counted, is_counted
from ocsf_pipe.decode.syslog_text import looks_like, record
from ocsf_pipe.source import Records

SOH, STX = b"\x01", b"\x02"
_LINE_ENDS = b"\r\n\0"


def sniff(head: bytes, filename: str, settings: Settings) -> bool:  # noqa: ARG001 - the contract of Format
    """Whether one of the first lines has a PRI, or a time with a host or a program behind it."""
    text = head.removeprefix(BOM)
    if is_counted(text):
        return True
    lines = [line for line in text.split(b"\n", 5)[:5] if line.strip()]
    return any(looks_like(line.decode("utf-8", "replace")) for line in lines)


def read(
    stream: BinaryIO,
    settings: Settings,  # noqa: ARG001 - the contract of Format
    *,
    resume_at: int = 0,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Records]:
    """Yield the messages of a stream: counted frames where it begins with one, else lines."""
    head = Head(stream)
    start = len(BOM) if head.bytes.startswith(BOM) else 0
    at = head.skip(max(start, resume_at))
    if is_counted(head.bytes[start:]):
        runs = counted(head, at, limits)
    else:
        runs = (framed(block, limits) for block in blocks(head, at, limits))
    for run in runs:
        yield _told(run, [record(line) for line in run.raw.to_pylist()])


def parse(messages: pa.LargeBinaryArray, settings: Settings) -> Records:  # noqa: ARG001 - the contract of Format
    """Take each message as one record, with the heading that a listener put before it, if any."""
    headings: list[dict[str, Any]] = []
    bodies: list[bytes] = []
    for message in messages.to_pylist():
        heading, body = _parted(message or b"")
        headings.append(heading)
        bodies.append(body.rstrip(_LINE_ENDS))
    count = len(bodies)
    run = text_records(from_pieces(bodies), np.arange(count, dtype=np.int64), count, DEFAULT_LIMITS)
    if not any(headings):
        return _told(run, [record(line) for line in run.raw.to_pylist()])
    pairs = zip(run.position.to_pylist(), run.raw.to_pylist(), strict=True)
    return _told(run, [{**headings[at], **record(line)} for at, line in pairs])


def _parted(message: bytes) -> tuple[dict[str, Any], bytes]:
    """The heading and the message behind it; a heading that is none belongs to the message."""
    if not message.startswith(SOH):
        return {}, message
    heading, found, body = message[1:].partition(STX)
    try:
        members = orjson.loads(heading)
    except orjson.JSONDecodeError:
        return {}, message
    return (members, body) if found and isinstance(members, dict) else ({}, message)


def _told(run: Records, records: list[dict[str, Any]]) -> Records:
    """The run with its records as JSON."""
    texts = from_pieces([orjson.dumps(one) for one in records])
    return Records(run.raw, run.position, run.sub, run.end, pc.cast(texts, pa.large_string()), None, run.rejects)


FORMAT = Format("syslog", sniff, read, parse)
