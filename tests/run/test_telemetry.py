"""What a running pipeline says of itself: metrics that add up and stay few, health that tells the truth."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ocsf_pipe.engine.outcome import Failed
from ocsf_pipe.errors import UsageError
from ocsf_pipe.run import telemetry_server
from ocsf_pipe.run.pipeline import MetricsSpec
from ocsf_pipe.run.report import Report
from ocsf_pipe.run.telemetry import Telemetry
from ocsf_pipe.run.telemetry_health import Health
from ocsf_pipe.run.telemetry_metrics import MOST_PARTITIONS, MOST_REASONS, Reasons
from ocsf_pipe.run.telemetry_server import Server
from ocsf_pipe.run.telemetry_view import Look, look_at, of_telemetry, of_url, rows_of

SECRET = "hunter22"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def telemetry() -> Telemetry:
    """The account of a pipeline with one source."""
    found = Telemetry("prod", [SECRET])
    found.opening("door")
    return found


@pytest.fixture
def server(telemetry: Telemetry) -> Iterator[Server]:
    """Its listener, on a free port."""
    listening = telemetry.serve(MetricsSpec("127.0.0.1", 0))
    listening.start()
    yield listening
    listening.stop()


def report(records: int = 10, **more: Any) -> Report:
    """The account of a batch."""
    counts = {name: Counter(value) for name, value in more.items()}
    lost = sum(counter.total() for name, counter in counts.items() if name in {"quarantined", "dropped"})
    return Report(records=records, written=records - lost, **counts)  # type: ignore[arg-type]


def told(telemetry: Telemetry, given: Report, partition: str = "0", source: str = "door") -> None:
    """One batch is in the lake."""
    telemetry.batch(source, partition, given, seconds=0.5, commit_seconds=0.25, bytes=1000)


def samples(telemetry: Telemetry) -> Samples:
    """All samples by name and labels."""
    families = text_string_to_metric_families(telemetry.exposition().decode())
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    """One sample; None where it is not there."""
    return samples(telemetry).get((f"ocsf_pipe_{name}", frozenset(labels.items())))


def asked(server: Server, path: str, method: str = "GET") -> tuple[int, Any]:
    """Status and body of one request."""
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=10)  # type: ignore[arg-type]
    with contextlib.closing(connection):
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
        kind = answer.headers["Content-Type"]
    return answer.status, json.loads(body) if kind.startswith("application/json") and body else body.decode()


# ---------------------------------------------------------------------- metrics


def test_the_counts_are_those_of_the_reports(telemetry: Telemetry) -> None:
    """Summed over batches; records are written, quarantined or dropped, and nothing else."""
    failed = Failed("rule", "attribute", (), "integer")
    told(telemetry, report(10, quarantined={"the record is not valid JSON": 2}, events={"authentication": 8}))
    told(telemetry, report(5, dropped={"a heartbeat": 1}, events={"authentication": 5}, failed={failed: 3}), "1")
    assert value(telemetry, "records_total", source="door") == 15
    assert value(telemetry, "written_total", source="door") == 12
    assert value(telemetry, "events_total", source="door", **{"class": "authentication"}) == 13
    assert value(telemetry, "quarantined_total", source="door", reason="the record is not valid JSON") == 2
    assert value(telemetry, "dropped_total", source="door", reason="a heartbeat") == 1
    assert value(telemetry, "unconverted_values_total", source="door") == 3
    assert value(telemetry, "bytes_total", source="door") == 2000
    assert value(telemetry, "batches_total", source="door") == 2
    assert value(telemetry, "batch_seconds_sum", source="door") == 1.0
    assert value(telemetry, "commit_seconds_count", source="door") == 2
    assert (value(telemetry, "last_batch_timestamp_seconds", source="door") or 0) > time.time() - 60


def test_gauges_are_the_latest(telemetry: Telemetry) -> None:
    """Queue, freshness and lag; gaps and upkeep add up."""
    for number in (5, 7):
        telemetry.queue("door", number)
        telemetry.freshness("door", number / 2)
        telemetry.lag("door", "0", number)
        telemetry.gap("door", "0", number)
        telemetry.maintenance("authentication", "compact", number)
    assert value(telemetry, "queue_bytes", source="door") == 7
    assert value(telemetry, "freshness_seconds", source="door") == 3.5
    assert value(telemetry, "lag", source="door", partition="0") == 7
    assert value(telemetry, "gap_positions_total", source="door") == 12
    assert value(telemetry, "maintenance_seconds_sum", what="compact") == 12


def test_a_source_reads_zero_before_anything_has_happened(telemetry: Telemetry) -> None:
    """So that the first change is a change and not a beginning."""
    assert value(telemetry, "records_total", source="door") == 0
    assert value(telemetry, "waiting", source="door") == 0


def test_a_partition_that_is_gone_has_no_lag(telemetry: Telemetry) -> None:
    """Nor one whose lag is not known."""
    telemetry.lag("door", "0", 5)
    telemetry.lag("door", "0", None)
    assert value(telemetry, "lag", source="door", partition="0") is None


def test_labels_take_few_values_whatever_comes_in(telemetry: Telemetry) -> None:
    """Partitions beyond the first hundred are one; reasons lose what is particular, and are few."""
    for number in range(MOST_PARTITIONS + 50):
        telemetry.lag("door", f"file-{number}", 1)
    hostile = {f"{chr(97 + number % 26)}{'z' * number} at byte {number} of `x{number}`": 1 for number in range(500)}
    told(telemetry, report(500, quarantined=hostile))
    found = samples(telemetry)
    lags = [labels for name, labels in found if name == "ocsf_pipe_lag"]
    reasons = [labels for name, labels in found if name == "ocsf_pipe_quarantined_total"]
    assert len(lags) == MOST_PARTITIONS + 1
    assert value(telemetry, "lag", source="door", partition="other") == 50
    assert len(reasons) == MOST_REASONS + 1
    assert sum(found[("ocsf_pipe_quarantined_total", labels)] for labels in reasons) == 500


@pytest.mark.parametrize(
    ("reason", "label"),
    [
        ("the record is not valid JSON", "the record is not valid JSON"),
        ("line 17 has 3 columns, expected 12", "line … has … columns, expected …"),
        ("`evil\nvalue` is no time", "… is no time"),
        ("required attribute `time` is null", "required attribute `time` is null"),
        ("", "other"),
    ],
)
def test_a_reason_loses_what_is_particular(reason: str, label: str) -> None:
    """Numbers and values of the record; names of the schema stay."""
    assert Reasons().label(reason) == label


def test_a_label_cannot_break_the_text(telemetry: Telemetry) -> None:
    """Quotes, backslashes and line ends in a partition's name."""
    telemetry.lag("door", 'a"b\\c\nd', 3)
    assert value(telemetry, "lag", source="door", partition='a"b\\c\nd') == 3


