"""Splunk's HTTP Event Collector: JSON entries one behind the other, or in an array, each with an `event`.

The record of an entry is its `event` where that is an object, or text that holds one object; `raw` is the entry, so
that `time`, `host`, `source`, `sourcetype`, `index` and `fields` are kept. Where the event is other text, a number or
a list, the record is the entry itself, and a mapping reads `event` and `sourcetype` from it. `parts` hands such texts
over apart, for whoever wants to read them in a format of their own.
"""

from __future__ import annotations

import json as standard
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa

from ocsf_pipe.decode import json
from ocsf_pipe.decode.format import DEFAULT_LIMITS, Format, Limits, Settings
from ocsf_pipe.source import Records, Reject

_SPACE = re.compile(r"[ \t\r\n]*")
_VALUES = standard.JSONDecoder()
_NAMES = ("time", "host", "source", "sourcetype", "index", "fields")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it came, its event as it stands in it, and the event's value."""

    text: str
    event_text: str
    event: Any


def entries(text: str) -> Iterator[Entry]:
    """Yield the entries of a text, which may stand back to back; raises ValueError where one is none."""
    at = _skipped(text, 0)
    while at < len(text):
        entry, end = _entry(text, at)
        yield entry
        at = _skipped(text, end)


def _skipped(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _entry(text: str, start: int) -> tuple[Entry, int]:
    """Walk over the keys of one object, to know the exact text of its event; also return where it ends."""
    if text[start] != "{":
        raise ValueError("an entry is an object")
    found: tuple[str, Any] | None = None
    at = _skipped(text, start + 1)
    while text[at : at + 1] != "}":
        key, at = _value(text, at)
        at = _skipped(text, at)
        if not isinstance(key, str) or text[at : at + 1] != ":":
            raise ValueError(f"no key at character {at}")
        at = _skipped(text, at + 1)
        value, end = _value(text, at)
        found = (text[at:end], value) if key == "event" and found is None else found
        at = _skipped(text, end)
        if text[at : at + 1] == ",":
            at = _skipped(text, at + 1)
        elif text[at : at + 1] != "}":
            raise ValueError(f"the entry does not go on at character {at}")
    if found is None or found[1] in (None, ""):
        raise ValueError("the entry has no event")
    return Entry(text[start : at + 1], *found), at + 1


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        return _VALUES.raw_decode(text, at)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def record_of(entry: Entry) -> str | None:
    """Return the JSON text of the event if it is an object or text that holds one; None where it is other text."""
    if isinstance(entry.event, dict):
        return entry.event_text
    if not isinstance(entry.event, str) or not entry.event.lstrip().startswith("{"):
        return None
    try:
        return entry.event if isinstance(orjson.loads(entry.event), dict) else None
    except (ValueError, UnicodeEncodeError):
        return None


def text_of(entry: Entry) -> str | None:
    """Return the event where it is text that is no record, and can be written as UTF-8."""
    if not isinstance(entry.event, str) or record_of(entry) is not None:
        return None
    try:
        entry.event.encode()
    except UnicodeEncodeError:  # half a surrogate pair: the entry itself has it escaped
        return None
    return entry.event


@dataclass(slots=True)
class _Rows:
    raws: list[str] = field(default_factory=list)
    jsons: list[str] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    subs: list[int] = field(default_factory=list)

    def add(self, raw: str, json: str, position: int, sub: int) -> None:
        """Take one more record."""
        self.raws.append(raw)
        self.jsons.append(json)
        self.positions.append(position)
        self.subs.append(sub)

    def records(self, end: int, rejects: tuple[Reject, ...], *, of_json: bool) -> Records:
        """Return the rows as a run; `of_json` says whether they have their JSON apart."""
        return Records(
            pa.array(self.raws, pa.large_string()),
            pa.array(np.array(self.positions, np.int64)),
            pa.array(np.array(self.subs, np.int32)),
            end,
            pa.array(self.jsons, pa.large_string()) if of_json else None,
            rejects=rejects,
        )


def _taken_apart(run: Records, *, texts_apart: bool) -> tuple[Records, Records]:
    rows, texts = _Rows(), _Rows()
    rejects: list[Reject] = []
    counts: Counter[int] = Counter()  # the next `sub` at a position

    def next_sub(position: int) -> int:
        counts[position] += 1
        return counts[position] - 1

    for text, position in zip(run.raw.to_pylist(), run.position.to_pylist(), strict=True):
        try:
            for entry in entries(text):
                plain = text_of(entry) if texts_apart else None
                if plain is not None:
                    texts.add(plain, "", position, next_sub(position))
                else:
                    rows.add(entry.text, record_of(entry) or entry.text, position, next_sub(position))
        except ValueError as error:
            rejects.append(Reject(position, next_sub(position), text.encode(), f"no HEC entry: {error}"))
    rejects += [Reject(r.position, next_sub(r.position), r.raw, r.reason) for r in run.rejects]
    ordered = tuple(sorted(rejects, key=lambda reject: (reject.position, reject.sub)))
    return rows.records(run.end, ordered, of_json=True), texts.records(run.end, (), of_json=False)


def parts(messages: pa.LargeBinaryArray) -> tuple[Records, Records]:
    """Return the entries of messages, and apart from them the events that are text but no record.

    `raw` of the latter is the text itself, without `json`. `sub` counts through both, so that a record keeps its place.
    """
    return _taken_apart(json.parse(messages, {}), texts_apart=True)


def sniff(head: bytes, filename: str, settings: Settings) -> bool:  # noqa: ARG001 - the contract of Format
    """Whether the first line is one entry that has an `event` and one of the names that HEC knows beside it."""
    try:
        entry = next(entries(head.split(b"\n")[0].decode()), None)
        keys = standard.loads(entry.text) if entry else {}
    except (ValueError, RecursionError):
        return False
    return any(name in keys for name in _NAMES) and not keys.keys() - {"event", *_NAMES}


def read(
    stream: BinaryIO, settings: Settings, *, resume_at: int = 0, limits: Limits = DEFAULT_LIMITS
) -> Iterator[Records]:
    """Yield the entries of a stream."""
    for run in json.read(stream, settings, resume_at=resume_at, limits=limits):
        yield _taken_apart(run, texts_apart=False)[0]


def parse(messages: pa.LargeBinaryArray, settings: Settings) -> Records:
    """Read each message as the body of one request."""
    return _taken_apart(json.parse(messages, settings), texts_apart=False)[0]


FORMAT = Format("hec", sniff, read, parse)
