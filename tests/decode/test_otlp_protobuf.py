"""OTLP/protobuf gives the records that the same request gives as OTLP/JSON."""

from __future__ import annotations

import base64
import time
from io import BytesIO
from typing import Any

import orjson
import pyarrow as pa
import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from ocsf_pipe.decode import FORMATS, Limits
from ocsf_pipe.source import Records

PROTOBUF, JSON = FORMATS["otlp_protobuf"], FORMATS["otlp"]


def parsed(*messages: bytes) -> Records:
    """The records of requests."""
    return PROTOBUF.parse(pa.array(messages, pa.large_binary()), {})


def as_json(request: Any) -> bytes:
    """The request as OTLP/JSON by the protobuf library's own rules, ids in hex as OTLP wants them."""

    def hexed(thing: Any) -> Any:
        if isinstance(thing, list):
            return [hexed(one) for one in thing]
        if not isinstance(thing, dict):
            return thing
        ids = ("traceId", "spanId", "parentSpanId")
        return {k: base64.b64decode(v).hex() if k in ids else hexed(v) for k, v in thing.items()}

    return orjson.dumps(hexed(MessageToDict(request, use_integers_for_enums=True)))


VALUES = st.recursive(
    st.builds(lambda v: AnyValue(string_value=v), st.text(max_size=5))
    | st.builds(lambda v: AnyValue(int_value=v), st.integers(-(2**63), 2**63 - 1))
    | st.builds(lambda v: AnyValue(double_value=v), st.floats())
    | st.builds(lambda v: AnyValue(bool_value=v), st.booleans())
    | st.builds(lambda v: AnyValue(bytes_value=v), st.binary(max_size=5))
    | st.just(AnyValue()),
    lambda inner: (
        st.builds(lambda v: AnyValue(array_value=ArrayValue(values=v)), st.lists(inner, max_size=3))
        | st.builds(
            lambda v: AnyValue(
                kvlist_value=KeyValueList(values=[KeyValue(key=f"k{i}", value=x) for i, x in enumerate(v)])
            ),
            st.lists(inner, max_size=3),
        )
    ),
    max_leaves=6,
)
NUMBERS = st.integers(0, 2**32 - 1)
ATTRIBUTES = st.lists(
    st.builds(lambda k, v: KeyValue(key=k, value=v), st.text(min_size=1, max_size=5), VALUES), max_size=4
)


@st.composite
def traces(draw: st.DrawFn) -> ExportTraceServiceRequest:
    """Requests of spans with something in every field."""
    request = ExportTraceServiceRequest()
    for _ in range(draw(st.integers(1, 2))):
        group = request.resource_spans.add(schema_url=draw(st.sampled_from(["", "http://s"])))
        group.resource.attributes.extend(draw(ATTRIBUTES))
        scoped = group.scope_spans.add(schema_url=draw(st.sampled_from(["", "http://t"])))
        scoped.scope.name, scoped.scope.version = draw(st.text(max_size=3)), draw(st.text(max_size=3))
        scoped.scope.attributes.extend(draw(ATTRIBUTES))
        for _ in range(draw(st.integers(1, 3))):
            span = scoped.spans.add(
                trace_id=draw(st.binary(min_size=16, max_size=16)), span_id=draw(st.binary(min_size=8, max_size=8)),
                end_time_unix_nano=draw(st.integers(0, 2**64 - 1)),
                parent_span_id=draw(st.sampled_from([b"", b"12345678"])), trace_state=draw(st.text(max_size=3)),
                flags=draw(NUMBERS), name=draw(st.text(max_size=5)), kind=draw(st.integers(0, 5)),
                start_time_unix_nano=draw(st.integers(0, 2**64 - 1)), dropped_attributes_count=draw(NUMBERS),
            )  # fmt: skip
            span.attributes.extend(draw(ATTRIBUTES))
            span.status.code, span.status.message = draw(st.integers(0, 2)), draw(st.text(max_size=3))
            event = span.events.add(time_unix_nano=draw(st.integers(0, 2**64 - 1)), name=draw(st.text(max_size=3)))
            event.attributes.extend(draw(ATTRIBUTES))
            span.links.add(trace_id=b"t" * 16, span_id=b"s" * 8).attributes.extend(draw(ATTRIBUTES))
    return request