def test_many_threads_tell_at_once(telemetry: Telemetry) -> None:
    """No count is lost."""

    def work(source: str) -> None:
        telemetry.opening(source)
        for number in range(200):
            told(telemetry, report(3, events={"base_event": 3}), source=source)
            telemetry.lag(source, str(number % 7), number)
            telemetry.exposition() if number % 50 == 0 else None

    threads = [threading.Thread(target=work, args=(f"s{number % 2}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [value(telemetry, "records_total", source=name) for name in ("s0", "s1")] == [1200, 1200]


# ---------------------------------------------------------------------- health


class Clock:
    """A clock that goes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_a_source_is_ready_when_it_is_open_and_answers() -> None:
    """Not while it opens, not when it was waited for too long; again as soon as it works."""
    clock = Clock()
    health = Health("prod", clock=clock)
    assert not health.ready()[0]
    health.enter("door", "opening")
    assert not health.ready()[0]
    health.enter("door", "working")
    assert health.ready()[0]
    health.enter("door", "waiting", "the broker is away", 0.5)
    assert health.ready()[0]
    clock.now += 11
    health.enter("door", "waiting", "the broker is still away", 30)
    ready, body = health.ready()
    assert not ready
    assert body["sources"]["door"] == {
        "ready": False,
        "state": "waiting",
        "seconds": 11.0,
        "reason": "the broker is still away",
        "retry_seconds": 30.0,
    }
    health.enter("door", "working")
    assert health.ready()[0]


def test_one_source_that_is_not_ready_makes_the_pipeline_so() -> None:
    """And the body says which."""
    health = Health("prod", grace=0)
    health.enter("door", "working")
    health.enter("gate", "waiting", "no")
    ready, body = health.ready()
    assert not ready
    assert [name for name, one in body["sources"].items() if not one["ready"]] == ["gate"]


def test_a_loop_that_does_not_turn_is_not_alive() -> None:
    """Until it turns again; one that ended as it should is alive, one that died is not."""
    clock = Clock()
    health = Health("prod", patience=120, clock=clock)
    health.enter("door", "working")
    clock.now += 121
    assert not health.alive()[0]
    health.turned("door")
    assert health.alive()[0]
    health.enter("door", "stopped", "finished")
    clock.now += 1000
    assert health.alive()[0]
    health.enter("door", "stopped", "it broke")
    assert not health.alive()[0]


# ---------------------------------------------------------------------- the listener


def test_the_listener_answers_three_paths(telemetry: Telemetry, server: Server) -> None:
    """Metrics as text; health and readiness as JSON with the status of a probe."""
    status, text = asked(server, "/metrics")
    assert (status, "ocsf_pipe_records_total" in text) == (200, True)
    assert asked(server, "/healthz")[0] == 200
    status, body = asked(server, "/readyz")
    assert (status, body["sources"]["door"]["state"]) == (503, "opening")
    telemetry.working("door")
    assert asked(server, "/readyz?verbose=1")[0] == 200
    assert asked(server, "/metrics", "HEAD") == (200, "")


def test_a_secret_in_a_failure_is_not_told(telemetry: Telemetry, server: Server) -> None:
    """Neither by readiness nor by metrics, whatever a client library puts into its errors."""
    telemetry.waiting("door", f"login with {SECRET} was refused", 1.0)
    told(telemetry, report(1, quarantined={f"bad {SECRET}": 1}))
    telemetry.stopped("door", f"{SECRET} again")
    pages = [str(asked(server, path)[1]) for path in ("/metrics", "/readyz", "/healthz")]
    assert [page for page in pages if SECRET in page] == []
    assert "*** again" in pages[1]


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /metrics/%00%ff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\n\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(200)) + b"\r\n",
        b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"BREW /metrics HTTP/1.1\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"GET /<script>alert(1)</script> HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\n\r\n",
    ],
    ids=range(11),
)
def test_a_bad_request_is_refused_and_nothing_of_it_repeated(server: Server, request_: bytes) -> None:
    """With a 4xx or 5xx, and the next one is served."""
    with socket.create_connection(server.server_address[:2], timeout=10) as connection:  # type: ignore[arg-type]
        with contextlib.suppress(OSError):
            connection.sendall(request_)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(OSError):
            while more := connection.recv(65536):
                answer += more
    if answer.startswith(b"HTTP/"):
        assert answer.split()[1][:1] in b"45"
    assert b"script" not in answer
    assert b"passwd" not in answer
    assert b"Python" not in answer
    assert asked(server, "/healthz")[0] == 200


def test_slow_clients_are_hung_up_on(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than there are places, each dripping bytes: after their time others are served."""
    monkeypatch.setattr(telemetry_server, "LONGEST", 0.5)
    server = telemetry.serve(MetricsSpec("127.0.0.1", 0))
    server.start()
    address = server.server_address[:2]
    with contextlib.ExitStack() as open_:
        slow = [open_.enter_context(socket.create_connection(address, timeout=5)) for _ in range(30)]  # type: ignore[arg-type]
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            for connection in slow:
                with contextlib.suppress(OSError):
                    connection.sendall(b"G")
            time.sleep(0.1)
        assert asked(server, "/healthz")[0] == 200
    server.stop()


def test_an_address_that_is_taken_is_told(server: Server, telemetry: Telemetry) -> None:
    """With the setting that changes it."""
    with pytest.raises(UsageError, match=r"cannot listen on 127\.0\.0\.1") as raised:
        telemetry.serve(MetricsSpec("127.0.0.1", server.server_port))
    assert raised.value.hint == "set `metrics.listen` to a free port"


# ---------------------------------------------------------------------- the view


def test_the_view_has_rates_between_two_looks(telemetry: Telemetry) -> None:
    """And none at the first look."""
    telemetry.working("door")
    first = of_telemetry(telemetry, 10.0)
    told(telemetry, report(30, quarantined={"x": 3}, events={"authentication": 20, "base_event": 7}))
    telemetry.lag("door", "0", 4)
    telemetry.lag("door", "1", 5)
    [row] = rows_of(of_telemetry(telemetry, 12.0), first)
    assert (row.source, row.state, row.records_rate, row.events_rate) == ("door", "working", 15.0, 13.5)
    assert (row.records, row.events, row.lag, row.quarantined, row.dropped) == (30, 27, 9, 3, 0)
    assert rows_of(first)[0].records_rate is None


def test_counters_that_began_anew_give_no_negative_rate() -> None:
    """A process that was started again counts from nothing."""
    before = Look(10.0, "prod", {"door": {"records_total": 1000.0}})
    [row] = rows_of(Look(20.0, "prod", {"door": {"records_total": 50.0}}), before)
    assert row.records_rate == 5.0


def test_the_view_is_the_same_through_the_listener(telemetry: Telemetry, server: Server) -> None:
    """With the reason why a source waits, though the answer to that is a 503."""
    told(telemetry, report(30))
    telemetry.waiting("door", "the broker is away", 5.0)
    telemetry.health.grace = 0.0
    assert asked(server, "/readyz")[0] == 503
    near, far = rows_of(of_telemetry(telemetry, 1.0)), rows_of(of_url(server.url, lambda: 1.0))
    assert near == far
    assert (far[0].state, far[0].reason) == ("waiting", "the broker is away")


@pytest.mark.parametrize("text", ["<html>no</html>", "a{b=} x", "ocsf_pipe_records_total{source="])
def test_what_is_no_metrics_is_told(text: str) -> None:
    """Whatever else listens there."""
    with pytest.raises(UsageError, match="no metrics"):
        look_at(text, {}, 0.0)


def test_nobody_at_an_address_is_told(server: Server) -> None:
    """And an address that answers something else."""
    with pytest.raises(UsageError, match="answers 404"):
        of_url(f"{server.url}/elsewhere", lambda: 0.0)
    with pytest.raises(UsageError, match="nobody answers"):
        of_url("127.0.0.1:1", lambda: 0.0)
