"""`ocsf-pipe lake`: upkeep, said in tables or JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

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


def test_verify_integrity_names_the_row_that_was_altered(program: Program, lake: Path) -> None:
    """A file is written anew with one name changed: its table, its row and the row's id are told, and the exit is 1."""
    assert program("lake", "verify", "--integrity", "--lake", lake).code == 0
    path = next(file for file in lake.glob("authentication/event_day=*/*.parquet"))
    rows_there = pq.ParquetFile(path).read()
    raw = [f"{text} " if i == 1 else text for i, text in enumerate(rows_there["raw_data"].to_pylist())]
    at = rows_there.column_names.index("raw_data")
    pq.write_table(rows_there.set_column(at, "raw_data", pa.array(raw)), path)
    ended = program("lake", "verify", "--integrity", "--lake", lake)
    assert ended.code == 1
    assert f"altered: authentication/{path.parent.name}/{path.name}: row 2 was altered (uid " in ended.out
    found = [
        json.loads(line) for line in program("lake", "verify", "--integrity", "--lake", lake, "--json").out.splitlines()
    ]
    [broken] = next(one for one in found if one.get("breaks"))["breaks"]
    assert (broken["what"], broken["row"]) == ("altered", 2)


def test_an_anchor_is_made_held_to_and_brought_up_to_date(program: Program, lake: Path, tmp_path: Path) -> None:
    """Its heads are those of the chains; a chain that is gone is found out, and the anchor stays as it was."""
    anchor = tmp_path / "heads.json"
    assert program("lake", "verify", "--anchor", anchor, "--lake", lake).code == 0
    kept = anchor.read_text()
    assert set(json.loads(kept)["tables"]) == {"_quarantine", "authentication", "base_event"}
    assert program("lake", "verify", "--anchor", anchor, "--lake", lake).code == 0
    shutil.rmtree(lake / "_integrity" / "authentication" / "chain")
    ended = program("lake", "verify", "--anchor", anchor, "--lake", lake)
    assert ended.code == 1
    assert "the anchor knows 1 links, the chain has 0" in ended.out
    assert anchor.read_text() == kept
    anchor.write_text("[]")
    assert "is no anchor" in program("lake", "verify", "--anchor", anchor, "--lake", lake).err
