"""The write-ahead log: one owner a batch, no gap, nothing forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest
from obstore.store import MemoryStore

from ocsf_pipe.errors import FencedError, LakeError
from ocsf_pipe.lake import Lake, State, Txn
from ocsf_pipe.lake.checkpoint import Checkpoints
from ocsf_pipe.lake.store import LocalStore, ObjectStore
from ocsf_pipe.lake.txn import app_id
from tests.lake.parts import txn


@pytest.fixture(params=["folder", "object store"])
def checkpoints(request: pytest.FixtureRequest, lake: Lake) -> Checkpoints:
    """Return an empty log on each kind of store."""
    return lake.checkpoints if request.param == "folder" else Checkpoints(ObjectStore(MemoryStore()))


def test_a_new_partition_starts_at_nothing(checkpoints: Checkpoints) -> None:
    """Batch 0, offset 0, nothing pending."""
    assert checkpoints.resume("p", "okta", "0") == State(0, 0)


def test_an_intent_without_an_end_is_pending(checkpoints: Checkpoints) -> None:
    """It comes back as it was written, and may be begun again by whoever resumes it."""
    batch = txn(0)
    checkpoints.begin(batch)
    state = checkpoints.resume("p", "okta", "0")
    assert state == State(0, 0, batch)
    assert state.pending is not None
    checkpoints.begin(state.pending)


def test_a_finished_batch_is_followed_by_the_next(checkpoints: Checkpoints) -> None:
    """The offset is the end of the finished range."""
    checkpoints.begin(txn(0))
    checkpoints.finish(txn(0), {"records": 10})
    assert checkpoints.resume("p", "okta", "0") == State(1, 10)


def test_the_second_worker_is_fenced(checkpoints: Checkpoints) -> None:
    """Even when it read the same range by the same plan at the same time."""
    first = txn(0)
    checkpoints.begin(first)
    with pytest.raises(FencedError, match="another worker has batch 0"):
        checkpoints.begin(replace(first, nonce="other"))
    assert checkpoints.resume("p", "okta", "0").pending == first


def test_a_worker_that_slept_is_fenced_after_its_number_was_pruned(checkpoints: Checkpoints) -> None:
    """The place of its intent is free again, yet it may not begin, and leaves nothing behind."""
    for number in range(8):
        checkpoints.begin(txn(number))
        checkpoints.finish(txn(number), {})
    assert checkpoints.store.get(f"_checkpoints/p/okta/0/{1:012d}.json") is None
    with pytest.raises(FencedError):
        checkpoints.begin(txn(1))
    assert checkpoints.resume("p", "okta", "0") == State(8, 80)


def test_an_intent_whose_answer_is_lost_is_read_back(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was written, so the batch is begun; had it not been, the failure would be told."""
    put_new = LocalStore.put_new

    def lose_the_answer(store: LocalStore, path: str, data: bytes) -> bool:
        put_new(store, path, data)
        raise OSError("timed out")

    monkeypatch.setattr(LocalStore, "put_new", lose_the_answer)
    batch = txn(0)
    lake.begin(batch)
    assert lake.resume("p", "okta", "0").pending == batch
    monkeypatch.setattr(LocalStore, "put_new", lambda *_: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        lake.begin(txn(0, partition="1"))


def test_a_gap_is_refused(checkpoints: Checkpoints) -> None:
    """A batch begins only when the one before is finished."""
    with pytest.raises(LakeError, match="batch 2 of `p/okta/0` is begun before batch 0"):
        checkpoints.begin(txn(2))


def test_old_batches_are_pruned_and_their_counts_kept(checkpoints: Checkpoints) -> None:
    """The folder stays small; the totals are of all batches."""
    for number in range(20):
        checkpoints.begin(txn(number))
        checkpoints.finish(txn(number), {"records": 10, "tables": {"authentication": number}})
    assert len(checkpoints.store.names("_checkpoints/p/okta/0")) == 6
    [(name, totals, pending)] = checkpoints.partitions()
    assert (name, pending) == ("p/okta/0", None)
    assert totals == {"records": 200, "tables": {"authentication": sum(range(20))}}


def test_finishing_twice_counts_once(checkpoints: Checkpoints) -> None:
    """A crash after the end was written makes the next run write it again."""
    checkpoints.begin(txn(0))
    checkpoints.finish(txn(0), {"records": 10})
    checkpoints.finish(txn(0), {"records": 10})
    [(_, totals, _)] = checkpoints.partitions()
    assert totals == {"records": 10}


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "\0", "é" * 300, "a b%"])
def test_a_name_is_one_path_segment(name: str) -> None:
    """Whatever a source calls itself, it stays inside its folder."""
    parts = app_id(name, "s", "0").split("/")
    assert len(parts) == 3
    assert parts[0] not in {"", ".", ".."}
    assert len(parts[0].encode()) < 255
    assert app_id(name, "s", "0") != app_id(name + "x", "s", "0")


def test_an_end_whose_answer_is_lost_is_read_back(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch is done, and its owner goes on with the next."""
    put_new = LocalStore.put_new

    def unanswered(self: LocalStore, path: str, data: bytes) -> bool:
        put_new(self, path, data)
        if path.endswith(".done.json"):
            raise OSError("no answer")
        return True

    lake.checkpoints.begin(txn(0))
    monkeypatch.setattr(LocalStore, "put_new", unanswered)
    lake.checkpoints.finish(txn_of(lake), {"records": 1})
    assert lake.checkpoints.resume("p", "okta", "0").next_batch == 1


def test_an_end_that_did_not_arrive_is_told(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is there to be read back."""

    def refused(self: LocalStore, path: str, data: bytes) -> bool:
        raise OSError("no room")

    lake.checkpoints.begin(txn(0))
    monkeypatch.setattr(LocalStore, "put_new", refused)
    with pytest.raises(OSError, match="no room"):
        lake.checkpoints.finish(txn_of(lake), {"records": 1})


def txn_of(lake: Lake) -> Txn:
    """The batch that is half done."""
    pending = lake.checkpoints.resume("p", "okta", "0").pending
    assert pending is not None
    return pending
