"""The HTTP listener takes webhooks, HEC and OTLP from real clients, and what it answered is what is read from it."""

from __future__ import annotations

import base64
import gzip
import http.client
import ssl
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import trustme
import zstandard
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

import ocsf_connectors.http
from ocsf_connectors.http import HttpSource, connect
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Records
from ocsf_pipe.testing.connectors import Conformance, context, drain

TOKEN = "a-token-of-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SPLUNK = {"Authorization": f"Splunk {TOKEN}"}
JSON = {"Content-Type": "application/json"}
HEC = "/services/collector"

Reply = tuple[int, Any, dict[str, str]]


def listening(folder: Path, **settings: Any) -> HttpSource:
    """A listener on a free port."""
    return connect({"listen": "127.0.0.1:0", "min_free": 0, **settings}, context(folder))


@pytest.fixture
def source(tmp_path: Path) -> Iterator[HttpSource]:
    """A listener that wants a token."""
    source = listening(tmp_path, tokens=["another-token", TOKEN])
    yield source
    source.close()


def sent(source: HttpSource, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Reply:
    """Status, body (as JSON where it is some) and headers of one request."""
    client = http.client.HTTPConnection(*source.address, timeout=10)
    try:
        client.request(method, path, body, headers or {})
        reply = client.getresponse()
        data = reply.read()
        is_json = data and reply.headers.get("Content-Type") == "application/json"
        return reply.status, orjson.loads(data) if is_json else data, {k.lower(): v for k, v in reply.headers.items()}
    finally:
        client.close()


def jsons(found: list[Records]) -> list[Any]:
    """The records as values."""
    return [orjson.loads(text) for run in found if run.json is not None for text in run.json.to_pylist()]


def runs(source: HttpSource) -> list[Records]:
    """Everything that was taken."""
    return [run for many in drain(source, quiet=0).batches.values() for batch in many for run in batch.runs]


# ---------------------------------------------------------------------------------------- webhooks


def test_webhooks_take_json_of_every_layout_and_encoding(source: HttpSource) -> None:
    """NDJSON, an object, an array; plain, gzip, both kinds of deflate, zstd; with POST and PUT."""
    bare = zlib.compressobj(wbits=-15)
    bodies = {
        "": b'{"a":1}\n{"a":2}\n',
        "gzip": gzip.compress(b'[{"a":3},{"a":4}]') + gzip.compress(b"\n"),
        "deflate": zlib.compress(b'{\n "a": 5\n}'),
        "Deflate": bare.compress(b'{"a":6}') + bare.flush(),
        "zstd": zstandard.compress(b'{"a":7}'),
    }
    for encoding, body in bodies.items():
        assert sent(source, "PUT", "/ingest?x=1", body, BEARER | {"Content-Encoding": encoding})[:2] == (
            200,
            {"status": "ok"},
        )
    texts = drain(source).texts()
    assert [orjson.loads(text)["a"] for text in texts] == [1, 2, 3, 4, 5, 6, 7]


def test_a_broken_line_is_taken_and_a_body_without_json_is_not(source: HttpSource) -> None:
    """A sender cannot mend one line; of a body that is broken as a whole nothing is kept."""
    assert sent(source, "POST", "/ingest", b'{"a":1}\n{"a":\n{"a":3}\n', BEARER)[0] == 200
    for body in (b"", b" \n", b'{"a":', b"[1,", b'[{"a":1},{"b":', b"[" * 100_000):
        assert sent(source, "POST", "/ingest", body, BEARER)[0] == 400
    assert sent(source, "POST", "/ingest", b"<xml/>", BEARER | JSON)[0] == 400
    assert sum(len(run) + len(run.rejects) for run in runs(source)) == 3


def test_paths_are_those_that_are_set(tmp_path: Path) -> None:
    """And protocols can be switched off."""
    source = listening(tmp_path, paths=["/github", "/okta"], hec=False, otlp=False)
    try:
        assert [sent(source, "POST", path, b"{}")[0] for path in ("/github", "/okta")] == [200, 200]
        for path in ("/ingest", HEC, "/v1/traces", "/v1/logs", "/github/", "/../github"):
            assert sent(source, "POST", path, b"{}")[0] == 404
    finally:
        source.close()


@pytest.mark.parametrize("path", ["/ingest", HEC, "/v1/traces"])
def test_methods_that_are_not_taken_are_told(source: HttpSource, path: str) -> None:
    """405 with those that are; health is asked without a token."""
    status, _, headers = sent(source, "GET", path, headers=BEARER)
    assert (status, "POST" in headers["allow"]) == (405, True)
    for health in ("/health", "/healthz", f"{HEC}/health"):
        assert sent(source, "GET", health)[0] == sent(source, "HEAD", health)[0] == 200


# ---------------------------------------------------------------------------------------- HEC


def test_hec_answers_as_splunk_does(source: HttpSource) -> None:
    """Numbers and texts of its documentation; nothing of a refused request is kept."""
    good = b'{"event":{"a":1}}{"event":"b","time":1}'
    cases: list[tuple[str, bytes, dict[str, str], int, dict[str, Any]]] = [
        (HEC, good, SPLUNK, 200, {"text": "Success", "code": 0}),
        (f"{HEC}/event/1.0", b"[" + good.replace(b"}{", b"},{") + b"]", SPLUNK, 200, {"text": "Success", "code": 0}),
        (HEC, good, {}, 401, {"text": "Token is required", "code": 2}),
        (HEC, good, {"Authorization": "Negotiate x"}, 401, {"text": "Invalid authorization", "code": 3}),
        (HEC, good, {"Authorization": "Splunk wrong-token"}, 403, {"text": "Invalid token", "code": 4}),
        (f"{HEC}?token={TOKEN}", good, {}, 400, {"text": "Query string authorization is not enabled", "code": 16}),
        (HEC, b"", SPLUNK, 400, {"text": "No data", "code": 5}),
        (HEC, good + b"{", SPLUNK, 400, {"text": "Invalid data format", "code": 6, "invalid-event-number": 2}),
        (HEC, b"7", SPLUNK, 400, {"text": "Invalid data format", "code": 6, "invalid-event-number": 0}),
        (
            HEC,
            good + b'{"a":1}',
            SPLUNK,
            400,
            {"text": "Event field is required", "code": 12, "invalid-event-number": 2},
        ),
        (
            HEC,
            b'{"event":""}',
            SPLUNK,
            400,
            {"text": "Event field cannot be blank", "code": 13, "invalid-event-number": 0},
        ),
        (f"{HEC}/ack", b'{"acks":[1]}', SPLUNK, 400, {"text": "Data channel is missing", "code": 10}),
    ]
    for path, body, headers, status, answer in cases:
        assert sent(source, "POST", path, body, headers)[:2] == (status, answer), (path, body)
    assert sent(source, "GET", f"{HEC}/health")[1] == {"text": "HEC is healthy", "code": 17}
    found = runs(source)
    assert {run.format for run in found} == {"hec"}
    assert jsons(found) == [{"a": 1}, {"event": "b", "time": 1}] * 2


def test_hec_raw_and_basic_authorization(source: HttpSource) -> None:
    """Lines as they stand; a token may be a password."""
    basic = {"Authorization": "Basic " + base64.b64encode(f"x:{TOKEN}".encode()).decode()}
    assert sent(source, "POST", f"{HEC}/raw?channel=c", b'{"a":1}\n{"a":2}', basic)[0] == 200
    assert drain(source).texts() == ['{"a":1}', '{"a":2}']


def test_hec_acknowledges_what_it_numbered(source: HttpSource) -> None:
    """A channel gets numbers, and every one that it asks for is on disk."""
    channel = SPLUNK | {"X-Splunk-Request-Channel": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}
    number = sent(source, "POST", HEC, b'{"event":1}', channel)[1]["ackId"]
    asked = orjson.dumps({"acks": [number]})
    assert sent(source, "POST", f"{HEC}/ack", asked, channel)[1] == {"acks": {str(number): True}}
    assert sent(source, "POST", f"{HEC}/ack", b'{"acks":["x"]}', channel)[0] == 400


# ---------------------------------------------------------------------------------------- OTLP


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
def test_the_opentelemetry_sdk_is_content(source: HttpSource, compression: Compression) -> None:
    """Its exporters report success, and spans and log records come as they were made."""
    base = "http://{}:{}".format(*source.address)
    options: dict[str, Any] = {
        "headers": {k.lower(): v for k, v in BEARER.items()},
        "compression": compression,
        "timeout": 5,
    }
    tracing = TracerProvider(resource=Resource.create({"service.name": "chat"}))
    tracing.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces", **options)))
    with tracing.get_tracer("t", "1").start_as_current_span(
        "call", attributes={"n": 2**53 + 1, "l": ["a", "b"]}
    ) as span:
        span.add_event("e", {"x": True})
    logging = LoggerProvider(resource=Resource.create({"service.name": "chat"}))
    logging.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{base}/v1/logs", **options)))
    logging.get_logger("l").emit(severity_number=SeverityNumber.WARN, body={"k": [1, None]}, attributes={"a": 1.5})
    tracing.shutdown()
    logging.shutdown()
    found = runs(source)
    assert {run.format for run in found} == {"otlp_protobuf"}
    trace, log = jsons(found)
    assert trace["traceId"] == f"{span.get_span_context().trace_id:032x}"
    assert (trace["name"], trace["attributes"]) == ("call", {"n": 2**53 + 1, "l": ["a", "b"]})
    assert trace["resource"]["attributes"]["service.name"] == "chat"
    assert trace["events"][0]["attributes"] == {"x": True}
    assert (log["kind"], log["severityNumber"], log["body"], log["attributes"]) == (
        "log",
        13,
        {"k": [1, None]},
        {"a": 1.5},
    )


def test_otlp_answers_in_the_encoding_of_the_request(source: HttpSource) -> None:
    """Full success is the empty response; errors are a google.rpc.Status; an empty export is one, and kept nowhere."""
    proto = {"Content-Type": "application/x-protobuf"}
    span = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"t"}]}]}]}'
    status, body, headers = sent(
        source, "POST", "/v1/traces", span, BEARER | {"Content-Type": "application/json; charset=utf-8"}
    )
    assert (status, body, headers["content-type"]) == (200, {}, "application/json")
    status, body, headers = sent(source, "POST", "/v1/traces", b"", BEARER | proto)
    assert (status, body, headers["content-type"]) == (200, b"", "application/x-protobuf")
    assert sent(source, "POST", "/v1/logs", b"{}", BEARER | JSON)[0] == 200
    assert sent(source, "POST", "/v1/logs", b"x", BEARER | {"Content-Type": "text/plain"})[0] == 415
    assert sent(source, "POST", "/v1/traces", span, proto)[0] == 401
    refused: list[tuple[str, bytes]] = [
        ("/v1/traces", b"{"), ("/v1/traces", b"[]"), ("/v1/traces", b'{"resourceLogs":[]}'), ("/v1/logs", span),
        ("/v1/traces", b'{"resourceSpans":[1]}'), ("/v1/traces", b'{"resourceSpans":{"a":{}}}'),
    ]  # fmt: skip
    for path, wrong in refused:
        status, body, _ = sent(source, "POST", path, wrong, BEARER | JSON)
        assert (status, body["code"]) == (400, 3), wrong
    for wrong in (b"\xff", b"\x0a\x7f", b"hello", b"\x12\x00"):
        status, body, headers = sent(source, "POST", "/v1/traces", wrong, BEARER | proto)
        assert (status, body[:3], headers["content-type"]) == (400, b"\x08\x03\x12", "application/x-protobuf"), wrong
    status, body, _ = sent(source, "POST", "/v1/metrics", b"{}", BEARER | JSON)
    assert (status, "metrics" in body["message"]) == (404, True)
    assert drain(source).count() == 1


