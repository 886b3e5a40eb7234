"""`ocsf-pipe quarantine …`: what was refused, why, and once more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import MAPPING
from tests.cli.program import Program


@pytest.fixture
def known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The mapping is found by its name."""
    monkeypatch.setenv("OCSF_PIPE_MAPPINGS", str(folder.parent.parent))
    return folder


@pytest.fixture
def refusing(known: Path, tmp_path: Path, program: Program) -> Path:
    """A lake that refused one record of the sample."""
    place = tmp_path / "refusing"
    program("ingest", known / "samples", "--mapping", "acme.portal", "--lake", place)
    return place


def test_show_names_place_field_reason_and_line(program: Program, refusing: Path, known: Path) -> None:
    """For eyes and as JSON; filters narrow it down."""
    (text,) = program("quarantine", "show", "--lake", refusing, "--json").out.splitlines()
    row = json.loads(text)
    assert (row["mapping"], row["rule"], row["field"]) == ("acme.portal", "other", "time")
    assert row["reason"] == "required attribute `time` is null"
    assert row["line"] == f"{known / 'mapping.yaml'}:13: time: at"
    assert row["file"] == str(known / "samples" / "day.input.ndjson")
    assert json.loads(row["raw"])["text"] == "when?"
    assert "required attribute `time` is null" in program("quarantine", "show", "--lake", refusing).out
    assert program("quarantine", "show", "--lake", refusing, "--json", "--reason", "JSON").out == ""


def test_show_says_what_to_do_about_a_reason(program: Program, refusing: Path, tmp_path: Path) -> None:
    """Where the reason is not the fault of one line of a mapping."""
    (tmp_path / "strange.ndjson").write_text('{"neither": "nor"}\n')
    program("ingest", tmp_path / "strange.ndjson", "--lake", refusing)
    shown = program("quarantine", "show", "--lake", refusing).out
    assert "no mapping recognises the record:\n  - logs of a source" in shown
    assert "is null:\n" not in shown


def test_show_without_a_quarantine_says_so(program: Program, tmp_path: Path) -> None:
    """An empty lake has nothing in quarantine."""
    (tmp_path / "empty").mkdir()
    assert program("quarantine", "show", "--lake", tmp_path / "empty").out == "nothing is in quarantine\n"


def test_replay_moves_once(program: Program, refusing: Path, known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3 while something stays; after the fix the record moves, and a second replay has nothing to do."""
    stays = program("quarantine", "replay", "--lake", refusing, "--json")
    assert (stays.code, json.loads(stays.out)["refused"]) == (3, 1)
    path = known.parent.parent / "mended" / "acme" / "portal" / "mapping.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(MAPPING.replace("time: at", "time: coalesce(at, '2026-02-10T09:00:00Z')"))
    monkeypatch.setenv("OCSF_PIPE_MAPPINGS", str(path.parent.parent.parent))
    moved = program("quarantine", "replay", "--lake", refusing, "--json")
    assert (moved.code, json.loads(moved.out)["moved"], json.loads(moved.out)["refused"]) == (0, 1, 0)
    again = program("quarantine", "replay", "--mapping", "acme.portal", "--lake", refusing, "--json")
    assert (again.code, json.loads(again.out)["moved"]) == (0, 0)
    assert program("lake", "verify", "--lake", refusing).code == 0
