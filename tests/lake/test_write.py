"""Batches reach their tables once, whatever their shape and wherever the process dies."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ocsf_pipe.errors import FencedError, LakeError
from ocsf_pipe.lake import Lake, Txn, write
from ocsf_pipe.lake.store import LocalStore
from tests.lake.parts import DAY, NOW, held, rows, run, txn, uids


def another_comes_first(monkeypatch: pytest.MonkeyPatch, lake: Lake, batch: Txn, name: str) -> None:
    """Let another worker bring a batch to table `a` just before the next commit, which has looked already."""

    def after_another(*arguments: object) -> None:
        monkeypatch.setattr(write, "append", write_append)
        Lake(lake.where).commit(batch, {"a": uids(name)})
        write_append(*arguments)  # type: ignore[arg-type]

    write_append = write.append
    monkeypatch.setattr(write, "append", after_another)


def test_a_batch_is_committed_once(lake: Lake) -> None:
    """A second commit of the batch, and one of an earlier batch, change nothing and report the same rows."""
    batch = txn(1)
    assert lake.commit(batch, {"authentication": uids("a", "b")}) == {"authentication": 2}
    assert lake.commit(batch, {"authentication": uids("a", "b")}) == {"authentication": 2}
    lake.commit(txn(0), {"authentication": uids("z")})
    assert held(lake, "authentication") == ["a", "b"]
    assert lake.holds(batch) == ["authentication"]
    assert lake.holds(txn(2)) == []


def test_partitions_do_not_hide_each_other(lake: Lake) -> None:
    """The same number of another partition, or of another pipeline, is another batch."""
    lake.commit(txn(0), {"authentication": uids("a")})
    lake.commit(txn(0, partition="1"), {"authentication": uids("b")})
    lake.commit(txn(0, pipeline="q"), {"authentication": uids("c")})
    assert held(lake, "authentication") == ["a", "b", "c"]


def test_an_empty_table_is_not_made(lake: Lake) -> None:
    """No rows, no table, no commit."""
    assert lake.commit(txn(0), {"authentication": uids("a").slice(1)}) == {"authentication": 0}
    assert lake.tables() == []


@pytest.mark.parametrize("name", ["../x", "A", "", "a b", '"'])
def test_a_name_that_is_no_table_is_refused(lake: Lake, name: str) -> None:
    """A table's name becomes a folder."""
    with pytest.raises(LakeError, match="no name of a table"):
        lake.commit(txn(0), {name: uids("a")})


def test_rows_are_filed_by_the_day_of_their_time(lake: Lake) -> None:
    """A time too old, too new or missing goes to the day of arrival and is counted; the window's edges are inside."""
    start = NOW // DAY * DAY
    times = [NOW, NOW - DAY, start + 3 * DAY - 1, start + 3 * DAY, start - 3653 * DAY, start - 3653 * DAY - 1, None]
    times += [-11_644_473_600_000, 253_402_300_799_000]  # 1601 and 9999
    table = pa.table({"time": pa.array(times, pa.int64())})
    commits = lake.commit(txn(0), {"authentication": table})
    assert commits.implausible == 5
    found = lake.sql("select time, event_day from authentication").to_pylist()
    arrival = dt.date(2026, 2, 2)
    days = {row["time"]: row["event_day"] for row in found}
    assert [days[time] for time in times] == [
        arrival,
        dt.date(2026, 2, 1),
        dt.date(2026, 2, 4),
        arrival,
        dt.date(2016, 2, 2),
        *[arrival] * 4,
    ]


def test_a_row_keeps_its_fields_when_rows_are_cut_by_day(lake: Lake) -> None:
    """Days out of order in the batch, nested values."""
    given = [{"time": NOW - (i * 7 % 5) * DAY, "record_uid": str(i), "a": {"l": [{"i": i}]}} for i in range(50)]
    lake.commit(txn(0), {"authentication": rows(*given)})
    found = lake.sql("select time, record_uid, a from authentication order by record_uid::int").to_pylist()
    assert found == given


