"""Detection inside a running pipeline: findings seconds behind the events, told to who wants them, killed or not."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ocsf_pipe.errors import SourceError
from ocsf_pipe.lake import Lake
from ocsf_pipe.run.deliver import Delivery, Outbox, RefusedError
from ocsf_pipe.run.deliver_web import slack, webhook
from ocsf_pipe.run.detecting import Detecting
from ocsf_pipe.run.pipeline import load_pipeline
from ocsf_pipe.run.running import run_pipeline
from ocsf_pipe.run.telemetry import Telemetry
from tests.architecture.sources import ROOT
from tests.detect.doors import findings, grow, once, rules_in
from tests.detect.events import process

PIPELINE = """\
pipeline: prod
lake: {place}/lake
batch: {{seconds: 0.2}}
detect:
  rules: {place}/rules
  deliver:
    soc: {{to: webhook, url: "{url}", token: {{env: SOC_TOKEN}}, at_least: high}}
sources:
  hosts: {{connector: file, mapping: microsoft.sysmon, paths: [{place}/in], poll: 0.1, follow: {follow}}}
"""


@dataclass
class Target:
    """A server that takes what is posted to it, and what it got; `answers` are the next statuses."""

    server: ThreadingHTTPServer
    got: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_port}/hook?a=b"

    def keys(self) -> Counter[str]:
        """How often each finding came."""
        return Counter(headers["Idempotency-Key"] for headers, _ in self.got)


@pytest.fixture
def target() -> Iterator[Target]:
    """A webhook that answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = found.answers.pop(0) if found.answers else 204
            if status < 300:
                found.got.append((dict(self.headers.items()), json.loads(body)))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Target(server)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def written(folder: Path, target: Target, *, follow: bool = False) -> Path:
    """A pipeline file with its rules."""
    rules_in(folder)
    (folder / "in").mkdir(exist_ok=True)
    file = folder / "pipeline.yaml"
    file.write_text(PIPELINE.format(place=folder, url=target.url, follow=str(follow).lower()))
    return file


def add(folder: Path, name: str, *commands: str) -> None:
    """A file of processes for the pipeline to read, seconds apart."""
    events = (
        process(command, record=i + 1, Image=f"C:\\{name}.exe", UtcTime=f"2026-02-10 08:00:{i:02d}.000")
        for i, command in enumerate(commands)
    )
    text = "".join(json.dumps(event) + "\n" for event in events)
    (folder / f"{name}.draft").write_text(text)
    (folder / f"{name}.draft").rename(folder / "in" / f"{name}.ndjson")


