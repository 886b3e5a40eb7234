"""What was committed is what is there, or the first row that is not has a name."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from ocsf_pipe.lake import Lake
from ocsf_pipe.lake.chain import PACK, Chain
from ocsf_pipe.lake.integrity import Integrity
from ocsf_pipe.lake.retain import retain
from tests.lake.parts import DAY, NOW, rows, run, txn


def events(first: int, count: int, day: int = 0) -> pa.Table:
    """Events with an id of their own, a second apart, some days before now."""
    return rows(
        *(
            {"time": NOW - day * DAY + i * 1000, "metadata": {"uid": f"e{i}"}, "name": f"name {i}", "size": i}
            for i in range(first, first + count)
        )
    )


def filled(lake: Lake, batches: int = 2, size: int = 10) -> Lake:
    """A lake with one table of so many batches."""
    for n in range(batches):
        run(lake, txn(n), {"api_activity": events(n * size, size)})
    return lake


def checked(lake: Lake) -> Integrity:
    """What a process of its own says of the table."""
    [found] = Lake(lake.where).integrity()
    return found


def files(lake: Lake) -> list[Path]:
    """The files of the table, in the order of their rows."""
    table = DeltaTable(f"{lake.where}/api_activity")
    paths = [Path(lake.where) / "api_activity" / path for path in pa.table(table.get_add_actions())["path"].to_pylist()]
    return sorted(paths, key=lambda path: pq.read_table(path)["time"][0].as_py())


def rewritten(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Alter a file the way that somebody who can write to the disk does."""
    table = change(pq.ParquetFile(path).read())
    path.unlink()
    pq.write_table(table, path)


def renamed(row: int) -> Callable[[pa.Table], pa.Table]:
    """Another name in one row."""

    def change(table: pa.Table) -> pa.Table:
        names = table["name"].to_pylist()
        names[row] = "somebody else"
        return table.set_column(
            table.column_names.index("name"), "name", pa.array(names, table.schema.field("name").type)
        )

    return change


def without(row: int) -> Callable[[pa.Table], pa.Table]:
    """One row less."""
    return lambda table: pa.concat_tables([table.slice(0, row), table.slice(row + 1)])


def with_copy(row: int) -> Callable[[pa.Table], pa.Table]:
    """A row of one's own before another."""
    return lambda table: pa.concat_tables([table.slice(0, row), renamed(0)(table.slice(0, 1)), table.slice(row)])


def test_what_was_committed_holds(lake: Lake) -> None:
    """Every row is attested and in place."""
    found = checked(filled(lake))
    assert (found.holds, found.rows, found.unattested, found.days) == (True, 20, 0, 1)


@pytest.mark.parametrize(
    ("change", "what", "row", "uid"),
    [
        (renamed(3), "altered", 4, "e13"),
        (renamed(0), "altered", 1, "e10"),
        (without(3), "removed", 4, "e14"),
        (without(9), "removed", 10, "e18"),
        (with_copy(3), "inserted", 4, "e10"),
        (with_copy(10), "inserted", 11, "e10"),
    ],
)
def test_the_first_row_that_differs_is_named(
    lake: Lake, change: Callable[[pa.Table], pa.Table], what: str, row: int, uid: str
) -> None:
    """By file, by number from 1, and by its id: of a row that is gone, that of the one in its place."""
    filled(lake)
    rewritten(files(lake)[1], change)
    [broken] = checked(lake).breaks
    assert (broken.what, broken.row, broken.uid, broken.file) == (
        what,
        row,
        uid,
        str(files(lake)[1].relative_to(Path(lake.where) / "api_activity")),
    )


