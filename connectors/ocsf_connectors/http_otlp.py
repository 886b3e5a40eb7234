"""OTLP/HTTP: traces and logs, as protobuf and as JSON; answers are in the encoding of the request."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import Any

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ocsf_connectors.http_messages import JSON, Answer, Request
from ocsf_connectors.http_otlp_size import TooManyError, count
from ocsf_connectors.spool import Entry

PROTOBUF = "application/x-protobuf"
# What google.rpc.Code says to a status of HTTP.
_CODES = {400: 3, 401: 16, 403: 7, 404: 12, 408: 4, 413: 3, 415: 3, 422: 3, 429: 8, 500: 13, 503: 14}
_SIGNALS: dict[str, tuple[Any, tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "/v1/traces": (
        ExportTraceServiceRequest,
        ("resourceSpans", "resource_spans"),
        ("scopeSpans", "scope_spans", "instrumentationLibrarySpans", "instrumentation_library_spans"),
        ("spans",),
    ),
    "/v1/logs": (
        ExportLogsServiceRequest,
        ("resourceLogs", "resource_logs"),
        ("scopeLogs", "scope_logs", "instrumentationLibraryLogs", "instrumentation_library_logs"),
        ("logRecords", "log_records"),
    ),
}
PATHS = tuple(_SIGNALS)
METRICS_PATH = "/v1/metrics"
LARGEST = 20 << 20
"""Bytes of an export request unpacked, as in the OpenTelemetry collector; parsed it takes up to twenty times that."""
_LARGE = 1 << 20  # beyond this, one is looked at after the other


class Otlp:
    """Export requests. A malformed one is refused whole, as the protocol asks."""

    methods: tuple[str, ...] = ("POST",)
    _one_large = threading.Lock()

    def refuse(self, request: Request, status: int, text: str) -> Answer:
        """Return a google.rpc.Status in the encoding of the request."""
        code = _CODES.get(status, 2)
        if _encoding(request) == PROTOBUF:
            message = text.encode()[:127].decode(errors="ignore").encode()  # so short that its length is one byte
            return Answer(status, bytes((8, code, 18, len(message))) + message, PROTOBUF)
        return Answer(status, orjson.dumps({"code": code, "message": text}), JSON)

    def read(self, request: Request, body: bytes) -> Entry | Answer:
        """Return what goes to the spool; an export of nothing is a success."""
        encoding = _encoding(request)
        if not encoding:
            return self.refuse(request, 415, f"the Content-Type is neither {PROTOBUF} nor {JSON}")
        if len(body) > LARGEST:
            return self.refuse(request, 413, f"the export request is longer than {LARGEST} bytes")
        try:
            with self._one_large if len(body) > _LARGE else nullcontext():
                full = _in_protobuf(request.path, body) if encoding == PROTOBUF else _in_json(request.path, body)
        except TooManyError as error:
            return self.refuse(request, 413, str(error))
        except (DecodeError, ValueError, TypeError, AttributeError) as error:
            return self.refuse(request, 400, f"no export request: {error}")
        if not full:
            return self.done(request)
        return Entry("otlp_protobuf" if encoding == PROTOBUF else "otlp", body)

    def done(self, request: Request) -> Answer:
        """Return the empty response that means full success."""
        return Answer(200, b"", PROTOBUF) if _encoding(request) == PROTOBUF else Answer(200, b"{}", JSON)


def metrics_refused(request: Request) -> Answer:
    """Return the answer to metrics, which exporters do not try again."""
    return Otlp().refuse(request, 404, "metrics are not taken here; send traces and logs")


def _encoding(request: Request) -> str:
    kind = request.header("content-type").partition(";")[0].strip().lower()
    return kind if kind in (PROTOBUF, JSON) else ""


def _in_protobuf(path: str, body: bytes) -> bool:
    """Whether an export request has a leaf; raises DecodeError where it is none."""
    message, (groups, *_), (scopes, *_), (leaves, *_) = _SIGNALS[path]
    count(body)
    found = message.FromString(body)
    snake = {name: name.replace("S", "_s").replace("L", "_l").replace("R", "_r") for name in (groups, scopes, leaves)}
    resources = getattr(found, snake[groups])
    if body and not resources:
        raise ValueError(f"there is no `{groups}`")
    return any(getattr(scoped, snake[leaves]) for group in resources for scoped in getattr(group, snake[scopes]))


def _in_json(path: str, body: bytes) -> bool:
    """Whether an export request has a leaf; raises ValueError where it is none."""
    _, groups, scopes, leaves = _SIGNALS[path]
    found = orjson.loads(body)
    if not isinstance(found, dict):
        raise TypeError("it is not an object")
    resources = _lists(found, groups)
    if found and not any(name in found for name in groups):
        raise ValueError(f"there is no `{groups[0]}`")
    return any(_lists(scoped, leaves) for group in resources for scoped in _lists(group, scopes))


def _lists(thing: Any, names: tuple[str, ...]) -> list[Any]:
    found = [one for name in names for one in thing.get(name) or []]
    if not all(isinstance(one, dict) for one in found):
        raise TypeError(f"`{names[0]}` holds something else than objects")
    return found
