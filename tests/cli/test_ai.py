"""`ocsf-pipe ai`: sufficiency and evidence."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.program import Program

RULE = """/*
title: A rule
id: 6a0f4c5e-8a4b-4e0b-9a55-0f4a1b2c3d4e
level: low
status: test
reads: [authentication]
*/
select time, [metadata.uid] as event_uids from authentication
"""


def test_sufficiency_prints_states_and_exits_by_them_when_told(program: Program, lake: Path, tmp_path: Path) -> None:
    """One line a detection; with --strict one that is not live is an exit code of 1."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "rule.sql").write_text(RULE)
    (rules / "settings.yml").write_text("needs: [authentication.ai_tool.name]\n")
    ended = program("ai", "sufficiency", rules, "--lake", lake)
    assert ended.code == 0
    assert "blind" in ended.out
    assert "authentication.ai_tool.name is empty in 2 events" in ended.out
    assert ["source", "events", "content"] in [line.split() for line in ended.out.splitlines()]
    assert "1 detections: 0 live, 0 degraded, 1 blind" in ended.err
    assert program("ai", "sufficiency", rules, "--lake", lake, "--strict").code == 1
    [found] = map(json.loads, program("ai", "sufficiency", rules, "--lake", lake, "--json").out.splitlines())
    assert (found["state"], found["lacks"][0]["events"]) == ("blind", 2)


def test_evidence_writes_both_reports(program: Program, lake: Path, tmp_path: Path) -> None:
    """Markdown for people, JSON for programs; the summary has a line a duty."""
    args = ("ai", "evidence", "--framework", "iso-42001", "--since", "2020-01-01", "--until", "2030-01-01")
    ended = program(*args, "--lake", lake, "--out", tmp_path / "out")
    assert ended.code == 0
    assert "A.6.2.8" in ended.out
    stem = tmp_path / "out" / "evidence-iso-42001-20200101-20300101"
    assert stem.with_suffix(".md").read_text().startswith("# Evidence: ISO/IEC 42001")
    assert json.loads(stem.with_suffix(".json").read_text())["framework"]["id"] == "iso-42001"


def test_a_period_has_a_length(program: Program, lake: Path) -> None:
    """Its end is after its begin."""
    args = ("ai", "evidence", "-f", "eu-ai-act", "--since", "2026-02-01", "--until", "2026-01-01", "--lake", lake)
    assert "ends before it begins" in program(*args).err
