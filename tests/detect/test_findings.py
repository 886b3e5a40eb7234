"""Findings: valid OCSF, with their evidence, each once, whatever comes late or dies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ocsf_pipe.lake import Lake
from ocsf_pipe.run.cursor import Cursor
from ocsf_pipe.run.detecting import SOURCE, Detecting
from ocsf_pipe.schema.validate import validator
from ocsf_pipe.testing.events import ocsf_events
from tests.detect.doors import detecting, findings, grow, once, rules_in

BAD = [("bad one", "08:00:00"), ("good", "08:00:05"), ("bad two", "08:00:10"), ("bad three", "08:00:20")]


def titles(folder: Path) -> list[str]:
    """The titles of all findings, sorted."""
    return sorted(row["finding_info"]["title"] for row in findings(folder))


def test_findings_are_valid_and_carry_their_evidence(tmp_path: Path) -> None:
    """As the oracle says, with the objects of the event as they are there."""
    rules_in(tmp_path, single="risk: {impact: 80, confidence: 50}\nowner: red\nrunbook: playbook.md\n")
    lake = grow(tmp_path, "a", [*BAD, ("alpha", "09:00:00"), ("beta", "09:00:30")])
    assert once(tmp_path) == 5
    table = lake.sql("select * from detection_finding")
    events = ocsf_events(table)
    assert [error for event in events for error in validator().errors(event)] == []
    one = next(e for e in events if e["finding_info"]["title"] == "A bad process")
    assert one["finding_info"]["attacks"] == [
        {"tactic": {"uid": "TA0002", "name": "Execution"}},
        {"technique": {"uid": "T1059"}, "sub_technique": {"uid": "T1059.001"}},
        {"technique": {"uid": "AML.T0051"}, "sub_technique": {"uid": "AML.T0051.000"}},
    ]
    assert one["finding_info"]["tags"] == [{"name": "owasp", "values": ["llm01"]}]
    assert (one["risk_score"], one["risk_level"], one["severity"]) == (40, "Medium", "High")
    source = lake.sql("select * from process_activity where process.cmd_line = 'bad one'")
    [event] = ocsf_events(source)
    assert one["evidences"][0]["process"] == event["process"]
    assert one["evidences"][0]["uid"] == event["metadata"]["uid"]
    assert one["start_time"] == one["end_time"] == event["time"]
    assert {o["value"] for o in one["observables"]} == {o["value"] for o in event["observables"]}
    assert one["unmapped"]["entity"] == "ws1.corp.example"
    pair = next(e for e in events if e["finding_info"]["title"] == "Alpha and beta")
    assert (len(pair["evidences"]), pair["end_time"] - pair["start_time"]) == (2, 30_000)
    burst = next(e for e in events if e["finding_info"]["title"] == "Many bad processes")
    assert (burst["finding_info"]["related_events_count"], burst["unmapped"]["details"]) == (3, {"n": "3"})


def test_a_second_run_adds_nothing(tmp_path: Path) -> None:
    """Nothing is new; and where all is asked again, all is known."""
    rules_in(tmp_path)
    grow(tmp_path, "a", BAD)
    assert once(tmp_path) == 4
    assert once(tmp_path) == 0
    again = detecting(tmp_path)
    again.pipeline = "another"
    assert [len(one.findings) for pace in again.paces if (one := again.turn(pace)) is not None] == [0, 0]
    assert len(titles(tmp_path)) == 4


def test_a_window_across_batches_is_found(tmp_path: Path) -> None:
    """And so is one that an event closes that came hours late, behind others."""
    rules_in(tmp_path)
    grow(tmp_path, "a", [("bad one", "08:00:00"), ("bad two", "08:00:10"), ("alpha", "09:00:00")])
    assert once(tmp_path) == 2
    grow(tmp_path, "b", [("bad nine", "12:00:00")])
    assert once(tmp_path) == 1
    grow(tmp_path, "c", [("bad late", "08:00:05"), ("beta", "08:59:30")])
    assert once(tmp_path) == 3
    assert titles(tmp_path) == [*["A bad process"] * 4, "Alpha and beta", "Many bad processes"]


def test_what_a_compaction_moves_is_not_new(tmp_path: Path) -> None:
    """And rows that were compacted before any rule was asked of them are found."""
    rules_in(tmp_path)
    for name in "abc":
        grow(tmp_path, name, [(f"bad {name}", f"0{ord(name) - 96}:00:00")])
    assert once(tmp_path) == 3
    Lake(tmp_path / "lake").compact("process_activity")
    assert once(tmp_path) == 0
    for name in "de":
        grow(tmp_path, name, [(f"bad {name}", f"0{ord(name) - 96}:00:00")])
    Lake(tmp_path / "lake").compact("process_activity")
    Lake(tmp_path / "lake").vacuum("process_activity", 0)
    assert once(tmp_path) == 2


def test_fires_of_one_key_are_one_finding(tmp_path: Path) -> None:
    """Within the window of the first, in one run and across runs."""
    rules_in(tmp_path, single="dedup: {keys: [entity], window: 1h}\n")
    grow(tmp_path, "a", [("bad one", "08:00:00"), ("bad two", "08:30:00"), ("bad three", "09:30:00")])
    assert once(tmp_path) == 2
    assert [row["count"] for row in findings(tmp_path)] == [2, 1]
    grow(tmp_path, "b", [("bad four", "08:59:00"), ("bad five", "10:40:00")])
    assert once(tmp_path) == 1


def test_a_threshold_counts_across_batches(tmp_path: Path) -> None:
    """What came before is counted, though no run saw it as new."""
    rules_in(tmp_path, single="dedup: {keys: [entity], window: 1h}\nthreshold: 3\n")
    grow(tmp_path, "a", [("bad one", "08:00:00"), ("bad two", "08:10:00")])
    assert once(tmp_path) == 0
    grow(tmp_path, "b", [("bad three", "08:50:00")])
    assert once(tmp_path) == 1
    assert findings(tmp_path)[0]["count"] == 3


def test_suppressed_findings_are_kept_and_say_why(tmp_path: Path) -> None:
    """Only those of the event and the time that are meant."""
    where = "where: {process.cmd_line: [bad one]}, until: 2026-02-11"
    rules_in(tmp_path, single=f"suppress: [{{reason: a test of ours, {where}}}]\n")
    grow(tmp_path, "a", BAD[:3])
    once(tmp_path)
    rows = [(row["status"], row.get("status_detail")) for row in findings(tmp_path)]
    assert rows == [("Suppressed", "a test of ours"), ("New", None)]


def test_findings_of_one_entity_are_one_incident(tmp_path: Path) -> None:
    """Of all rules, within a day, across runs."""
    rules_in(tmp_path)
    grow(tmp_path, "a", BAD)
    once(tmp_path)
    grow(tmp_path, "b", [("bad late", "23:00:00")])
    once(tmp_path)
    incidents = {row["metadata"]["correlation_uid"] for row in findings(tmp_path)}
    assert (len(incidents), len(findings(tmp_path))) == (1, 5)


def test_a_rule_that_breaks_stops_no_other(tmp_path: Path) -> None:
    """It is told of, by name."""
    rules = rules_in(tmp_path)
    text = (rules / "burst" / "rule.sql").read_text()
    (rules / "burst" / "rule.sql").write_text(
        text.replace('select "time", uids', "select error('no')::bigint as \"time\", uids")
    )
    grow(tmp_path, "a", BAD)
    run = detecting(tmp_path)
    told: list[str] = []
    run.watch.problem = lambda rule, why: told.append(f"{rule.title}: {why}")
    for pace in run.paces:
        run.turn(pace, keep=True)
    assert titles(tmp_path) == ["A bad process"] * 3
    assert len(told) == 1
    assert told[0].startswith("Many bad processes: ")


def test_the_account_of_the_lake_still_adds_up(tmp_path: Path) -> None:
    """`lake verify` counts findings as it counts events."""
    rules_in(tmp_path)
    grow(tmp_path, "a", BAD)
    once(tmp_path)
    assert all(verdict.holds for verdict in Lake(tmp_path / "lake").verify())
    assert json.loads(findings(tmp_path)[0]["unmapped"])["rule"]["status"] == "stable"


def test_a_rule_whose_pace_changes_skips_nothing(tmp_path: Path) -> None:
    """It goes on from where the slowest has been: what is new is found, what is known is not found again."""
    rules_in(tmp_path)
    grow(tmp_path, "a", BAD)
    assert once(tmp_path) == 4
    grow(tmp_path, "b", [(f"bad {i}", f"10:00:0{i}") for i in range(3)])
    run = Detecting(Lake(tmp_path / "lake"), detecting(tmp_path).watch, "test", at_most=7)
    assert [pace.name for pace in run.paces] == ["every-0s", "every-7s"]
    run._begin()
    before = run.lake.version("process_activity") - 1
    assert Cursor(run.lake, "test", SOURCE, "every-7s").at()[2] == {"process_activity": before}
    assert sum(len(one.findings) for pace in run.paces if (one := run.turn(pace, keep=True)) is not None) == 4


@pytest.mark.parametrize("name", ["detection_finding", "process_activity"])
def test_findings_wait_for_the_first_events(name: str, tmp_path: Path) -> None:
    """A lake without any table is asked without harm."""
    rules_in(tmp_path)
    Lake(tmp_path / "lake", create=True)
    assert once(tmp_path) == 0
    assert name not in Lake(tmp_path / "lake").tables()
