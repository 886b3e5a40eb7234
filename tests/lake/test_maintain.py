"""Upkeep changes files, never rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake.exceptions import CommitFailedError

from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake import Lake, maintain
from ocsf_pipe.lake.write import append
from tests.lake.parts import DAY, NOW, held, rows, run, txn, uids


def _timed(name: str, time: int) -> pa.Table:
    return rows({"record_uid": name, "time": time})


def test_compaction_makes_one_sorted_file_a_day(lake: Lake) -> None:
    """Rows of a day end up in one file, by time; a second compaction finds nothing to do."""
    for number in range(6):
        lake.commit(txn(number), {"a": _timed(str(number), NOW - number - DAY * (number % 2))})
    assert lake.compact("a") == maintain.Compaction(removed=6, added=2)
    assert lake.compact("a") == maintain.Compaction(0, 0)
    assert held(lake, "a") == list("012345")
    for file in lake.writer.table("a").file_uris():
        times = pq.read_table(file, columns=["time"], partitioning=None)["time"].to_pylist()
        assert len(times) == 3
        assert times == sorted(times)


def test_a_reader_of_the_old_files_is_not_disturbed_until_vacuum(lake: Lake) -> None:
    """Compaction leaves the files that it replaces; vacuum removes those and no others."""
    for number in range(3):
        lake.commit(txn(number), {"a": uids(str(number))})
    connection = lake.connect()
    lake.compact("a")
    assert connection.sql("select count(*) from a").fetchall() == [(3,)]
    assert lake.vacuum("a", hours=24) == []
    assert len(lake.vacuum("a", hours=0)) == 3
    assert len(list(Path(lake.where, "a").rglob("*.parquet"))) == 1
    assert held(lake, "a") == ["0", "1", "2"]


def test_two_compactions_cannot_both_win(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is refused and its file is gone: rows are neither doubled nor lost."""
    for number in range(3):
        lake.commit(txn(number), {"a": uids(str(number))})
    other = Lake(lake.where)

    def after_another(*arguments: object) -> None:
        monkeypatch.setattr(maintain, "append", append)
        other.compact("a")
        append(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(maintain, "append", after_another)
    with pytest.raises(LakeError, match="another rewrite of `a` is at work"):
        lake.compact("a")
    assert held(lake, "a") == ["0", "1", "2"]
    assert len(list(Path(lake.where, "a").rglob("*.parquet"))) == 4


def test_an_append_and_a_compaction_both_win(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that arrive while files are rewritten are kept."""
    for number in range(3):
        lake.commit(txn(number), {"a": uids(str(number))})

    def after_a_batch(*arguments: object) -> None:
        Lake(lake.where).commit(txn(3), {"a": uids("3")})
        append(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(maintain, "append", after_a_batch)
    lake.compact("a")
    assert held(lake, "a") == ["0", "1", "2", "3"]


def test_verify_counts_what_batches_wrote(lake: Lake) -> None:
    """Through compaction and vacuum; a half-done batch is told apart from a fault."""
    for number in range(5):
        run(lake, txn(number), {"a": uids("x", "y"), "b": uids("z")})
    lake.compact("a")
    lake.vacuum("a", hours=0)
    assert lake.verify() == [maintain.Verdict("a", 10, 10, pending=False), maintain.Verdict("b", 5, 5, pending=False)]
    half = txn(5)
    lake.begin(half)
    lake.commit(half, {"a": uids("x")})
    [a, b] = lake.verify()
    assert (a.pending, a.found, a.holds) == (True, 11, True)
    assert (b.pending, b.holds) == (False, True)


def test_verify_finds_rows_that_no_batch_wrote(lake: Lake) -> None:
    """And rows that are gone."""
    run(lake, txn(0), {"a": uids("x"), "b": uids("y")})
    lake.commit(txn(9, partition="stray"), {"a": uids("z")})
    lake.commit(txn(0, pipeline="r"), {}, replayed=None)
    verdicts = {verdict.table: verdict for verdict in lake.verify()}
    assert not verdicts["a"].holds
    assert verdicts["b"].holds
    lake.checkpoints.begin(txn(1))
    lake.finish(txn(1), {"tables": {"b": 1}})
    verdicts = {verdict.table: verdict for verdict in lake.verify()}
    assert (verdicts["b"].expected, verdicts["b"].found, verdicts["b"].holds) == (2, 1, False)


def test_stats_read_the_log(lake: Lake) -> None:
    """Rows, files, days and the span of time."""
    lake.commit(txn(0), {"a": pa.table({"time": [NOW, NOW - DAY, NOW - DAY]})})
    [stats] = lake.stats()
    assert (stats.table, stats.rows, stats.files, stats.days) == ("a", 3, 2, 2)
    assert (stats.first, stats.last) == (NOW - DAY, NOW)
    assert stats.size > 0


def test_a_compaction_whose_answer_is_lost_keeps_its_file(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit arrived, its answer did not, and the second try was refused for the sake of the first."""
    for number in range(3):
        lake.commit(txn(number), {"a": uids(str(number))})

    def unanswered(*args: Any) -> None:
        append(*args)
        raise CommitFailedError("Concurrent transaction failed.")

    monkeypatch.setattr(maintain, "append", unanswered)
    assert lake.compact("a") == maintain.Compaction(removed=3, added=1)
    assert held(lake, "a") == list("012")
    assert held(Lake(lake.where), "a") == list("012")