FIRST = {"actor": {"user": {"name": "ann"}}, "obs": [{"name": "x"}]}
SHAPES: dict[str, Any] = {
    "missing": {"severity_id": 1},
    "new": {**FIRST, "device": {"ip": "10.0.0.1"}},
    "reordered": {
        "obs": [{"type_id": 2, "name": "y"}],
        "actor": {"session": {"uid": "1"}, "user": {"uid": "7", "name": "b"}},
    },
    "disjoint": {"actor": {"process": {"pid": 4}}, "obs": [{"type_id": 2}]},
    "null struct": {"actor": None, "obs": [None, {"name": "z"}]},
    "deep": {"actor": {"user": {"groups": [{"name": "g", "roles": [{"uid": 1}]}]}}},
}


@pytest.mark.parametrize("shape", list(SHAPES))
@pytest.mark.parametrize("compacted", [False, True])
def test_shapes_merge_in_both_orders(lake: Lake, shape: str, *, compacted: bool) -> None:
    """Every value is read back by SQL and by Polars, before and after a compaction; what a row did not have is null."""
    given = [FIRST, SHAPES[shape], FIRST]
    for number, row in enumerate(given):
        lake.commit(txn(number), {"authentication": rows({"n": number, **row})})
    if compacted:
        assert lake.compact("authentication").removed == 3
    for found in (
        lake.sql("select * from authentication order by n").to_pylist(),
        lake.scan("authentication").sort("n").collect().to_dicts(),
    ):
        assert [_without_nulls(row) for row in found] == [_without_nulls({"n": n, **r}) for n, r in enumerate(given)]


def test_a_field_that_old_files_lack_is_read_as_null(lake: Lake) -> None:
    """Field access into the struct, which DuckDB pushes into the scan."""
    lake.commit(txn(0), {"authentication": rows(FIRST)})
    lake.commit(txn(1), {"authentication": rows({"actor": {"session": {"uid": "s"}}})})
    query = "select actor.session.uid u, actor.user.name n from authentication order by u"
    assert lake.sql(query).to_pylist() == [{"u": "s", "n": None}, {"u": None, "n": "ann"}]


def test_narrow_types_are_widened(lake: Lake) -> None:
    """An int32 and an int64 of the same column, short and large text, meet in one table."""
    lake.commit(txn(0), {"a": pa.table({"time": [NOW], "n": pa.array([1], pa.int32()), "s": pa.array(["x"])})})
    big = pa.table({"time": [NOW], "n": pa.array([2**60]), "s": pa.array(["y"], pa.large_string())})
    lake.commit(txn(1), {"a": big})
    assert lake.sql("select n, s from a order by n").to_pylist() == [{"n": 1, "s": "x"}, {"n": 2**60, "s": "y"}]


def test_a_column_of_another_type_is_refused(lake: Lake) -> None:
    """Before anything is written, with the path of the column."""
    lake.commit(txn(0), {"a": rows({"actor": {"uid": "x"}})})
    with pytest.raises(LakeError, match=r"`actor\.uid` is int64 in this batch and large_string in the table"):
        lake.commit(txn(1), {"a": rows({"actor": {"uid": 1}})})
    assert lake.stats()[0].rows == 1


def test_two_open_lakes_write_the_same_table(lake: Lake) -> None:
    """Each sees the other's commits, columns and batch numbers."""
    other = Lake(lake.where)
    lake.commit(txn(0), {"a": uids("a")})
    other.commit(txn(0, partition="1"), {"a": rows({"record_uid": "b", "more": 1})})
    lake.commit(txn(1), {"a": uids("c")})
    other.commit(txn(1), {"a": uids("c")})
    assert held(lake, "a") == ["a", "b", "c"]


def test_statistics_let_readers_skip_files(lake: Lake) -> None:
    """The log knows the rows and the span of time of every file."""
    lake.commit(txn(0), {"a": pa.table({"time": [NOW + 5, NOW, None]})})
    log = Path(lake.where, "a/_delta_log")
    added = [
        json.loads(line)["add"]
        for file in log.glob("*.json")
        for line in file.read_text().splitlines()
        if '"add"' in line
    ]
    stats = json.loads(added[0]["stats"])
    assert stats == {
        "numRecords": 3,
        "nullCount": {"time": 1},
        "minValues": {"time": NOW},
        "maxValues": {"time": NOW + 5},
    }


