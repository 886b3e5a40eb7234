"""`ocsf-pipe detect …` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ocsf_pipe.cli import build
from ocsf_pipe.lake import Lake
from ocsf_pipe.run.ingest import Ingest

RULE = """title: Net user
id: 5f1abf38-0d4c-4d53-8c5e-6d0d1d6a0001
level: high
tags: [attack.t1136.001]
logsource: {product: windows, category: process_creation}
detection:
    s: {Image|endswith: '\\net.exe', CommandLine|contains: ' user '}
    condition: s
"""
BLIND = """title: Elsewhere
id: 5f1abf38-0d4c-4d53-8c5e-6d0d1d6a0002
logsource: {product: amiga}
detection: {s: {a: b}, condition: s}
"""
DEGRADED = """title: By keyword
id: 5f1abf38-0d4c-4d53-8c5e-6d0d1d6a0003
logsource: {product: windows, category: process_creation}
detection: {keywords: [nowhere], condition: keywords}
"""


def _event(command: str, record: int) -> str:
    system = {
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}}, "EventID": 1, "EventRecordID": record,
        "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": "ws1",
        "TimeCreated": {"#attributes": {"SystemTime": "2026-02-10T08:00:00Z"}},
    }  # fmt: skip
    data = {"Image": "C:\\Windows\\System32\\net.exe", "CommandLine": command, "ProcessId": "4", "ParentProcessId": "2"}
    return json.dumps({"Event": {"System": system, "EventData": data}})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a lake of two events, and three rules."""
    (tmp_path / "events.ndjson").write_text(_event("net user eve /add", 1) + "\n" + _event("net view", 2) + "\n")
    (tmp_path / "rules").mkdir()
    for name, text in (("a", RULE), ("b", BLIND), ("c", DEGRADED)):
        (tmp_path / "rules" / f"{name}.yml").write_text(text)
    Ingest(Lake(tmp_path / "lake", create=True)).run([tmp_path / "events.ndjson"])
    return tmp_path


def _run(*words: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(build(), ["detect", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.stdout


def test_backtest_prints_the_fires_of_each_rule(place: Path) -> None:
    """Exactly this JSON, for every rule, also for those that cannot fire."""
    found = json.loads(_run("backtest", "--lake", place / "lake", "--rules", place / "rules", "--json"))
    head = "5f1abf38-0d4c-4d53-8c5e-6d0d1d6a000"
    assert found == {
        "rules": [
            {"id": f"{head}1", "title": "Net user", "state": "live", "fires": 1},
            {"id": f"{head}2", "title": "Elsewhere", "state": "blind", "fires": 0},
            {"id": f"{head}3", "title": "By keyword", "state": "degraded", "fires": 0},
        ]
    }


def test_backtest_takes_many_paths_and_a_time(place: Path) -> None:
    """Paths may follow one `--rules`; what lies before `--since` does not count."""
    rules = (place / "rules" / "a.yml", place / "rules" / "c.yml")
    found = json.loads(_run("backtest", "--lake", place / "lake", "--since", "2026-02-11", "--json", "--rules", *rules))
    assert [one["fires"] for one in found["rules"]] == [0, 0]


def test_the_shipped_rules_are_asked_where_none_are_named(place: Path) -> None:
    """For a look at what a lake holds no rules are needed."""
    found = json.loads(_run("backtest", "--lake", place / "lake", "--json"))["rules"]
    listed = [json.loads(line) for line in _run("list", "--lake", place / "lake", "--json").splitlines()]
    assert len(found) > 50
    assert {one["id"]: one["state"] for one in found} == {one["id"]: one["state"] for one in listed}


def test_list_says_why(place: Path) -> None:
    """The reason stands beside the state."""
    found = [json.loads(line) for line in _run("list", place / "rules", "--json").splitlines()]
    assert [one["state"] for one in found] == ["live", "blind", "degraded"]
    assert found[1]["reasons"] == ["no mapping serves product amiga"]
    assert found[2]["reasons"] == ["keywords are looked for in raw_data"]


def test_convert_prints_sql_that_the_lake_answers(place: Path) -> None:
    """What is printed finds what `backtest` counts."""
    lines = _run("convert", place / "rules" / "a.yml", "--lake", place / "lake").splitlines()
    queries = [line.rstrip(";") for line in lines if line.startswith("select")]
    assert sum(Lake(place / "lake").sql(query).num_rows for query in queries) == 1


def test_explain_shows_what_each_leaf_compared(place: Path) -> None:
    """From a file of raw records, and by the id of an event of the lake."""
    text = _run("explain", place / "rules" / "a.yml", place / "events.ndjson")
    assert "Net user: fires on" in text
    assert "Net user: does not fire on" in text
    assert "✗ CommandLine = '* user *'  process.cmd_line is 'net view'" in text
    uid = Lake(place / "lake").sql("select metadata.uid as u from process_activity where process.cmd_line = 'net view'")
    again = _run("explain", place / "rules" / "a.yml", uid["u"][0].as_py(), "--lake", place / "lake")
    assert "does not fire on" in again


def test_lint_fails_for_a_rule_that_is_none(place: Path) -> None:
    """Every file is looked at; one that cannot be read says where and why."""
    assert _run("lint", place / "rules" / "a.yml") == ""
    (place / "rules" / "d.yml").write_text(
        "title: x\ndetection: {s: {a: b}, condition: t}\nlogsource: {product: windows}\n"
    )
    text = _run("lint", place / "rules", code=1)
    assert "d.yml" in text
    assert "'t' not defined" in text


def test_coverage_writes_a_layer(place: Path) -> None:
    """A technique scores as its best rule."""
    text = _run("coverage", place / "rules", "--lake", place / "lake", "--layer", place / "layer.json")
    assert "windows" in text
    layer = json.loads((place / "layer.json").read_text())
    assert [(one["techniqueID"], one["score"]) for one in layer["techniques"]] == [("T1136.001", 100)]


def test_run_writes_findings_once(place: Path) -> None:
    """What it finds is told, and stands in the lake; what it found before is not found again."""
    [found] = [
        json.loads(line)
        for line in _run("run", "--once", "--json", "--lake", place / "lake", "--rules", place / "rules").splitlines()
    ]
    assert found["finding_info"]["title"] == "Net user"
    rows = Lake(place / "lake").sql(
        "select finding_info.title as t, evidences[1].process.cmd_line as c from detection_finding"
    )
    assert rows.to_pylist() == [{"t": "Net user", "c": "net user eve /add"}]
    assert _run("run", "--once", "--json", "--lake", place / "lake", "--rules", place / "rules") == ""


def test_backtest_says_how_long_each_rule_took(place: Path) -> None:
    """The slowest first; those that were not asked took nothing."""
    lines = _run("backtest", "--lake", place / "lake", "--rules", place / "rules", "--timing").splitlines()[1:]
    seconds = [float(line.split()[0]) for line in lines]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] > 0
    assert lines[-1].endswith("Elsewhere")


def test_incident_writes_a_bundle(place: Path) -> None:
    """By the id of a finding that a run has made."""
    text = _run("run", "--once", "--json", "--lake", place / "lake", "--rules", place / "rules")
    uid = json.loads(text)["metadata"]["uid"]
    assert "# Net user: ws1" in _run("incident", uid[:8], "--lake", place / "lake")
    _run("incident", uid[:8], "--lake", place / "lake", "--out", place / "case")
    assert sorted(file.name for file in (place / "case").iterdir()) == ["incident.json", "incident.md", "manifest.json"]
