"""`ocsf-pipe content show` and `quarantine show --open`: text is seen by whoever has the key and asks for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.content.sealing import CHAT

GOOD = {"chat": 1, "id": "e-1", "at": "2026-02-10T09:08:07Z", "prompt": "tell me a secret"}
BAD = {"chat": 1, "id": "e-2", "at": "soon", "prompt": "another secret"}


@pytest.fixture
def lake(tmp_path: Path, program: Program) -> Path:
    """A lake that keeps texts, and has refused one record."""
    (tmp_path / "mapping.yaml").write_text(CHAT)
    (tmp_path / "chat.ndjson").write_text(f"{json.dumps(GOOD)}\n{json.dumps(BAD)}\n")
    given = ("--mapping", tmp_path / "mapping.yaml", "--lake", tmp_path / "lake", "--content", "store")
    assert program("ingest", tmp_path / "chat.ndjson", *given).code == 3
    return tmp_path / "lake"


def test_the_texts_of_an_event_are_shown_by_its_id(program: Program, lake: Path) -> None:
    """For eyes and as JSON; an event without any is told, and exits with 1."""
    assert "tell me a secret" in program("content", "show", "e-1", "--lake", lake).out
    [line] = program("content", "show", "e-1", "--lake", lake, "--json").out.splitlines()
    row = json.loads(line)
    assert (row["text"], row["path"], row["kind"]) == ("tell me a secret", "prompt", "Prompt")
    assert program("content", "show", row["hmac"], "--lake", lake, "--json").out.splitlines() == [line]
    assert program("content", "show", "e-2", "--lake", lake).code == 1


def test_a_sealed_record_is_opened_when_that_is_asked_for(program: Program, lake: Path) -> None:
    """Otherwise its length is shown; without its key it cannot be."""
    shown = program("quarantine", "show", "--lake", lake, "--json").out
    assert "secret" not in shown
    assert f"sealed: {len(json.dumps(BAD))} bytes" in shown
    opened = json.loads(program("quarantine", "show", "--lake", lake, "--json", "--open").out)
    assert json.loads(opened["raw"]) == BAD
    (lake / "_keys" / "content.key").unlink()
    lost = program("quarantine", "show", "--lake", lake, "--open")
    assert lost.code == 1
    assert "content.key" in lost.err


def test_what_is_looked_for_is_told(program: Program) -> None:
    """Our classes, and the library that is installed or how to get one."""
    told = program("content", "detectors")
    assert {"aws_access_key", "azure_storage_key"} <= {*told.out.splitlines()}
    assert ("and the classes of kingfisher-secret-scanner" in told.out) != ("pip install" in told.err)


def test_the_lake_adds_up_with_its_texts(program: Program, lake: Path) -> None:
    """`lake verify` counts them like any other table's rows."""
    done = program("lake", "verify", "--lake", lake)
    assert done.code == 0
    assert "_content" in done.out