# ------------------------------------------------------------------ batches of several partitions


def test_a_round_is_one_commit_for_each_table(lake: Lake) -> None:
    """Its batches have their own columns and days; a second time changes nothing, and each partition has its number."""
    batches = [
        (txn(0), {"a": rows({"record_uid": "a", "x": 1}), "b": uids("d")}),
        (txn(3, partition="1"), {"a": rows({"record_uid": "b", "y": "t"}, {"record_uid": "c", "time": NOW - DAY})}),
        (txn(5, partition="2"), {"a": uids("z").slice(1)}),
    ]
    for _ in range(2):
        lake.commit_round(batches)
        assert held(lake, "a") == ["a", "b", "c"]
        assert held(lake, "b") == ["d"]
        assert len(list(Path(lake.where, "a").rglob("*.parquet"))) == 2
    assert lake.holds(txn(0)) == ["a", "b"]
    assert lake.holds(txn(3, partition="1")) == ["a"], "only where it has rows"
    assert lake.holds(txn(5, partition="2")) == []


def test_a_round_of_which_another_has_brought_a_part_gives_way(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it has written anything or behind that: its rows are not in the table, and its files are gone."""
    one, two = txn(0), txn(0, partition="1")
    both = [(one, {"a": uids("x")}), (two, {"a": uids("y")})]

    another_comes_first(monkeypatch, lake, one, "x")
    for _ in range(2):
        with pytest.raises(FencedError, match="1 of 2 batches"):
            lake.commit_round(both)
        assert held(lake, "a") == ["x"]
        assert len(list(Path(lake.where, "a").rglob("*.parquet"))) == 1
    lake.commit(two, {"a": uids("y")})
    assert held(lake, "a") == ["x", "y"]


def test_a_round_that_another_has_brought_one_by_one_is_done(lake: Lake) -> None:
    """Whoever brought the batches, they are there."""
    both = [(txn(0), {"a": uids("x")}), (txn(0, partition="1"), {"a": uids("y")})]
    for one, tables in both:
        lake.commit(one, tables)
    lake.commit_round(both)
    assert held(lake, "a") == ["x", "y"]


# ------------------------------------------------------------------ replay and death


def test_a_replay_moves_rows(lake: Lake) -> None:
    """What was replayed leaves the quarantine, what fails anew stays there once with its new reason."""
    run(lake, txn(0), {"_quarantine": rows(*({"record_uid": u, "reason": "old"} for u in "abc"))})
    run(lake, txn(1), {"_quarantine": uids("d")})
    again = rows({"record_uid": "b", "reason": "new"})
    run(lake, txn(0, pipeline="replay"), {"a": uids("a"), "_quarantine": again}, replayed=["a", "b"])
    assert held(lake, "a") == ["a"]
    found = lake.sql("select record_uid u, reason r from _quarantine order by u").to_pylist()
    assert found == [{"u": "b", "r": "new"}, {"u": "c", "r": "old"}, {"u": "d", "r": None}]
    assert all(verdict.holds for verdict in lake.verify())


def test_a_replay_of_rows_that_are_gone_is_still_a_batch(lake: Lake) -> None:
    """Somebody else took them out: nothing is removed, and the batch counts as committed."""
    run(lake, txn(0), {"_quarantine": uids("a")})
    batch = txn(0, pipeline="replay")
    lake.commit(batch, {}, replayed=pa.array(["gone"]))
    assert lake.holds(batch) == ["_quarantine"]
    assert held(lake, "_quarantine") == ["a"]


def test_the_same_batch_from_two_workers_arrives_once(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other commits it after this one has looked: this one's commit is refused and its files are gone."""
    lake.commit(txn(0), {"a": uids("x")})
    batch = txn(1)

    another_comes_first(monkeypatch, lake, batch, "y")
    assert lake.commit(batch, {"a": uids("y")}) == {"a": 1}
    assert held(lake, "a") == ["x", "y"]
    assert len(list(Path(lake.where, "a").rglob("*.parquet"))) == 2


def test_a_commit_that_arrived_without_an_answer_is_not_repeated(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table itself says whether it has the batch."""

    def lose_the_answer(*arguments: object) -> None:
        write_append(*arguments)  # type: ignore[arg-type]
        raise OSError("timed out")

    write_append = write.append
    monkeypatch.setattr(write, "append", lose_the_answer)
    lake.commit(txn(0), {"a": uids("x")})
    assert held(lake, "a") == ["x"]


class _Dying(LocalStore):
    """A folder whose owner is killed at the given operation."""

    __slots__ = ()
    left = 0

    def _step(self) -> None:
        type(self).left -= 1
        if type(self).left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def put_new(self, path: str, data: bytes) -> bool:
        """Die before the write, or after it."""
        self._step()
        done = LocalStore.put_new(self, path, data)
        self._step()
        return done

    def writer(self, path: str) -> Any:
        """Die before a file is written."""
        self._step()
        return LocalStore.writer(self, path)

    def settle(self, path: str) -> None:
        """Die after a commit."""
        self._step()
        LocalStore.settle(self, path)

    def delete(self, path: str) -> None:
        """Die before a file is removed."""
        self._step()
        LocalStore.delete(self, path)


def _batch(where: str) -> None:
    """Resume and do the one batch of a partition: two classes and a quarantined row."""
    lake = Lake(where)
    state = lake.resume("p", "okta", "0")
    if state.next_batch == 0:
        tables = {"a": uids("a", "b"), "b": uids("c"), "_quarantine": uids("q")}
        run(lake, state.pending or txn(0), tables)


def _replay(where: str) -> None:
    """Resume and do the one replay: a quarantined row becomes an event of each of two classes."""
    lake = Lake(where)
    state = lake.resume("replay", "okta", "0")
    if state.next_batch == 0:
        run(lake, state.pending or txn(0, pipeline="replay"), {"a": uids("q"), "b": uids("q")}, replayed=["q"])


def _compact(where: str) -> None:
    """Compact both classes and the quarantine."""
    for table in ("_quarantine", "a", "b"):
        Lake(where).compact(table)


def _doomed(work: Callable[[str], None], where: str, steps: int) -> None:
    _Dying.left = steps
    Lake.store = property(lambda lake: _Dying(Path(lake.where)))  # type: ignore[assignment,method-assign]
    work(where)


def _die(work: Callable[[str], None], where: str, steps: int) -> bool:
    """Run the work in another process that is killed after so many steps; True when it was, not when it ended."""
    child = multiprocessing.get_context("spawn").Process(target=_doomed, args=(work, where, steps))
    child.start()
    child.join(60)
    assert child.exitcode in {0, -signal.SIGKILL}
    return child.exitcode != 0


@pytest.mark.heavy
@pytest.mark.parametrize("work", [_batch, _replay, _compact])
def test_a_kill_at_any_step_neither_loses_nor_doubles(tmp_path: Path, work: Callable[[str], None]) -> None:
    """Killed at each step in turn, and the recovery one step further: the rows are as if nothing had happened."""
    step, killed = 0, True
    while killed:
        lake = Lake(tmp_path / str(step), create=True)
        if work is not _batch:
            _batch(lake.where)
            run(lake, txn(1), {"a": uids("e"), "b": uids("f"), "_quarantine": uids("r")})
        killed = _die(work, lake.where, step)
        _die(work, lake.where, step + 1)
        work(lake.where)
        more, left = ([], []) if work is _batch else (["e"], ["r"])
        moved = ["q"] if work is _replay else []
        assert held(lake, "a") == sorted(["a", "b", *more, *moved])
        assert held(lake, "b") == sorted(["c", *(["f"] if more else []), *moved])
        assert held(lake, "_quarantine") == sorted([*([] if moved else ["q"]), *left])
        assert [verdict for verdict in lake.verify() if not verdict.holds] == []
        step += 1
    assert step > 5


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {k: _without_nulls(v) for k, v in value.items() if k not in {"time", "event_day"}}
        return {k: v for k, v in kept.items() if v is not None} or None
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value
