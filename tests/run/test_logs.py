"""The program's own log: one JSON object a line or text for eyes, no secret in it, and every event documented."""

from __future__ import annotations

import io
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from ocsf_pipe.run.logs import forms, secrets_of, start_logging, without
from ocsf_pipe.run.pipeline import LogSpec, SourceSpec
from ocsf_pipe.run.pipeline_secrets import Secret
from ocsf_pipe.run.report import Report
from ocsf_pipe.run.telemetry import Telemetry
from tests.architecture.sources import ROOT
from tests.run.shelf import pipeline_of

SECRET = 'p"ss\nword'


class Terminal(io.StringIO):
    """A stream that is looked at."""

    def isatty(self) -> bool:
        """It is."""
        return True


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """Where the log goes; afterwards it goes where it went before."""
    root, ours = logging.getLogger(), logging.getLogger("ocsf_pipe")
    before, level = list(root.handlers), ours.level
    yield io.StringIO()
    root.handlers[:] = before
    ours.setLevel(level)
    logging.captureWarnings(False)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    """What was logged as JSON."""
    return [json.loads(line) for line in out.getvalue().splitlines()]


def everything(telemetry: Telemetry) -> None:
    """Tell everything that can be told."""
    report = Report(records=3, written=2, quarantined=Counter({"x": 1}), events=Counter({"base_event": 2}))
    telemetry.started(1, "lake", None)
    telemetry.opening("door")
    telemetry.working("door")
    telemetry.waiting("door", "away", 0.5)
    telemetry.batch("door", "0", report, seconds=0.5, commit_seconds=0.25, bytes=100)
    telemetry.gap("door", "0", 7)
    telemetry.maintenance("base_event", "compact", 1.0)
    telemetry.reloaded("door")
    telemetry.stopped("door", "finished")
    telemetry.ended("stopped", report)


def test_every_line_is_one_json_object(out: io.StringIO) -> None:
    """With time, level, the event's name, and what it is about."""
    start_logging(LogSpec("info", "json"), stream=out)
    everything(Telemetry("prod"))
    found = {line["event"]: line for line in lines(out)}
    batch = found["batch_committed"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", batch["ts"])
    assert (batch["level"], batch["pipeline"], batch["source"], batch["partition"]) == ("info", "prod", "door", "0")
    assert (batch["records"], batch["written"], batch["quarantined"], batch["events"]) == (3, 2, 1, {"base_event": 2})
    assert found["source_waiting"]["level"] == found["gap_found"]["level"] == "warning"


def test_a_line_is_one_line_whatever_it_says(out: io.StringIO) -> None:
    """Line ends in values, things that are no JSON, a traceback."""
    start_logging(LogSpec("info", "json"), stream=out)
    try:
        int("one\ntwo")
    except ValueError:
        logging.getLogger("ocsf_pipe.run").exception("it\nfailed", extra={"what": {1: object(), "x": [b"y", {2}]}})
    [line] = lines(out)
    assert "ValueError: invalid literal for int() with base 10: 'one\\ntwo'" in line["exception"]
    assert line["event"] == "it_failed"


def test_a_level_leaves_out_what_is_below(out: io.StringIO) -> None:
    """Of ours; other libraries tell warnings only."""
    start_logging(LogSpec("warning", "json"), stream=out)
    everything(Telemetry("prod"))
    logging.getLogger("other").info("hush")
    logging.getLogger("other").warning("hello %s", "there")
    assert [line["event"] for line in lines(out)] == ["source_waiting", "gap_found", "log"]


def test_on_a_terminal_it_is_text(out: io.StringIO) -> None:
    """Unless JSON is asked for; a line for each, in the order time, level, event, source."""
    screen = Terminal()
    start_logging(LogSpec("info", "auto"), stream=screen)
    Telemetry("prod").waiting("door", "the broker is away", 0.5)
    assert re.fullmatch(
        r'\d\d:\d\d:\d\d WARNING source_waiting door reason="the broker is away" seconds=0.5\n', screen.getvalue()
    )
    start_logging(LogSpec("info", "auto"), stream=out)
    Telemetry("prod").waiting("door", "the broker is away", 0.5)
    assert lines(out)[0]["event"] == "source_waiting"


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_is_in_it(out: io.StringIO, form: Any) -> None:
    """Neither in a message, nor in a value however deep, nor in a traceback, nor as JSON writes it."""
    start_logging(LogSpec("debug", form), forms([SECRET, "", "hunter22"]), stream=out)
    log = logging.getLogger("ocsf_pipe.run")
    try:
        int(f"{SECRET} hunter22")
    except ValueError:
        log.exception("with %s", SECRET, extra={"a": {"b": [SECRET, "xhunter22x"], "hunter22": 1}})
    logging.getLogger("kafka.client").warning("login hunter22")
    text = out.getvalue()
    escaped = json.dumps(SECRET)[1:-1]
    assert [part for part in (SECRET, escaped, repr(SECRET)[1:-1], "hunter22", "ss\\") if part in text] == []
    assert "***" in text


def test_the_secrets_of_a_pipeline_are_all_found(tmp_path: Any) -> None:
    """Those inside lists and objects too; the longest first, for one may be part of another.

    One of a letter or two is left: hiding it would blot out every other word.
    """
    settings = {"a": Secret("abcd", "x"), "b": [{"c": Secret("abcd/f", "y")}], "d": "open", "e": Secret("a", "z")}
    found = secrets_of(pipeline_of(tmp_path, SourceSpec("door", "probe", (), settings)))
    assert found == ["abcd%2Ff", "abcd/f", "abcd"]
    assert without("abcd/f and abcd and a url with abcd%2Ff", found) == "*** and *** and a url with ***"


def test_silent_is_silent(out: io.StringIO) -> None:
    """While the screen shows something else."""
    start_logging(LogSpec(), stream=out, silent=True)
    everything(Telemetry("prod"))
    assert out.getvalue() == ""


def test_every_event_is_documented(out: io.StringIO) -> None:
    """docs/metrics.md names each, and the mapping of our own log knows each."""
    start_logging(LogSpec("info", "json"), stream=out)
    everything(Telemetry("prod"))
    told = {line["event"] for line in lines(out)} | {"pipeline_file_changed"}
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    mapping = (ROOT / "mappings" / "ocsf_pipe" / "log" / "mapping.yaml").read_text(encoding="utf-8")
    assert {event for event in told if f"`{event}`" not in page} == set()
    assert {event for event in told if event not in mapping} == set()


def test_every_metric_is_documented() -> None:
    """docs/metrics.md names each with its type's suffix."""
    telemetry = Telemetry("prod")
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    families = {family.name: family.type for family in telemetry.metrics.registry.collect()}
    names = {f"{name}_total" if kind == "counter" else name for name, kind in families.items() if "ocsf" in name}
    assert {name for name in names if f"`{name}`" not in page} == set()
