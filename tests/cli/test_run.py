"""`ocsf-pipe run` as a process: what it checks, how it ends, what it reads anew."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from ocsf_pipe.lake import Lake
from tests.architecture.sources import ROOT
from tests.cli.program import Program
from tests.run.acme import MAPPING, lines, uids, verified, write_mapping

SECRET = "s3cr3t-of-the-door"
START = """
from ocsf_connectors import CONNECTORS
CONNECTORS["probe"] = "tests.run.probe"
from ocsf_pipe.cli import main
main()
"""
PIPELINE = """\
pipeline: prod
lake: {place}/lake
batch: {{seconds: {seconds}}}
metrics: {{listen: 127.0.0.1:0}}
log: {{format: json}}
sources:
  door:
    connector: probe
    mapping: acme.door
    folder: {place}/in
    token: {{env: DOOR_TOKEN}}
"""


@dataclass
class Started:
    """A pipeline that runs as a process of its own."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""
    out: bytes = b""

    def events(self) -> list[dict[str, Any]]:
        """What it has logged."""
        whole = [line for line in self.log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [json.loads(line) for line in whole if line.startswith("{")]

    def until(self, holds: Callable[[], object], seconds: float = 20) -> None:
        """Wait for something; fail where it does not come."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def has(self, event: str, **fields: object) -> bool:
        """Whether it has logged this."""
        return any(one["event"] == event and fields.items() <= one.items() for one in self.events())

    def listening(self) -> str:
        """Where its metrics are."""
        self.until(lambda: self.has("pipeline_started"))
        url: str = next(one for one in self.events() if one["event"] == "pipeline_started")["listening"]
        return url

    def page(self, path: str) -> str:
        """What it answers with 200."""
        with urllib.request.urlopen(self.listening() + path, timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    def end(self, *signals: signal.Signals) -> int:
        """Tell it to end; return its exit code."""
        for number in signals:
            self.process.send_signal(number)
            time.sleep(0.2)
        return self.process.wait(20)


@dataclass
class Place:
    """A folder with records, a mapping, a pipeline file and, later, a lake."""

    folder: Path
    running: list[Started] = field(default_factory=list)

    def write(self, name: str, data: bytes) -> None:
        """Put a file where the source looks."""
        (self.folder / "in").mkdir(exist_ok=True)
        (self.folder / "in" / name).write_bytes(data)

    def pipeline(self, more: str = "", seconds: float = 0.2) -> Path:
        """Write the pipeline file."""
        path = self.folder / "pipeline.yaml"
        path.write_text(PIPELINE.format(place=self.folder, seconds=seconds) + more)
        return path

    def start(self, *args: str, screen: int | None = None) -> Started:
        """Run it as a process of its own; its output goes to a terminal where one is given."""
        log = self.folder / f"log-{len(self.running)}.txt"
        paths = os.pathsep.join([str(ROOT), str(ROOT / "connectors")])
        environment = {**os.environ, "PYTHONPATH": paths, "DOOR_TOKEN": SECRET, "TERM": "xterm", "COLUMNS": "160"}
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-c", START, "run", str(self.folder / "pipeline.yaml"), *args],
                env=environment,
                stdout=subprocess.PIPE if screen is None else screen,
                stderr=errors,
                cwd=self.folder,
            )
        started = Started(process, log)
        self.running.append(started)
        return started


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A place where nothing runs afterwards."""
    write_mapping(tmp_path / "mappings")
    monkeypatch.setenv("OCSF_PIPE_MAPPINGS", str(tmp_path / "mappings"))
    monkeypatch.setenv("DOOR_TOKEN", SECRET)
    monkeypatch.setitem(__import__("ocsf_connectors").CONNECTORS, "probe", "tests.run.probe")
    found = Place(tmp_path)
    yield found
    for one in found.running:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait(10)
        if one.process.stdout:
            one.process.stdout.close()


def test_check_starts_nothing(place: Place, program: Program) -> None:
    """It says that the file is right, and no lake is there afterwards."""
    ended = program("run", place.pipeline(), "--check")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.endswith(f"pipeline.yaml: ok, 1 source into {place.folder}/lake\n")
    assert not (place.folder / "lake").exists()


def test_check_says_what_is_wrong(place: Place, program: Program) -> None:
    """Everything at once, with places; the exit code is 2, also without `--check`."""
    file = place.pipeline("    tak: 5\n    loud: very\n")
    for args in (("--check",), ()):
        ended = program("run", file, *args)
        assert ended.code == 2
        assert f"{file}:12:5: unknown key `tak` in the connector `probe` [P102]" in ended.err
        assert f"{file}:13:11: `loud` must be true or false, got `very` [P104]" in ended.err
        assert ended.err.endswith(f"2 complaints about {file}\n")


def test_a_file_that_is_not_there_is_an_error(program: Program, tmp_path: Path) -> None:
    """With the exit code of what could not be done."""
    ended = program("run", tmp_path / "none.yaml")
    assert ended.code == 1
    assert "No such file" in ended.err


def test_once_reads_what_is_there_and_ends(place: Place) -> None:
    """Every record once; a second run adds nothing; what is refused makes the exit code 3."""
    place.write("a", lines(range(30)))
    place.pipeline()
    for _ in range(2):
        assert place.start("--once").process.wait(30) == 0
    assert uids(place.folder / "lake").total() == 30
    place.write("b", lines(range(30, 35)) + b"{nonsense\n")
    last = place.start("--once")
    out, _ = last.process.communicate(timeout=30)
    assert last.process.returncode == 3
    assert b"quarantined: the record is not valid JSON" in out
    assert uids(place.folder / "lake").total() == 35
    assert verified(place.folder / "lake")
    assert last.has("pipeline_stopped", how="finished", records=6, quarantined=1)


def test_once_gives_up_on_a_source_that_is_not_there(place: Place) -> None:
    """After some tries, with the reason, and without the secret that the reason holds."""
    place.pipeline()
    gone = place.start("--once")
    assert gone.process.wait(60) == 1
    assert "error: no folder" in gone.log.read_text()
    assert SECRET not in gone.log.read_text()


def test_a_signal_ends_it_with_the_batch_in_hand(place: Place) -> None:
    """What was read and waits for its batch to fill is in the lake before the process ends, with 0."""
    place.write("endless", lines(range(40)))
    place.pipeline(seconds=600)
    running = place.start()
    running.until(lambda: 'queue_bytes{source="door"} 0.0' not in running.page("/metrics"))
    running.until(lambda: 'lag{partition="endless",source="door"} 0.0' in running.page("/metrics"))
    assert "authentication" not in Lake(place.folder / "lake").tables()
    assert running.end(signal.SIGTERM) == 0
    assert uids(place.folder / "lake").total() == 40
    assert running.has("pipeline_stopped", how="stopped", records=40, written=40)


def test_a_second_signal_ends_it_at_once(place: Place) -> None:
    """Also when a source does not answer; the next run has everything."""
    place.write("a", lines(range(10)))
    place.pipeline("    mode: slow\n")
    running = place.start()
    running.until(lambda: running.has("source_opening", source="door"))
    time.sleep(0.3)
    began = time.monotonic()
    assert running.end(signal.SIGINT, signal.SIGINT) == 130
    assert time.monotonic() - began < 10
    place.pipeline()
    assert place.start("--once").process.wait(30) == 0
    assert uids(place.folder / "lake").total() == 10


def test_sighup_reads_mappings_anew(place: Place) -> None:
    """What comes afterwards is mapped by the new one; one that does not compile leaves the old one at work."""
    place.write("a", lines(range(3)))
    place.pipeline()
    running = place.start()
    running.until(lambda: running.has("batch_committed"))
    write_mapping(place.folder / "mappings", MAPPING.replace("'Informational'", "'High'"))
    running.process.send_signal(signal.SIGHUP)
    running.until(lambda: running.has("mappings_reloaded"))
    place.write("b", lines(range(3, 9)))
    running.until(lambda: running.has("batch_committed", records=6))
    write_mapping(place.folder / "mappings", "nonsense: true\n")
    running.process.send_signal(signal.SIGHUP)
    running.until(lambda: sum(one["event"] == "mappings_reloaded" for one in running.events()) > 1)
    place.write("c", lines(range(9, 14)))
    running.until(lambda: running.has("batch_committed", records=5))
    assert running.end(signal.SIGTERM) == 0
    query = "select severity, count(*)::bigint as n from authentication group by all order by all"
    assert Lake(place.folder / "lake").sql(query).to_pylist() == [
        {"severity": "High", "n": 7},
        {"severity": "Informational", "n": 2},
    ]


def test_a_changed_mapping_is_read_anew_by_itself(place: Place) -> None:
    """Within seconds; a changed pipeline file is told, for it needs a restart."""
    place.write("a", lines(range(3)))
    file = place.pipeline()
    running = place.start()
    running.until(lambda: running.has("batch_committed"))
    write_mapping(place.folder / "mappings", MAPPING.replace("'Informational'", "'High'"))
    file.write_text(file.read_text() + "\n")
    running.until(lambda: running.has("mappings_reloaded"))
    running.until(lambda: running.has("pipeline_file_changed"))
    assert running.end(signal.SIGTERM) == 0


def test_a_source_that_is_away_is_told_and_its_secret_is_not(place: Place) -> None:
    """By readiness, metrics and log; it is taken up as soon as it is there."""
    place.pipeline()
    running = place.start()
    running.until(lambda: running.has("source_waiting"))
    assert 'waiting{source="door"} 1.0' in running.page("/metrics")
    told = running.page("/metrics") + running.page("/readyz") + running.log.read_text()
    assert "no folder" in told
    assert "*** did not help" in told
    assert SECRET not in told
    place.write("a", lines(range(7)))
    running.until(lambda: running.has("batch_committed", records=7))
    assert running.end(signal.SIGTERM) == 0


def test_watch_shows_what_it_does(place: Place) -> None:
    """On a terminal: the view of `top`, while the log goes where it went; it ends like any other."""
    place.write("endless", lines(range(8)))
    place.pipeline()
    ours, screen = os.openpty()
    shown = bytearray()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        running = place.start("--watch", screen=screen)
        os.close(screen)
        reader = threading.Thread(target=_drain, args=(terminal, shown), daemon=True)
        reader.start()
        running.until(lambda: running.has("batch_committed", records=8))
        running.until(lambda: b"records/s" in shown and b"working" in shown and b"pipeline prod" in shown)
        assert running.end(signal.SIGTERM) == 0
        reader.join(5)


def _drain(terminal: FileIO, shown: bytearray) -> None:
    with contextlib.suppress(OSError):  # the other side of a terminal that is gone
        while data := terminal.read(65536):
            shown.extend(data)
