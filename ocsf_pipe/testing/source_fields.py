"""What a sample of raw records holds: its format, where the records are, its fields and their kinds."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Any, BinaryIO, Literal

from ocsf_pipe.decode import FORMATS, json_text
from ocsf_pipe.errors import UsageError
from ocsf_pipe.source import BrokenStream, Records

Kind = Literal["text", "integer", "float", "boolean", "time", "epoch_s", "epoch_ms", "epoch_us", "epoch_ns", "ip"]

HEAD = 1 << 16
LOOK_AT = 500
_ENOUGH = 16 << 20
_VALUES = 50
_MOSTLY = 0.8
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?.*)?")
_EPOCHS: tuple[tuple[int, Kind], ...] = (
    (10**9, "epoch_s"),
    (10**12, "epoch_ms"),
    (10**15, "epoch_us"),
    (10**18, "epoch_ns"),
)
_TIMELY = re.compile(r"time|date|\bts\b|when|at$|published|created|seen", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Field:
    """One source field: its path, what its values are, in how many records it is, some of the texts it holds."""

    path: tuple[str, ...]
    kind: Kind
    records: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sample: its format, the key of the list in an envelope that holds the records, how many, and their fields."""

    format: str
    envelope: tuple[str, ...]
    records: int
    fields: tuple[Field, ...]


def sample(stream: BinaryIO, name: str) -> Sampled:
    """Look at the first records of an unpacked stream; UsageError where there is none that can be read."""
    body = _start(stream, name)
    found = sniffed(body[:HEAD], name)
    runs = list(islice(FORMATS[found].read(BytesIO(body), {}), 3))
    values = list(islice((value for run in runs for value in _values(run)), LOOK_AT))
    if not values:
        why = next((reject.reason for run in runs for reject in run.rejects), "it holds none")
        raise UsageError(f"no record of `{name}` can be read as {found}: {why}", "give whole records, a header too")
    envelope = _envelope(values)
    if envelope:
        values = [item for value in values for item in _inside(value, envelope)][:LOOK_AT]
    return Sampled(found, envelope, len(values), tuple(fields_of(values)))


def _start(stream: BinaryIO, name: str) -> bytes:
    """The first bytes: enough for a document that holds many records."""
    body = b""
    try:
        while len(body) < _ENOUGH and (more := stream.read(HEAD)):
            body += more
    except BrokenStream as error:
        if not body:
            raise UsageError(f"`{name}` cannot be unpacked: {error}") from error
    return body


def sniffed(head: bytes, name: str) -> str:
    """Name the format that the head of a stream looks like; the general ones are asked last."""
    general = ("json", "delimited")
    names = [*(one for one in sorted(FORMATS) if one not in general), *(one for one in general if one in FORMATS)]
    found = next((one for one in names if FORMATS[one].sniff(head, name, {})), None)
    if found is None and b"\n" in head and any(sign in head.split(b"\n", 1)[0] for sign in (b",", b"\t", b";", b"|")):
        found = "delimited"
    if found is None:
        raise UsageError(f"`{name}` looks like no format that is known", f"formats: {', '.join(sorted(FORMATS))}")
    return found


def _values(run: Records) -> Iterator[Any]:
    """The records as JSON values."""
    if run.columns is not None:
        yield from ({k: v for k, v in row.items() if v is not None} for row in run.columns.to_pylist())
        return
    for text in (run.raw if run.json is None else run.json).to_pylist():
        try:
            yield json_text.parse(text)
        except ValueError:
            continue


def _envelope(values: Sequence[Any]) -> tuple[str, ...]:
    """The key whose list of objects is all that the documents hold, or nearly: few other keys, none of them large."""
    first = values[0]
    if not isinstance(first, dict) or len(first) > 4:
        return ()
    lists = [key for key, value in first.items() if isinstance(value, list) and value and _objects(value)]
    others = [value for key, value in first.items() if key not in lists]
    return (lists[0],) if len(lists) == 1 and not any(isinstance(value, dict | list) for value in others) else ()


def _objects(items: Sequence[Any]) -> bool:
    return all(isinstance(item, dict) and item for item in items)


def _inside(value: Any, envelope: tuple[str, ...]) -> list[Any]:
    inner = value.get(envelope[0]) if isinstance(value, dict) else None
    return inner if isinstance(inner, list) else []


def fields_of(values: Sequence[Any]) -> Iterator[Field]:
    """Yield the scalar fields of records in the order in which they first appear; lists are left out."""
    seen: dict[tuple[str, ...], Counter[Any]] = {}
    for value in values:
        for path, scalar in _scalars(value, ()):
            seen.setdefault(path, Counter())[scalar] += 1
    for path, found in seen.items():
        texts = [str(value) for value, _ in found.most_common(_VALUES)]
        yield Field(path, _kind(path, list(found)), found.total(), tuple(texts))


def _scalars(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _scalars(inner, (*path, str(name)))
    elif path and not isinstance(value, list) and value not in (None, ""):
        yield path, value


def _kind(path: tuple[str, ...], values: Sequence[Any]) -> Kind:
    if all(isinstance(value, bool) for value in values):
        return "boolean"
    texts = [str(value) for value in values]
    # sources put words such as `unknown` where an address is meant
    if sum(map(_is_ip, texts)) >= _MOSTLY * len(texts):
        return "ip"
    if all(_ISO.fullmatch(text) for text in texts):
        return "time"
    if not all(_number(text) for text in texts):
        return "text"
    if _TIMELY.search(path[-1]) or path[-1].lower() in {"ts", "t"}:
        epoch = _epoch(max(float(text) for text in texts))
        if epoch is not None:
            return epoch
    return "integer" if all(text.lstrip("-").isdigit() for text in texts) else "float"


def _epoch(largest: float) -> Kind | None:
    return next((kind for unit, kind in _EPOCHS if unit <= largest < 4 * unit), None)


def _number(text: str) -> bool:
    return bool(re.fullmatch(r"-?\d{1,19}(\.\d+)?", text))


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "." in text or ":" in text