# ---------------------------------------------------------------------------------------- full, keys, TLS


@pytest.mark.parametrize("path", ["/ingest", HEC, "/v1/logs"])
def test_a_full_spool_asks_to_wait(tmp_path: Path, path: str) -> None:
    """429 with Retry-After, in each protocol's words, until the lake has caught up; health says so too."""
    source = listening(tmp_path, spool_bytes=1 << 16, max_unpacked=1 << 14, retry_after=7)
    body = {
        "/ingest": b'{"a":"%s"}' % (b"x" * 10_000),
        HEC: b'{"event":"%s"}' % (b"x" * 10_000),
        "/v1/logs": b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":"%s"}]}]}]}' % (b"x" * 10_000),
    }[path]
    try:
        replies = [sent(source, "POST", path, body, JSON) for _ in range(8)]
        assert [status for status, _, _ in replies] == [200] * 6 + [429] * 2
        assert replies[-1][2]["retry-after"] == "7"
        if path == HEC:
            assert replies[-1][1] == {"text": "Server is busy", "code": 9}
        taken = drain(source, acknowledge=True)
        assert taken.count() == 6
        assert sent(source, "POST", path, body, JSON)[0] == 200
        source._source.spool._min_free = 1 << 60
        assert sent(source, "POST", path, body, JSON)[0] == 429
        assert sent(source, "GET", "/health")[0] == sent(source, "GET", f"{HEC}/health")[0] == 503
    finally:
        source.close()