def test_findings_are_in_the_lake_and_told_when_a_run_ends(
    tmp_path: Path, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a high level; each with its key, as OCSF."""
    monkeypatch.setenv("SOC_TOKEN", "s3cr3t-soc")
    pipeline = load_pipeline(written(tmp_path, target))
    add(tmp_path, "a", "bad one", "bad two", "bad three", "alpha", "beta")
    telemetry = Telemetry("prod")
    run_pipeline(pipeline, telemetry=telemetry, stop=threading.Event(), reload=threading.Event(), once=True)
    titles = Counter(row["finding_info"]["title"] for row in findings(tmp_path))
    assert titles == {"A bad process": 3, "Many bad processes": 1, "Alpha and beta": 1}
    assert set(target.keys().values()) == {1}
    assert len(target.got) == 4, "the correlation is of a medium level"
    headers, message = target.got[0]
    assert headers["Authorization"] == "Bearer s3cr3t-soc"
    assert message["metadata"]["uid"] == headers["Idempotency-Key"]
    assert message["unmapped"]["entity"] == "ws1.corp.example"
    text = telemetry.exposition().decode()
    assert 'ocsf_pipe_findings_total{severity="High"} 3.0' in text
    assert 'ocsf_pipe_findings_delivered_total{target="soc"} 4.0' in text


def test_a_run_that_could_not_ask_its_rules_says_so(
    tmp_path: Path, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events are in the lake nevertheless, and the next run finds what this one did not."""
    monkeypatch.setenv("SOC_TOKEN", "s3cr3t-soc")
    pipeline = load_pipeline(written(tmp_path, target))
    add(tmp_path, "a", "bad one")

    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    def run() -> None:
        events = threading.Event(), threading.Event()
        run_pipeline(pipeline, telemetry=Telemetry("prod"), stop=events[0], reload=events[1], once=True)

    with monkeypatch.context() as patch:
        patch.setattr(Detecting, "turn", fail)
        with pytest.raises(OSError, match="the disk is full"):
            run()
    assert (
        Lake(tmp_path / "lake").sql("select count(*) as n from process_activity")["n"][0].as_py(),
        findings(tmp_path),
    ) == (1, [])
    run()
    assert len(findings(tmp_path)) == len(target.got) == 1


def _start(file: Path) -> subprocess.Popen[bytes]:
    places = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "connectors"), str(ROOT)]), "SOC_TOKEN": "s3cr3t"}
    command = [sys.executable, "-m", "ocsf_pipe", "run", str(file)]
    return subprocess.Popen(command, env=places, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.heavy
def test_a_pipeline_that_is_killed_loses_and_doubles_no_finding(tmp_path: Path, target: Target) -> None:
    """With SIGKILL, four times in the middle of delivery; the far end sees at most one finding of each kill again."""
    file = written(tmp_path, target, follow=True)
    wanted = 0
    for turn in range(5):
        process_ = _start(file)
        add(tmp_path, f"t{turn}", *(f"bad {turn} {i}" for i in range(20)))
        wanted += 20
        enough = wanted if turn == 4 else len(target.keys()) + 1 + 3 * turn
        deadline = time.monotonic() + 120
        while len(target.keys()) < enough and time.monotonic() < deadline:
            time.sleep(0.02)
        process_.send_signal(signal.SIGTERM if turn == 4 else signal.SIGKILL)
        process_.wait(120)
    counts = Counter(row["finding_info"]["title"] for row in findings(tmp_path))
    assert counts["A bad process"] == wanted
    assert len({row["metadata"]["uid"] for row in findings(tmp_path)}) == counts.total()
    high = {row["metadata"]["uid"] for row in findings(tmp_path) if row["severity_id"] >= 4}
    assert set(target.keys()) == high
    assert target.keys().total() - len(high) <= 4
    assert all(verdict.holds for verdict in Lake(tmp_path / "lake").verify())


@dataclass
class Fickle:
    """A sender that fails as it is told to."""

    fail: list[Exception | None]
    sent: list[str] = field(default_factory=list)

    def send(self, uid: str, _message: object) -> None:
        """Take a finding, or do not."""
        error = self.fail.pop(0) if self.fail else None
        if error is not None:
            raise error
        self.sent.append(uid)

    def close(self) -> None:
        """Nothing is held."""


def test_what_a_target_does_not_take_waits_and_is_sent_once(tmp_path: Path) -> None:
    """In order; one that it will never take is left out; a new process goes on where the last one was."""
    rules_in(tmp_path)
    lake = grow(tmp_path, "a", [("bad before", "07:00:00")])
    once(tmp_path)
    sender = Fickle([None, SourceError("away"), RefusedError("no"), None])
    Outbox(lake, "prod", "soc", sender).open()
    grow(tmp_path, "b", [(f"bad {i}", f"09:0{i}:00") for i in range(4)])
    once(tmp_path)
    delivery = Delivery(Outbox(lake, "prod", "soc", sender), threading.Event())
    assert [delivery.once(), len(sender.sent)] == [False, 1]
    again = Delivery(Outbox(Lake(tmp_path / "lake"), "prod", "soc", sender), threading.Event())
    assert again.once()
    wanted = [row["metadata"]["uid"] for row in findings(tmp_path)]
    assert wanted[0] not in sender.sent, "what was found before there was a target"
    assert len(sender.sent) == len(set(sender.sent)) == len(wanted) - 2
    assert again.once()
    assert len(sender.sent) == len(wanted) - 2


def test_two_processes_send_no_finding_twice(tmp_path: Path) -> None:
    """One waits while the other lives; what a dead one left behind is taken over."""
    rules_in(tmp_path)
    lake = grow(tmp_path, "a", [("good", "07:00:00")])
    one, two = Fickle([]), Fickle([])
    first = Outbox(lake, "prod", "soc", one)
    first.open()
    grow(tmp_path, "b", [(f"bad {i}", f"09:0{i}:00") for i in range(3)])
    once(tmp_path)
    second = Delivery(Outbox(Lake(tmp_path / "lake"), "prod", "soc", two), threading.Event())

    def meanwhile(uid: str, _message: object) -> None:
        assert second.once()
        one.sent.append(uid)

    one.send = meanwhile  # type: ignore[method-assign]
    assert first.turn() == 3
    assert (len(one.sent), two.sent) == (3, [])
    assert second.once()
    assert two.sent == []
    grow(tmp_path, "c", [("bad last", "10:00:00")])
    once(tmp_path)
    uid = findings(tmp_path)[-1]["metadata"]["uid"]
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    said = {"owner": "x", "host": socket.gethostname(), "pid": gone.pid, "at": time.time()}
    lake.store.put_new(f"{second.outbox._notes}/{uid}", json.dumps(said).encode())
    assert second.once()
    assert two.sent == [uid]


def test_a_webhook_tells_later_from_never(target: Target) -> None:
    """Server errors and what somebody can mend are tried again; a finding that is not wanted is refused."""
    sender = webhook({"url": target.url, "headers": {"X-Team": "red"}})
    target.answers = [503, 401, 422]
    for error in (OSError, OSError, RefusedError):
        with pytest.raises(error):
            sender.send("u1", {})
    sender.send("u1", {"a": 1})
    headers, body = target.got[0]
    assert (headers["X-Team"], headers["Idempotency-Key"], body) == ("red", "u1", {"a": 1})
    with pytest.raises(OSError, match="refused"):
        webhook({"url": "http://127.0.0.1:9/"}).send("u1", {})


def test_slack_is_told_in_words(target: Target, tmp_path: Path) -> None:
    """What, whom, when, how bad."""
    from ocsf_pipe.detect.telling import message_of

    rules_in(tmp_path)
    grow(tmp_path, "a", [("bad", "08:00:00")])
    once(tmp_path)
    [row] = findings(tmp_path)
    slack({"url": target.url}).send("u", message_of(row))
    text = target.got[0][1]["text"]
    assert text.splitlines()[:2] == [
        "*High* A bad process: ws1.corp.example",
        "at 2026-02-10T08:00:00.000Z, risk 56, ws1.corp.example",
    ]
    assert "T1059, AML.T0051" in text
