"""OpenTelemetry traces and logs as OTLP/JSON: one record a span or log record, attributes as a flat object.

Keys may be in lowerCamelCase, as the protocol says, or in snake_case, as some exporters write them. The record:
kind ("span" or "log"), resource.attributes, scope {name, version, attributes}, traceId, spanId, parentSpanId, name,
kind_id, start, end (nanoseconds as text), status, attributes, events, links; of logs timeUnixNano,
observedTimeUnixNano, severityNumber, severityText, eventName, body.
`raw` is the span or log record as it came, with its resource and scope.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson
import pyarrow as pa

from ocsf_pipe.decode import json
from ocsf_pipe.decode.documents import rewritten, rewritten_run
from ocsf_pipe.decode.format import DEFAULT_LIMITS, Format, Limits, Settings
from ocsf_pipe.source import Records

# Each record repeats its resource and scope. A small document with a large resource and very many spans would unfold to
# any size, so there is a bound to what is repeated in one.
_REPEATED = 64 << 20
_SPAN = ("traceId", "spanId", "parentSpanId", "traceState", "flags", "name", "status", "droppedAttributesCount")
_LOG = (
    "traceId", "spanId", "flags", "timeUnixNano", "observedTimeUnixNano", "severityNumber", "severityText",
    "eventName", "droppedAttributesCount",
)  # fmt: skip


def snake(key: str) -> str:
    """Spell a lowerCamelCase key in snake_case."""
    return "".join("_" + c.lower() if c.isupper() else c for c in key)


def got(thing: dict[str, Any], key: str) -> Any:
    """Return the value under a key in either spelling; None where it is not there."""
    return thing[key] if key in thing else thing.get(snake(key))


def value_of(wrapped: Any) -> Any:
    """Unwrap an AnyValue: text stays text, a 64-bit integer becomes a number, bytes stay base64 text."""
    if not isinstance(wrapped, dict):
        return wrapped
    for key in ("stringValue", "boolValue", "doubleValue", "bytesValue"):
        if (found := got(wrapped, key)) is not None:
            return found
    if (number := got(wrapped, "intValue")) is not None:
        return int(number)
    if (array := got(wrapped, "arrayValue")) is not None:
        return [value_of(v) for v in array.get("values") or []]
    if (pairs := got(wrapped, "kvlistValue")) is not None:
        return flat(pairs.get("values"))
    return None


def flat(attributes: Any) -> dict[str, Any]:
    """Turn a list of {key, value} into one object; an object is taken as it is."""
    if isinstance(attributes, dict):
        return attributes
    return {pair["key"]: value_of(pair.get("value")) for pair in attributes or []}


def records(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield raw and record of every span and log record of a document or a list of documents."""
    for part in document if isinstance(document, list) else [document]:
        for group in got(part, "resourceSpans") or []:
            yield from _of(group, ("scopeSpans", "instrumentationLibrarySpans"), "spans", span)
        for group in got(part, "resourceLogs") or []:
            yield from _of(group, ("scopeLogs", "instrumentationLibraryLogs"), "logRecords", log)


def _of(group: dict[str, Any], scopes: tuple[str, ...], leaves: str, form: Any) -> Iterator[tuple[Any, Any]]:
    resource = group.get("resource") or {}
    for scoped in [s for key in scopes for s in got(group, key) or []]:
        scope = scoped.get("scope") or got(scoped, "instrumentationLibrary") or {}
        about = {
            "resource": {"attributes": flat(resource.get("attributes"))},
            "scope": _kept({"name": scope.get("name"), "version": scope.get("version")})
            | {"attributes": flat(scope.get("attributes"))},
        }
        urls = _kept({"resourceSchemaUrl": got(group, "schemaUrl"), "scopeSchemaUrl": got(scoped, "schemaUrl")})
        found = got(scoped, leaves) or []
        if len(found) > 1 and len(found) * len(orjson.dumps([resource, scope])) > _REPEATED:
            raise ValueError(f"resource and scope, repeated in {len(found)} records, are more than {_REPEATED} bytes")
        for leaf in found:
            raw = {"resource": resource, "scope": scope, **urls, leaves.removesuffix("s"): leaf}
            yield raw, form(leaf) | about | urls


def _kept(thing: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in thing.items() if value is not None}


def span(leaf: dict[str, Any]) -> dict[str, Any]:
    """Rewrite one span."""
    start, end = got(leaf, "startTimeUnixNano"), got(leaf, "endTimeUnixNano")
    times = {"start": start, "end": end, "startTimeUnixNano": start, "endTimeUnixNano": end}
    return {
        "kind": "span",
        **_kept({key: got(leaf, key) for key in _SPAN}),
        **_kept({"kind_id": leaf.get("kind")}),
        **{key: str(value) for key, value in times.items() if value is not None},
        "attributes": flat(leaf.get("attributes")),
        "events": [_event(event) for event in leaf.get("events") or []],
        "links": [_kept({k: got(link, k) for k in ("traceId", "spanId", "traceState")})
                  | {"attributes": flat(link.get("attributes"))} for link in leaf.get("links") or []],
    }  # fmt: skip


def _event(event: dict[str, Any]) -> dict[str, Any]:
    time = got(event, "timeUnixNano")
    named = _kept({"name": event.get("name"), "timeUnixNano": None if time is None else str(time)})
    return named | {"attributes": flat(event.get("attributes"))}


def log(leaf: dict[str, Any]) -> dict[str, Any]:
    """Rewrite one log record."""
    told = _kept({key: got(leaf, key) for key in _LOG})
    for key in ("timeUnixNano", "observedTimeUnixNano"):
        if key in told:
            told[key] = str(told[key])
    body = {"body": value_of(leaf["body"])} if leaf.get("body") is not None else {}
    return {"kind": "log", **told, "attributes": flat(leaf.get("attributes")), **body}


def sniff(head: bytes, filename: str, settings: Settings) -> bool:  # noqa: ARG001 - the contract of Format
    """Whether the head speaks of resource spans or resource logs."""
    start = head[:4096]
    return any(key in start for key in (b'"resourceSpans"', b'"resourceLogs"', b'"resource_spans"', b'"resource_logs"'))


def read(
    stream: BinaryIO, settings: Settings, *, resume_at: int = 0, limits: Limits = DEFAULT_LIMITS
) -> Iterator[Records]:
    """Yield the spans and log records of a stream of documents."""
    return rewritten(json.read(stream, settings, resume_at=resume_at, limits=limits), records)


def parse(messages: pa.LargeBinaryArray, settings: Settings) -> Records:
    """Read each message as one export request or a list of them."""
    return rewritten_run(json.parse(messages, settings), records)


FORMAT = Format("otlp", sniff, read, parse)