@st.composite
def logs(draw: st.DrawFn) -> ExportLogsServiceRequest:
    """Requests of log records with something in every field."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.extend(draw(ATTRIBUTES))
    scoped = group.scope_logs.add()
    scoped.scope.name = draw(st.text(max_size=3))
    for _ in range(draw(st.integers(1, 3))):
        log = scoped.log_records.add(
            time_unix_nano=draw(st.integers(0, 2**64 - 1)), observed_time_unix_nano=draw(st.integers(0, 2**64 - 1)),
            severity_number=draw(st.integers(0, 24)), severity_text=draw(st.text(max_size=3)), flags=draw(NUMBERS),
            trace_id=draw(st.sampled_from([b"", b"\xff" * 16])), span_id=draw(st.sampled_from([b"", b"\xfe" * 8])),
            event_name=draw(st.text(max_size=3)), body=draw(VALUES),
        )  # fmt: skip
        log.attributes.extend(draw(ATTRIBUTES))
    return request


def loaded(run: Records) -> list[Any]:
    """Raw and record of every row; an empty body is none, which JSON cannot leave out by its own rules."""
    assert run.json is not None
    pairs = zip(map(orjson.loads, run.raw.to_pylist()), map(orjson.loads, run.json.to_pylist()), strict=True)
    return [[raw, {key: value for key, value in record.items() if value is not None}] for raw, record in pairs]


def trimmed(thing: Any) -> Any:
    """Leave out what is empty: the two writers of JSON differ in whether they write an empty message."""
    if isinstance(thing, dict):
        return {k: x for k, v in thing.items() if (x := trimmed(v)) not in ({}, [], None)}
    return [trimmed(one) for one in thing] if isinstance(thing, list) else thing


@settings(max_examples=60, deadline=None)
@given(traces() | logs())
def test_the_records_are_those_of_the_same_in_json(request: Any) -> None:
    """Ids are hex, 64-bit integers exact, enums numbers, bytes base64; raw is the leaf with resource and scope."""
    ours, theirs = parsed(request.SerializeToString()), JSON.parse(pa.array([as_json(request)], pa.large_binary()), {})
    assert not ours.rejects
    assert trimmed(loaded(ours)) == trimmed(loaded(theirs))
    assert ours.sub.to_pylist() == theirs.sub.to_pylist()


def a_trace(count: int = 1) -> ExportTraceServiceRequest:
    """A plain request."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for i in range(count):
        span = spans.add(trace_id=b"\1" * 16, span_id=b"\2" * 8, name="chat", start_time_unix_nano=2**63 + i)
        span.attributes.add(key="n").value.int_value = 2**53 + 1
    return request


def test_a_span_looks_so() -> None:
    """The exact record."""
    run = parsed(a_trace().SerializeToString())
    assert run.json is not None
    assert orjson.loads(run.json[0].as_py()) == {
        "kind": "span", "traceId": "01" * 16, "spanId": "02" * 8, "name": "chat", "start": str(2**63),
        "startTimeUnixNano": str(2**63), "attributes": {"n": 2**53 + 1}, "events": [], "links": [],
        "resource": {"attributes": {}}, "scope": {"attributes": {}},
    }  # fmt: skip


@pytest.mark.parametrize("request_", [a_trace(3)])
def test_what_is_cut_short_is_a_reject_or_less(request_: Any) -> None:
    """Every truncation gives records or one reject with the bytes."""
    whole = request_.SerializeToString()
    for cut in range(len(whole)):
        run = parsed(whole[:cut], whole)
        assert run.position.to_pylist()[-3:] == [1, 1, 1]
        for reject in run.rejects:
            assert (reject.position, reject.raw) == (0, whole[:cut])


def bytes_with(at: int, by: int) -> bytes:
    """A good request with one byte changed."""
    data = bytearray(a_trace(2).SerializeToString())
    data[at % len(data)] ^= by
    return bytes(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40) | st.builds(bytes_with, st.integers(0, 400), st.integers(1, 255)))
def test_no_bytes_are_too_strange(data: bytes) -> None:
    """Random bytes and flipped ones give records or rejects, and never an exception."""
    run = parsed(data)
    assert len(run) or len(run.rejects) == 1


def test_deep_nesting_and_huge_lengths_are_rejects() -> None:
    """A thousand arrays inside of one another, and a length of two gigabytes."""
    deep = AnyValue(string_value="x").SerializeToString()
    for _ in range(1000):
        inner = b"\x0a" + varint(len(deep)) + deep
        deep = b"\x2a" + varint(len(inner)) + inner
    pair = b"\x0a\x01k\x12" + varint(len(deep)) + deep
    resource = b"\x0a" + varint(len(pair)) + pair
    group = b"\x0a" + varint(len(resource)) + resource
    message = b"\x0a" + varint(len(group)) + group
    run = parsed(
        message,
        b"\x0a\xff\xff\xff\xff\x07",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        a_trace().SerializeToString(),
    )
    assert [reject.position for reject in run.rejects] == [0, 1, 2]
    assert len(run) == 1


def varint(number: int) -> bytes:
    """A length as protobuf writes it."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def test_an_empty_request_holds_no_record() -> None:
    """It is a reject, since something came in and nothing comes out."""
    assert [reject.reason for reject in parsed(b"").rejects] == ["the document holds no record"]


def test_a_stream_is_one_request() -> None:
    """Read whole at position 0; longer than a record may be, it is a reject."""
    data = a_trace(2).SerializeToString()
    [run] = PROTOBUF.read(BytesIO(data), {})
    assert (len(run), run.end, run.position.to_pylist()) == (2, len(data), [0, 0])
    assert list(PROTOBUF.read(BytesIO(data), {}, resume_at=len(data))) == []
    [run] = PROTOBUF.read(BytesIO(data), {}, limits=Limits(max_record=10))
    assert (len(run), [reject.reason for reject in run.rejects]) == (0, ["longer than 10 bytes"])


def test_ten_thousand_spans_take_no_long_time() -> None:
    """Some tens of microseconds a span, so that a listener of five thousand a second has a core left."""
    data = a_trace(10_000).SerializeToString()
    begun = time.perf_counter()
    assert len(parsed(data)) == 10_000
    assert time.perf_counter() - begun < 3


def test_what_would_unfold_to_gigabytes_is_a_reject() -> None:
    """Very many attributes of two bytes each; a large resource that very many spans repeat."""
    many = a_trace()
    many.resource_spans[0].scope_spans[0].spans[0].attributes.extend(KeyValue() for _ in range(100_001))
    repeated = a_trace(1000)
    repeated.resource_spans[0].resource.attributes.add(key="x").value.string_value = "x" * 100_000
    run = parsed(many.SerializeToString(), repeated.SerializeToString())
    assert ["more than" in reject.reason for reject in run.rejects] == [True, True]
    assert len(run) == 0
