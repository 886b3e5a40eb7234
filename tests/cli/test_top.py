"""`ocsf-pipe top`: one look of a running pipeline as text, JSON or a table for eyes."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator

import pytest
from rich.console import Console

from ocsf_pipe.cli.watching import table_of
from ocsf_pipe.run.pipeline import MetricsSpec
from ocsf_pipe.run.report import Report
from ocsf_pipe.run.telemetry import Telemetry
from ocsf_pipe.run.telemetry_view import of_telemetry
from tests.cli.program import Program


@pytest.fixture
def telemetry() -> Telemetry:
    """A pipeline with one source at work and one that waits."""
    found = Telemetry("prod")
    for name in ("door", "gate"):
        found.opening(name)
    found.working("door")
    found.waiting("gate", "the [red]broker[/red] is away", 5.0)
    report = Report(
        records=2000, written=1999, quarantined=Counter({"bad": 1}), events=Counter({"authentication": 1999})
    )
    found.batch("door", "0", report, seconds=0.1, commit_seconds=0.1, bytes=5000)
    found.lag("door", "0", 12)
    found.queue("door", 3 << 20)
    found.freshness("door", 4.2)
    return found


@pytest.fixture
def url(telemetry: Telemetry) -> Iterator[str]:
    """Where it listens."""
    server = telemetry.serve(MetricsSpec("127.0.0.1", 0))
    server.start()
    yield server.url
    server.stop()


def test_one_look_is_plain_columns(program: Program, url: str) -> None:
    """Of a width that nothing cuts, for a pipe."""
    ended = program("top", url, "--once", "--every", "0.2")
    head, door, gate = ended.out.splitlines()
    assert ended.code == 0
    assert head.split()[:4] == ["source", "state", "records/s", "events/s"]
    assert door.split() == ["door", "working", "0", "0", "2,000", "1,999", "12", "3.0MiB", "1", "0", "4.2s"]
    assert gate.endswith("the [red]broker[/red] is away")


def test_a_look_as_json_is_numbers(program: Program, url: str) -> None:
    """One object a source."""
    ended = program("top", url.removeprefix("http://"), "--json", "--every", "0.2")
    door, gate = map(json.loads, ended.out.splitlines())
    assert (door["records"], door["events"], door["lag"], door["queue"]) == (2000, 1999, 12, 3 << 20)
    assert (gate["state"], gate["lag"], gate["freshness"]) == ("waiting", None, None)


def test_nobody_there_is_an_error_with_a_remedy(program: Program) -> None:
    """And not a traceback."""
    ended = program("top", "127.0.0.1:1", "--once")
    assert ended.code == 1
    assert "error: nobody answers at `http://127.0.0.1:1/metrics`" in ended.err


def test_the_screen_shows_the_same_and_obeys_no_text(telemetry: Telemetry) -> None:
    """What a source says is text, not markup."""
    out = io.StringIO()
    Console(file=out, width=160).print(table_of(of_telemetry(telemetry, 1.0)))
    assert "pipeline prod" in out.getvalue()
    assert "the [red]broker[/red] is away" in out.getvalue()
    assert "2,000" in out.getvalue()
