"""`ocsf-pipe lake`: upkeep, said in tables or JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.cli.program import Program


def rows(text: str) -> dict[str, dict[str, object]]:
    """JSON lines by their table."""
    return {one["table"]: one for one in map(json.loads, text.splitlines())}


def test_stats_counts_rows(program: Program, lake: Path) -> None:
    """Every table has its rows, files and bytes."""
    found = rows(program("lake", "stats", "--lake", lake, "--json").out)
    assert {name: one["rows"] for name, one in found.items()} == {
        "_quarantine": 1,
        "authentication": 2,
        "base_event": 1,
    }
    assert program("lake", "stats", "--lake", lake).out.splitlines()[0].split()[:3] == ["table", "rows", "files"]


def test_verify_holds_after_a_compaction(program: Program, lake: Path) -> None:
    """A lake as it was written verifies, and compacting it changes no count."""
    assert program("lake", "verify", "--lake", lake).code == 0
    compacted = program("lake", "compact", "--lake", lake, "--json")
    assert compacted.code == 0
    assert set(rows(compacted.out)) == {"_quarantine", "authentication", "base_event"}
    assert program("lake", "verify", "--lake", lake).code == 0


def test_verify_fails_on_rows_that_no_batch_wrote(program: Program, lake: Path) -> None:
    """Tables whose log of batches is gone differ from it, and the exit code is 1."""
    shutil.rmtree(lake / "_checkpoints")
    ended = program("lake", "verify", "--lake", lake)
    assert ended.code == 1
    assert "differs" in ended.out


def test_vacuum_says_what_it_deleted(program: Program, lake: Path) -> None:
    """Nothing that a table still has is deleted."""
    ended = program("lake", "vacuum", "authentication", "--hours", "0", "--lake", lake, "--json")
    assert rows(ended.out) == {"authentication": {"table": "authentication", "deleted": []}}
    assert program("query", "select count(*) n from authentication", "--lake", lake, "-f", "csv").out == "n\n2\n"


def test_unknown_table_is_an_error(program: Program, lake: Path) -> None:
    """The nearest table is named."""
    ended = program("lake", "compact", "authentcation", "--lake", lake)
    assert ended.code == 1
    assert "did you mean `authentication`?" in ended.err