def test_a_failing_disk_is_503(source: HttpSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept; the next request goes through when the disk does again."""

    def broken(*_: Any) -> int:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", broken)
        status, body, headers = sent(source, "POST", HEC, b'{"event":1}', SPLUNK)
        assert (status, body["code"], headers["retry-after"]) == (503, 8, "5")
    assert sent(source, "POST", "/ingest", b'{"a":1}', BEARER)[0] == 200
    assert drain(source).texts() == ['{"a":1}']


def test_a_key_makes_a_retry_harmless(tmp_path: Path) -> None:
    """Same key and body: one record, also after a restart and without the segment; another body is refused."""
    settings: dict[str, Any] = {"spool_bytes": 1 << 16, "max_unpacked": 1 << 14}
    keyed = {"Idempotency-Key": "order-1"}
    source = listening(tmp_path, **settings)
    assert [sent(source, "POST", "/ingest", b'{"a":1}', keyed)[0] for _ in range(3)] == [200] * 3
    assert sent(source, "POST", "/ingest", gzip.compress(b'{"a":1}'), keyed | {"Content-Encoding": "gzip"})[0] == 200
    assert sent(source, "POST", "/ingest", b'{"a":2}', keyed)[0] == 422
    assert sent(source, "POST", HEC, b'{"event":1}', keyed)[0] == 200
    assert sent(source, "POST", "/ingest", b'{"a":3}', {"Idempotency-Key": "k" * 256})[0] == 400
    source.close()
    source = listening(tmp_path, **settings)
    assert sent(source, "POST", "/ingest", b'{"a":1}', keyed)[0] == 200
    assert drain(source).texts() == ['{"a":1}', '{"event":1}']
    for _ in range(4):
        sent(source, "POST", "/ingest", b'{"a":"%s"}' % (b"x" * 10_000))
    drained = drain(source, acknowledge=True)
    assert source._source.spool.begin > 0
    source.close()
    source = listening(tmp_path, **settings)
    assert sent(source, "POST", "/ingest", b'{"a":1}', keyed)[0] == 200
    assert drain(source, offsets=drained.offsets).count() == 0
    source.close()


def test_tls_and_client_certificates(tmp_path: Path) -> None:
    """HTTPS works; without a certificate of the authority nobody gets in, and plain HTTP is dropped."""
    ours, theirs = trustme.CA(), trustme.CA()
    server = ours.issue_cert("127.0.0.1")
    server.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    ours.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    files = {"certificate": str(tmp_path / "server.pem"), "key": str(tmp_path / "server.pem")}
    source = listening(tmp_path, tls=files | {"client_ca": str(tmp_path / "ca.pem")}, header_seconds=1)

    def status(ca: trustme.CA | None) -> int:
        trust = ssl.create_default_context()
        ours.configure_trust(trust)
        if ca is not None:
            ca.issue_cert("client@x").configure_cert(trust)
        client = http.client.HTTPSConnection(*source.address, context=trust, timeout=5)
        try:
            client.request("POST", "/ingest", b'{"a":1}', {"Connection": "close"})
            return client.getresponse().status
        finally:
            client.close()

    try:
        assert status(ours) == 200
        for ca in (None, theirs):
            with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
                status(ca)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            sent(source, "POST", "/ingest", b'{"a":2}')
        assert status(ours) == 200
        assert drain(source).texts() == ['{"a":1}'] * 2
    finally:
        source.close()


@pytest.mark.parametrize(
    ("settings", "fact"),
    [
        ({"listen": "0.0.0.0:0"}, "lets everybody in"),
        ({"listen": "8088"}, "no address and port"),
        ({"listen": "127.0.0.1:70000"}, "no address and port"),
        ({"listen": "203.0.113.1:1", "tokens": [TOKEN]}, "cannot listen"),
        ({"tls": {"certificate": "/none", "key": "/none"}}, "cannot be used"),
        ({"spool_bytes": 1 << 20}, "a quarter"),
        ({"max_memory": 1 << 20}, "max_memory"),
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, settings: dict[str, Any], fact: str) -> None:
    """With the fact and a remedy."""
    with pytest.raises(SourceError, match=fact) as raised:
        listening(tmp_path, **settings)
    assert raised.value.hint


def test_an_address_in_use_is_told_and_leaves_the_spool_free(tmp_path: Path) -> None:
    """The port is free again when its owner closes."""
    source = listening(tmp_path / "a")
    taken = "{}:{}".format(*source.address)
    with pytest.raises(SourceError, match="in use"):
        listening(tmp_path / "b", listen=taken)
    source.close()
    listening(tmp_path / "b", listen=taken).close()


class TestConforms(Conformance):
    """The listener's spool is a source like any other."""

    module = ocsf_connectors.http
    plain = ("tokens", "remember_keys", "key")

    @pytest.fixture
    def expected(self) -> list[str]:
        """What is sent."""
        return [f'{{"a":{i}}}' for i in range(60)]

    @pytest.fixture
    def make_source(self, tmp_path: Path, expected: list[str]) -> Callable[[], HttpSource]:
        """Connects to the same folder each time."""
        source = listening(tmp_path, hec=False)
        for start in range(0, 60, 4):
            body = "\n".join(expected[start : start + 4]).encode()
            assert sent(source, "POST", "/ingest", body)[0] == 200
        source.close()
        return lambda: listening(tmp_path)
