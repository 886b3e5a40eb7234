"""OpenTelemetry traces and logs as OTLP/protobuf: the records that `otlp` gives for the same in JSON.

A message is one export request, of traces or of logs; which of the two shows in the wire types of its leaves. It is
rewritten as OTLP/JSON, default values left out as the protocol's JSON does, and read as that, so that nothing can
differ; `raw` is then the span or log record in that JSON. The protobuf library's C parser refuses what is cut short,
nested deeper than a hundred, or not UTF-8 where text must be; such a message becomes a reject.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ocsf_pipe.decode.documents import rewritten_run
from ocsf_pipe.decode.format import DEFAULT_LIMITS, Format, Limits, Settings
from ocsf_pipe.decode.otlp import records
from ocsf_pipe.source import BrokenStream, Records, Reject

Json = dict[str, Any]
_LONGEST = 100_000
"""Elements of one list: attributes of a span, events, values of an array."""


def document(message: bytes) -> Json:
    """Return an export request as OTLP/JSON; raises ValueError where it is none."""
    try:
        traces = ExportTraceServiceRequest.FromString(message)
        if _has_spans(traces):
            return {"resourceSpans": [_group(g, "scopeSpans", "spans", _span) for g in _bounded(traces.resource_spans)]}
    except DecodeError:
        pass  # text of a span may be a message of a log record, and no text then
    try:
        logs = ExportLogsServiceRequest.FromString(message)
    except DecodeError as error:
        raise ValueError(f"no OTLP message: {error}") from error
    return {"resourceLogs": [_group(g, "scopeLogs", "logRecords", _log) for g in _bounded(logs.resource_logs)]}


def _has_spans(traces: Any) -> bool:
    """Whether the first leaf is a span: a log record has numbers where a span has its ids and times."""
    for group in traces.resource_spans:
        for scoped in group.scope_spans:
            for span in scoped.spans:
                return bool(span.trace_id or span.span_id or span.start_time_unix_nano or span.end_time_unix_nano)
    return False


def _group(group: Any, scopes: str, leaves: str, form: Callable[[Any], Json]) -> Json:
    resource = group.resource
    entities = [_entity(entity) for entity in resource.entity_refs]
    return _kept(
        {
            "resource": _kept({**_attributes(resource), "entityRefs": entities}),
            scopes: [_scoped(scoped, leaves, form) for scoped in _bounded(getattr(group, _SNAKE[scopes]))],
            "schemaUrl": group.schema_url,
        }
    )


def _entity(entity: Any) -> Json:
    keys = {"idKeys": list(entity.id_keys), "descriptionKeys": list(entity.description_keys)}
    return _kept({"schemaUrl": entity.schema_url, "type": entity.type, **keys})


def _scoped(scoped: Any, leaves: str, form: Callable[[Any], Json]) -> Json:
    scope = scoped.scope
    about = {"name": scope.name, "version": scope.version} | _attributes(scope)
    found = [form(leaf) for leaf in _bounded(getattr(scoped, _SNAKE[leaves]))]
    return _kept({"scope": _kept(about), leaves: found, "schemaUrl": scoped.schema_url})


_SNAKE = {"scopeSpans": "scope_spans", "scopeLogs": "scope_logs", "spans": "spans", "logRecords": "log_records"}


def _span(span: Any) -> Json:
    status = span.status
    return _kept(
        {
            "traceId": span.trace_id.hex(),
            "spanId": span.span_id.hex(),
            "traceState": span.trace_state,
            "parentSpanId": span.parent_span_id.hex(),
            "flags": span.flags,
            "name": span.name,
            "kind": span.kind,
            "startTimeUnixNano": _long(span.start_time_unix_nano),
            "endTimeUnixNano": _long(span.end_time_unix_nano),
            **_attributes(span),
            "events": [_event(event) for event in _bounded(span.events)],
            "droppedEventsCount": span.dropped_events_count,
            "links": [_link(link) for link in _bounded(span.links)],
            "droppedLinksCount": span.dropped_links_count,
            "status": _kept({"message": status.message, "code": status.code}),
        }
    )


def _event(event: Any) -> Json:
    return _kept({"timeUnixNano": _long(event.time_unix_nano), "name": event.name, **_attributes(event)})


def _link(link: Any) -> Json:
    ids = {"traceId": link.trace_id.hex(), "spanId": link.span_id.hex(), "traceState": link.trace_state}
    return _kept({**ids, **_attributes(link), "flags": link.flags})


def _log(log: Any) -> Json:
    return _kept(
        {
            "timeUnixNano": _long(log.time_unix_nano),
            "observedTimeUnixNano": _long(log.observed_time_unix_nano),
            "severityNumber": log.severity_number,
            "severityText": log.severity_text,
            "body": _value(log.body) if log.HasField("body") else None,
            **_attributes(log),
            "flags": log.flags,
            "traceId": log.trace_id.hex(),
            "spanId": log.span_id.hex(),
            "eventName": log.event_name,
        }
    )


def _attributes(thing: Any) -> Json:
    _bounded(thing.attributes)
    pairs = [{"key": pair.key, "value": _value(pair.value)} for pair in thing.attributes]
    return _kept({"attributes": pairs, "droppedAttributesCount": thing.dropped_attributes_count})


def _bounded(things: Any) -> Any:
    """An element is two bytes in the message and a hundred times that in memory, hence a bound."""
    if len(things) > _LONGEST:
        raise ValueError(f"a list of {len(things)} elements, which is more than {_LONGEST}")
    return things


def _value(value: Any) -> Json:
    """An AnyValue as it stands in OTLP/JSON; the empty one is an empty object."""
    which = value.WhichOneof("value")
    written = _VALUES.get(which)
    return {} if written is None else written(getattr(value, which))


_NAMED = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_VALUES: dict[str, Callable[[Any], Json]] = {
    "string_value": lambda v: {"stringValue": v},
    "bool_value": lambda v: {"boolValue": v},
    "int_value": lambda v: {"intValue": str(v)},
    "double_value": lambda v: {"doubleValue": v if math.isfinite(v) else _NAMED[str(v)]},
    "bytes_value": lambda v: {"bytesValue": base64.b64encode(v).decode()},
    "array_value": lambda v: {"arrayValue": {"values": [_value(one) for one in _bounded(v.values)]}},
    "kvlist_value": lambda v: {
        "kvlistValue": {"values": [{"key": one.key, "value": _value(one.value)} for one in _bounded(v.values)]}
    },
}


def _long(number: int) -> str:
    """A 64-bit integer is text in JSON; zero is the default, and left out."""
    return str(number) if number else ""


def _kept(thing: Json) -> Json:
    """Leave out what has its default value."""
    return {key: value for key, value in thing.items() if value}


def sniff(head: bytes, filename: str, settings: Settings) -> bool:  # noqa: ARG001 - the contract of Format
    """Never: its bytes are told from others by the transport alone."""
    return False


def read(
    stream: BinaryIO,
    settings: Settings,
    *,
    resume_at: int = 0,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Records]:
    """Yield the records of a stream that is one export request, all at position 0; a longer one is a reject."""
    data, reason = _whole(stream, limits)
    if resume_at or not data:
        return
    if reason:
        none = parse(pa.array([], pa.large_binary()), settings)
        yield Records(none.raw, none.position, none.sub, len(data), none.json, rejects=(Reject(0, 0, data, reason),))
        return
    found = parse(pa.array([data], pa.large_binary()), settings)
    yield Records(found.raw, found.position, found.sub, len(data), found.json, rejects=found.rejects)


def _whole(stream: BinaryIO, limits: Limits) -> tuple[bytes, str]:
    data = bytearray()
    try:
        while len(data) <= limits.max_record and (more := stream.read(limits.max_record + 1 - len(data))):
            data += more
    except BrokenStream as error:
        return bytes(data), str(error)
    too_long = len(data) > limits.max_record
    return bytes(data), f"longer than {limits.max_record} bytes" if too_long else ""


def parse(messages: pa.LargeBinaryArray, settings: Settings) -> Records:  # noqa: ARG001 - the contract of Format
    """Read each message as one export request."""
    texts: list[bytes] = []
    places: list[int] = []
    rejects: list[Reject] = []
    for index, message in enumerate(messages):
        data = message.as_py() or b""
        try:
            texts.append(orjson.dumps(document(data)))
            places.append(index)
        except (ValueError, TypeError, RecursionError) as error:
            rejects.append(Reject(index, 0, data, str(error)))
    raw = pa.array(texts, pa.large_binary()).cast(pa.large_string())
    subs = pa.array(np.zeros(len(places), np.int32))
    run = Records(raw, pa.array(np.array(places, np.int64)), subs, len(messages), rejects=tuple(rejects))
    made = rewritten_run(run, records)
    came = tuple(replace(reject, raw=messages[reject.position].as_py() or b"") for reject in made.rejects)
    return replace(made, rejects=came)


FORMAT = Format("otlp_protobuf", sniff, read, parse)
