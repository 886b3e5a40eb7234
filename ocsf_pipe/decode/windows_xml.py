"""Rendered Windows events as XML: found in text, and rewritten to the one shape of `windows_shapes`."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError, fromstring

import numpy as np
import orjson
import pyarrow as pa

from ocsf_pipe.decode.format import Limits
from ocsf_pipe.decode.framing import Head, broken_at, chunks
from ocsf_pipe.decode.windows_shapes import kept, shape
from ocsf_pipe.source import BrokenStream, Records, Reject

_EVENT = re.compile(rb"<Event(?=[\s>]).*?</Event\s*>", re.DOTALL)
# What stands between events and says nothing: declarations, the wrapper, the marks of a browser's tree view.
_NOISE = re.compile(rb"<\?xml[^>]*\?>|</?Events[^>]*>|<!--.*?-->|[\s\-,\x00]|\xef\xbb\xbf", re.DOTALL)
_AMPERSAND = re.compile(r"&(?!(#\d+|#x[0-9a-fA-F]+|amp|lt|gt|quot|apos);)")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#x?[01]?[0-9a-fA-F];")
# Before opening tags alone: `<Data>-</Data>` is a value.
_FOLD_MARKS = re.compile(r"(^|>)\s*-\s*(?=<[A-Za-z])")


class Transcoded:
    """A UTF-16 stream as UTF-8, so that positions are those of the UTF-8 text."""

    def __init__(self, stream: BinaryIO | Head) -> None:
        """Read the byte order from the mark at the beginning."""
        self._stream, self._decoder = stream, codecs.getincrementaldecoder("utf-16")("replace")

    def read(self, size: int) -> bytes:
        """Return about `size` bytes, none at the end."""
        while data := self._stream.read(size):
            if out := self._decoder.decode(data).encode():
                return out
        return self._decoder.decode(b"", True).encode()


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def tree(element: Element) -> Any:
    """Turn an element into text, or an object where it has children or attributes."""
    children: dict[str, Any] = dict(element.attrib)
    for child in element:
        name, value = _tag(child), tree(child)
        if name in children:
            have = children[name]
            value = [*have, value] if isinstance(have, list) else [have, value]
        children[name] = value
    own = (element.text or "").strip() if children else element.text
    return own if not children else children | ({"#text": own} if own else {})


def _data(element: Element | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for i, child in enumerate(element if element is not None else ()):
        name = child.get("Name") or (f"param{i + 1}" if _tag(child) == "Data" else _tag(child))
        out[name if name not in out else f"{name}_{i + 1}"] = child.text if not len(child) else tree(child)
    return out


def _parsed(text: str) -> Element:
    """Parse XML; bare ampersands and characters that XML forbids, which Windows writes, are mended first if need be."""
    problem: ParseError | None = None
    for candidate in (text, _FORBIDDEN.sub("\ufffd", _AMPERSAND.sub("&amp;", text))):
        try:
            return fromstring(candidate)  # noqa: S314 - no document type gets here, so there are no entities to expand
        except ParseError as error:
            problem = error
    raise ValueError(f"not XML: {problem}")


def event(text: str) -> dict[str, Any]:
    """Rewrite one `<Event>`; raises ValueError where it is not XML or declares a document type."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("a document type is declared")
    root = _parsed(_FOLD_MARKS.sub(r"\1", text))
    parts = {_tag(child): child for child in root}
    system: dict[str, Any] = {}
    for child in parts.pop("System", Element("System")):
        name = _tag(child)
        if name in ("Provider", "Correlation", "Execution", "Security"):
            system[name] = dict(child.attrib)
        else:
            system[name] = child.get("SystemTime", child.text)
        if "Qualifiers" in child.attrib:
            system["Qualifiers"] = child.attrib["Qualifiers"]
    data, user, info = (parts.pop(name, None) for name in ("EventData", "UserData", "RenderingInfo"))
    other = kept({name: tree(child) for name, child in parts.items()})
    rendering = tree(info) if info is not None else {}
    return shape(system, _data(data), tree(user) if user is not None else None, rendering or {}, other)


def read_xml(stream: Any, limits: Limits) -> Iterator[Records]:
    """Yield the events of a stream of XML text; text between them that says something becomes a reject."""
    pending, at = b"", 0
    for chunk in chunks(stream, min(limits.chunk_bytes, limits.max_record)):
        if isinstance(chunk, BrokenStream):
            rest = _between(pending, at)
            end = at + len(pending)
            yield records([], (*rest, broken_at(end, chunk)), end + 1)
            return
        pending += chunk
        found, rejects, done = _cut(pending, at)
        if len(pending) - done > limits.max_record:
            long = f"no event ends within {limits.max_record} bytes"
            rejects = (*rejects, Reject(at + done, 0, pending[done:], long))
            done = len(pending)
        pending, at = pending[done:], at + done
        yield records(found, rejects, at)
    if rest := _between(pending, at):
        yield records([], rest, at + len(pending))


def _cut(data: bytes, at: int) -> tuple[list[tuple[int, bytes]], tuple[Reject, ...], int]:
    found: list[tuple[int, bytes]] = []
    rejects: list[Reject] = []
    done = 0
    for match in _EVENT.finditer(data):
        rejects += _between(data[done : match.start()], at + done)
        found.append((at + match.start(), match[0]))
        done = match.end()
    return found, tuple(rejects), done


def _between(data: bytes, at: int) -> tuple[Reject, ...]:
    return (Reject(at, 0, data, "text that is no <Event>"),) if _NOISE.sub(b"", data) else ()


def records(found: list[tuple[int, bytes]], rejects: tuple[Reject, ...], end: int) -> Records:
    """Rewrite events found at positions; one that cannot be becomes a reject."""
    good: list[tuple[int, str, str]] = []
    bad = list(rejects)
    for position, raw in found:
        try:
            text = raw.decode()
            good.append((position, text, orjson.dumps(event(text)).decode()))
        except ValueError as error:
            bad.append(Reject(position, 0, raw, str(error)))
    places = np.array([position for position, _, _ in good], np.int64)
    raws, jsons = (pa.array([g[i] for g in good], pa.large_string()) for i in (1, 2))
    sub = pa.array(np.zeros(len(good), np.int32))
    ordered = tuple(sorted(bad, key=lambda r: r.position))
    return Records(raws, pa.array(places), sub, end, jsons, None, ordered)