def test_one_changed_byte_is_found_wherever_it_is(lake: Lake) -> None:
    """In a page, in the footer, in a statistic: never does a file pass that is not as it was written."""
    path = files(filled(lake, 1, 200))[0]
    whole = path.read_bytes()
    for at in range(4, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        assert not checked(lake).holds, at
    path.write_bytes(whole)
    assert checked(lake).holds


def test_a_file_that_is_gone_is_named(lake: Lake) -> None:
    """With the number of its rows."""
    path = files(filled(lake))[0]
    path.unlink()
    [broken] = checked(lake).breaks
    assert (broken.what, broken.row) == ("removed", 1)
    assert "10 rows" in broken.text


def test_compaction_keeps_the_proof(lake: Lake) -> None:
    """The rows of the new file are compared with those that were committed one by one."""
    filled(lake)
    lake.compact("api_activity")
    lake.vacuum("api_activity", 0)
    assert (checked(lake).holds, checked(lake).rows) == (True, 20)
    rewritten(files(lake)[0], renamed(12))
    [broken] = checked(lake).breaks
    assert (broken.what, broken.row, broken.uid) == ("altered", 13, "e12")


@pytest.mark.parametrize(
    ("change", "what"), [(renamed(2), "altered"), (without(2), "removed"), (with_copy(2), "inserted")]
)
def test_compaction_does_not_launder(lake: Lake, change: Callable[[pa.Table], pa.Table], what: str) -> None:
    """What was altered before a compaction shows after it, though the new file is just what the compaction wrote."""
    filled(lake)
    rewritten(files(lake)[0], change)
    lake.compact("api_activity")
    lake.vacuum("api_activity", 0)
    assert [broken.what for broken in checked(lake).breaks] == [what]


def test_columns_that_came_later_change_no_row(lake: Lake) -> None:
    """A row is what it holds: nulls of new columns and of new parts of a struct count for nothing."""
    filled(lake, 1)
    run(
        lake, txn(1), {"api_activity": rows({"metadata": {"uid": "x", "version": "1"}, "colour": "red", "tags": ["a"]})}
    )
    lake.compact("api_activity")
    assert (checked(lake).holds, checked(lake).rows) == (True, 11)


def test_retention_is_no_loss(lake: Lake) -> None:
    """The chain says that the day was taken out; what is left is checked as before."""
    run(lake, txn(0), {"api_activity": pa.concat_tables([events(0, 5, day=300), events(5, 5)])})
    before = dt.datetime.fromtimestamp(NOW / 1000, dt.UTC).date() - dt.timedelta(days=90)
    retain(lake.writer, lake.checkpoints, "api_activity", before, NOW)
    lake.seal("api_activity")
    assert (checked(lake).holds, checked(lake).rows) == (True, 5)
    rewritten(files(lake)[0], renamed(1))
    assert [broken.uid for broken in checked(lake).breaks] == ["e6"]


def test_vacuum_forgets_the_digests_of_rows_that_are_gone(lake: Lake) -> None:
    """Those of a day that was taken out go; those of compacted files are what their rows are compared with."""
    run(lake, txn(0), {"api_activity": pa.concat_tables([events(0, 5, day=300), events(5, 5)])})
    run(lake, txn(1), {"api_activity": events(10, 5)})
    before = dt.datetime.fromtimestamp(NOW / 1000, dt.UTC).date() - dt.timedelta(days=90)
    retain(lake.writer, lake.checkpoints, "api_activity", before, NOW)
    lake.compact("api_activity")
    digests = Path(lake.where, "_integrity", "api_activity", "rows")
    assert len(list(digests.rglob("*.rows"))) == 3
    lake.vacuum("api_activity", 0)
    assert len(list(digests.rglob("*.rows"))) == 2
    assert (checked(lake).holds, checked(lake).rows) == (True, 10)
    lake.vacuum("api_activity", 0)
    assert len(list(digests.rglob("*.rows"))) == 2


def test_rows_that_leave_the_quarantine_are_known(lake: Lake) -> None:
    """A replay rewrites a file without them; others may not leave with them."""
    quarantined = rows(*({"record_uid": f"r{i}", "raw": f"line {i}"} for i in range(5)))
    run(lake, txn(0), {"_quarantine": quarantined})
    run(lake, txn(1), {}, ["r1", "r3"])
    [found] = Lake(lake.where).integrity()
    assert (found.holds, found.rows) == (True, 3)
    [path] = [
        Path(lake.where) / "_quarantine" / path
        for path in pa.table(DeltaTable(f"{lake.where}/_quarantine").get_add_actions())["path"].to_pylist()
    ]
    rewritten(path, without(0))
    assert [broken.what for broken in Lake(lake.where).integrity()[0].breaks] == ["removed"]


def test_a_commit_of_another_program_shows(lake: Lake) -> None:
    """Whoever adds rows with a Delta client of his own is found out by the commit."""
    filled(lake)
    schema = DeltaTable(f"{lake.where}/api_activity").schema()
    table = pa.table(lake.sql("select * from api_activity limit 1")).cast(pa.schema(schema.to_arrow()))
    write_deltalake(f"{lake.where}/api_activity", table, mode="append")
    [broken] = checked(lake).breaks
    assert broken.what == "inserted"
    assert "another program, put in a file of 1 rows" in broken.text
    DeltaTable(f"{lake.where}/api_activity").delete("name = 'name 3'")
    assert "removed" in {broken.what for broken in checked(lake).breaks}


def test_what_was_there_before_is_not_called_altered(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that were written with attestation switched off are counted as what they are."""
    monkeypatch.setenv("OCSF_PIPE_INTEGRITY", "off")
    run(lake, txn(0), {"api_activity": events(0, 5)})
    monkeypatch.delenv("OCSF_PIPE_INTEGRITY")
    other = Lake(lake.where)
    run(other, txn(1), {"api_activity": events(5, 5)})
    assert (checked(lake).holds, checked(lake).rows, checked(lake).unattested) == (True, 5, 5)


def test_without_row_digests_the_file_is_named(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The level `files` costs next to nothing and tells no row."""
    monkeypatch.setenv("OCSF_PIPE_INTEGRITY", "files")
    filled(lake, 1)
    assert (checked(lake).holds, checked(lake).rows) == (True, 10)
    rewritten(files(lake)[0], renamed(2))
    [broken] = checked(lake).breaks
    assert (broken.what, broken.row, broken.file) == (
        "altered",
        None,
        files(lake)[0].relative_to(Path(lake.where) / "api_activity").as_posix(),
    )


def test_the_log_may_not_be_shortened(lake: Lake) -> None:
    """Commits that are bound and no longer in the table's log were taken away."""
    filled(lake, 3)
    lake.seal("api_activity")
    max(Path(lake.where, "api_activity", "_delta_log").glob("*.json")).unlink()
    found = checked(lake)
    assert any("are gone from the table's log" in broken.text for broken in found.breaks)
    assert any(broken.what == "removed" and broken.row == 1 for broken in found.breaks)


def test_the_chain_may_not_be_altered(lake: Lake) -> None:
    """A link that was changed, and one that is missing, are told."""
    for n in range(3):
        run(lake, txn(n), {"api_activity": events(n * 10, 10)})
        lake.seal("api_activity")
    links = sorted(Path(lake.where, "_integrity", "api_activity", "chain").glob("*.json"))
    assert len(links) == 3
    text = links[1].read_text()
    links[1].write_text(text.replace('"rows":10', '"rows":9'))
    assert any("link 1 of the chain was altered" in broken.text for broken in checked(lake).breaks)
    links[1].unlink()
    assert any("links 1 to 1 of the chain are gone" in broken.text for broken in checked(lake).breaks)


def test_every_day_has_a_chain_of_its_own(lake: Lake) -> None:
    """A day's head says nothing of other days, so it can be given to somebody who may not see them."""
    run(lake, txn(0), {"api_activity": pa.concat_tables([events(0, 5, day=1), events(5, 5)])})
    run(lake, txn(1), {"api_activity": events(10, 5)})
    tip = lake.seal("api_activity")
    other = Lake(f"{lake.where}-other", create=True)
    run(other, txn(0), {"api_activity": events(0, 5, day=1)})
    assert tip is not None
    assert len(tip.days) == 2
    assert len(set(tip.days.values())) == 2


def test_two_processes_seal_one_chain(lake: Lake) -> None:
    """They take turns as it comes; no commit is bound twice, none is left out."""
    ones = [Lake(lake.where), Lake(lake.where)]
    for n in range(6):
        run(ones[n % 2], txn(n), {"api_activity": events(n * 10, 10)})
        ones[n % 2].seal("api_activity")
    assert (checked(lake).holds, checked(lake).rows, checked(lake).number) == (True, 60, 5)


def test_old_links_are_packed_and_read_as_before(lake: Lake) -> None:
    """A table that lives long has few files in its chain; a new process finds the end at once."""
    run(lake, txn(0), {"api_activity": events(0, 3, day=2)})
    for n in range(1, PACK + 3):
        run(lake, txn(n), {"api_activity": events(n, 1)})
        lake.seal("api_activity")
    names = [path.name for path in sorted(Path(lake.where, "_integrity", "api_activity", "chain").iterdir())]
    assert names[-1] == f"pack-{PACK - 1:012d}.jsonl"
    assert len(names) == 4
    found = checked(lake)
    assert (found.holds, found.number) == (True, PACK + 2)
    again = Chain(lake.store, "api_activity").seal(-1)
    assert (again.number, len(again.days)) == (PACK + 2, 2)


def test_an_anchor_shows_a_chain_that_was_made_anew(lake: Lake, tmp_path: Path) -> None:
    """The head outside is of a chain that is no longer there, whoever wrote the new one and however well."""
    filled(lake)
    tip = lake.seal("api_activity")
    assert tip is not None
    anchors = {"api_activity": {"number": tip.number, "head": tip.head}}
    assert all(one.holds for one in Lake(lake.where).integrity(anchors))
    other = filled(Lake(tmp_path / "other", create=True), 3)
    assert not all(one.holds for one in other.integrity(anchors))
    empty = Lake(tmp_path / "empty", create=True)
    assert [one.holds for one in empty.integrity(anchors)] == [False]


def test_the_proof_of_a_row_needs_the_digests_as_they_were(lake: Lake) -> None:
    """Whoever alters a row and its digest alters what the commit has of the digests."""
    filled(lake, 1)
    rewritten(files(lake)[0], renamed(2))
    [place] = Path(lake.where, "_integrity", "api_activity", "rows").rglob("*.rows")
    place.write_bytes(place.read_bytes()[:32] + b"x" * 16 + place.read_bytes()[48:])
    [broken] = checked(lake).breaks
    assert "were altered" in broken.text


def test_a_failed_commit_leaves_no_digests(lake: Lake) -> None:
    """Every file of digests belongs to a file of the table."""
    filled(lake)
    run(lake, txn(2), {"api_activity": events(20, 10)})
    digests = [json.dumps(path.stem) for path in Path(lake.where, "_integrity", "api_activity", "rows").rglob("*.rows")]
    assert sorted(digests) == sorted(json.dumps(path.stem) for path in files(lake))
    assert pc.sum(lake.sql("select count(*) as n from api_activity")["n"]).as_py() == 30
