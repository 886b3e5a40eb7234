"""Windows events as EVTX files, rendered XML or any of the common JSON shapes; all become one shape of JSON.

System {Provider {Name, Guid}, EventID, Version, Level, Task, Opcode, Keywords, TimeCreated, EventRecordID, Correlation,
Execution {ProcessID, ThreadID}, Channel, Computer, Security {UserID}}, EventData {name: text}, UserData, RenderingInfo,
and Other with whatever else the source said. In EVTX files
`position` is the ordinal of the record and `raw` its XML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any, BinaryIO

import pyarrow as pa

from ocsf_pipe.decode import json
from ocsf_pipe.decode.documents import rewritten
from ocsf_pipe.decode.format import DEFAULT_LIMITS, Format, Limits, Settings, parse_by_reading
from ocsf_pipe.decode.framing import BOM, Head, chunks
from ocsf_pipe.decode.json_values import from_position
from ocsf_pipe.decode.windows_shapes import events
from ocsf_pipe.decode.windows_xml import Transcoded, read_xml, records
from ocsf_pipe.source import BrokenStream, Records, Reject

EVTX = b"ElfFile\0"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BATCH = 4096
# Windows allocates chunks ahead; one that was never written is all zeros and holds no record.
_UNUSED = re.compile(r"found `\[( 0,?)+")


def sniff(head: bytes, filename: str, settings: Settings) -> bool:  # noqa: ARG001 - the contract of Format
    """Whether the head is an EVTX file, or shows a Windows event as XML or JSON."""
    if head.startswith(EVTX):
        return True
    plain = head.decode("utf-16", "ignore").encode() if head.startswith(_UTF16) else head.removeprefix(BOM)
    start = plain.lstrip()
    if start[:1] in (b"<", b"-"):
        return b"<Event" in start and (b"<System" in start or b"schemas.microsoft.com/win/" in start)
    flat = b'"EventID"' in start and any(k in start for k in (b'"Channel"', b'"System"', b'"SourceName"', b'"Provider'))
    return start[:1] in (b"{", b"[") and (b'"winlog"' in start or flat)


def read(
    stream: BinaryIO,
    settings: Settings,  # noqa: ARG001 - the contract of Format
    *,
    resume_at: int = 0,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Records]:
    """Yield the events of a stream, whichever way they are written."""
    head = Head(stream)
    if head.bytes.startswith(EVTX):
        return from_position(_evtx(head), resume_at)
    if head.bytes.startswith(_UTF16):
        return from_position(read_xml(Transcoded(head), limits), resume_at)
    if head.bytes.removeprefix(BOM).lstrip()[:1] in (b"<", b"-"):
        return from_position(read_xml(head, limits), resume_at)
    return rewritten(json.read_head(head, resume_at, limits), events)


def _evtx(head: Head) -> Iterator[Records]:
    """Yield the records of an EVTX file; the format points back and forth, so the file is held in memory."""
    from evtx import PyEvtxParser  # a native library: loaded for EVTX files alone

    got = list(chunks(head, 1 << 20))
    broken = [Reject(1 << 62, 0, b"", str(part)) for part in got if isinstance(part, BrokenStream)]
    body = b"".join(part for part in got if isinstance(part, bytes))
    at, found, bad = 0, [], []
    for item in _parsed(PyEvtxParser, body):
        if isinstance(item, str):
            found.append((at, item.encode()))
        else:
            bad.append(Reject(at, 0, b"", f"damaged EVTX record: {item}"))
        at += 1
        if at % _BATCH == 0:
            yield records(found, tuple(bad), at)
            found, bad = [], []
    last = [Reject(at, 0, b"", reject.reason) for reject in broken]
    yield records(found, (*bad, *last), at + len(last))


def _parsed(parser: Any, body: bytes) -> Iterator[str | Exception]:
    """Yield the XML of each record, or what the parser says about one that it cannot read."""
    try:
        # One thread: the order of the records is the order of the file, and other work has the other cores.
        found = iter(parser(BytesIO(body), number_of_threads=1).records())
    except (RuntimeError, OSError, ValueError) as error:
        yield error
        return
    while True:
        try:
            item = next(found)
        except StopIteration:
            return
        except (RuntimeError, OSError, ValueError) as error:
            if not _UNUSED.search(str(error)):
                yield error
            continue
        text = item["data"]
        yield text[text.index("<Event") :].rstrip()


def parse(messages: pa.LargeBinaryArray, settings: Settings) -> Records:
    """Read each message as one document of events."""
    return parse_by_reading(read, messages, settings)


FORMAT = Format("windows_event", sniff, read, parse)
