"""Retention takes days out, and the account still adds up, wherever it dies."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake import Lake, retain, write
from ocsf_pipe.lake.retain import Retention
from tests.lake.parts import DAY, NOW, held, rows, run, txn
from tests.run.crash import died

TODAY = dt.datetime.fromtimestamp(NOW / 1000, dt.UTC).date()


def filled(lake: Lake) -> None:
    """One row a day for six days, each in a batch of its own."""
    for number in range(6):
        run(lake, txn(number), {"a": rows({"record_uid": str(number), "time": NOW - number * DAY})})


def retained(lake: Lake, days: int) -> Retention:
    """Keep so many days before the day of these rows."""
    return retain.retain(lake.writer, lake.checkpoints, "a", TODAY - dt.timedelta(days=days), NOW)


def test_days_that_are_over_leave_the_table(lake: Lake) -> None:
    """Rows before the day are gone for readers; nothing is left to do the second time; verify holds."""
    filled(lake)
    assert retained(lake, 2) == Retention(files=3, rows=3)
    assert held(lake, "a") == ["0", "1", "2"]
    assert retained(lake, 2) == Retention(0, 0)
    assert all(one.holds for one in lake.verify())
    assert len(list(Path(lake.where, "a").rglob("*.parquet"))) == 6
    lake.vacuum("a", hours=0)
    assert len(list(Path(lake.where, "a").rglob("*.parquet"))) == 3


def test_a_crash_leaves_an_account_that_adds_up(tmp_path: Path) -> None:
    """Dead before or behind each change; the next retention ends what was begun."""

    def begun(name: str) -> Lake:
        lake = Lake(tmp_path / name, create=True)
        filled(lake)
        return lake

    whole = begun("whole")
    steps = died(lambda: retained(whole, 2), None)
    assert steps
    for cut in range(steps):
        lake = begun(str(cut))
        assert died(lambda lake=lake: retained(lake, 2), cut) is None  # type: ignore[misc]
        later = Lake(lake.where)
        assert all(one.holds for one in later.verify()), cut
        retained(later, 2)
        assert held(later, "a") == ["0", "1", "2"]
        assert [one for one in later.verify() if not one.holds] == [], cut
        run(later, txn(6), {"a": rows({"record_uid": "6", "time": NOW})})
        assert all(one.holds for one in later.verify())


def test_two_rewrites_do_not_both_win(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compaction that comes between is told, and no row is lost or back."""
    filled(lake)
    run(lake, txn(6), {"a": rows({"record_uid": "6", "time": NOW})})
    other = Lake(lake.where)
    append = write.append

    def after_another(*arguments: object) -> None:
        other.compact("a")
        append(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(retain, "append", after_another)
    with pytest.raises(LakeError, match="another rewrite of `a` is at work"):
        retained(lake, 2)
    monkeypatch.setattr(retain, "append", write.append)
    assert retained(lake, 2).rows == 3
    assert held(lake, "a") == ["0", "1", "2", "6"]
    assert all(one.holds for one in lake.verify())


def test_a_retention_that_another_ended_takes_nothing_out(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sleeps between its intent and its commit; the next ends its batch as nothing, and so it comes to nothing."""
    filled(lake)
    other = Lake(lake.where)

    def slow(*args: Any) -> None:
        monkeypatch.setattr(retain, "append", write.append)
        assert retained(other, 2) == Retention(files=3, rows=3)
        write.append(*args)

    monkeypatch.setattr(retain, "append", slow)
    with pytest.raises(LakeError, match="another rewrite"):
        retained(lake, 2)
    assert held(lake, "a") == ["0", "1", "2"]
    assert [one for one in lake.verify() if not one.holds] == []
    assert retained(lake, 1) == Retention(files=1, rows=1)
    assert [one for one in lake.verify() if not one.holds] == []


def test_a_retention_that_only_its_intent_saw_is_ended_before_it_wakes(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one finds nothing to take out any more; the sleeper's commit is refused although it names its batch."""
    filled(lake)
    other = Lake(lake.where)

    def slow(*args: Any) -> None:
        monkeypatch.setattr(retain, "append", write.append)
        assert retained(other, 100) == Retention(0, 0)
        write.append(*args)

    monkeypatch.setattr(retain, "append", slow)
    with pytest.raises(LakeError, match="another rewrite"):
        retained(lake, 2)
    assert held(lake, "a") == list("012345")
    assert [one for one in lake.verify() if not one.holds] == []
