"""A worker of a running pipeline: every record once, whatever fails, stops or is killed meanwhile."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ocsf_pipe.engine.engine import Engine
from ocsf_pipe.engine.outcome import Outcome
from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake import Lake, Txn
from ocsf_pipe.run import batch, poison
from ocsf_pipe.run import worker as worker_module
from ocsf_pipe.run.batch import Mapped
from ocsf_pipe.source import Records
from tests.run.acme import FAULTY, line, refused, uids, verified, write_mapping
from tests.run.crash import died
from tests.run.shelf import Shelf, worker

SENT = [line(number).strip() for number in range(60)]

CLEARED = b"""<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>
<Provider Name="Microsoft-Windows-Eventlog"/><EventID>1102</EventID><Channel>Security</Channel><Computer>a</Computer>
<TimeCreated SystemTime="2026-01-01T00:00:00Z"/></System></Event>"""


def who(lake: Path) -> Counter[str]:
    """How often each person or text is in the lake."""
    opened = Lake(lake)
    found: Counter[str] = Counter()
    for table, what in (("authentication", '"user".name'), ("base_event", "'p' || substr(message, 2)")):
        if table in opened.tables():
            found.update(opened.sql(f"select {what} as w from {table}")["w"].to_pylist())
    return found


def each_once(numbers: range) -> Counter[str]:
    """What `who` must find."""
    return Counter(f"p{number}" for number in numbers)


def until(there: Callable[[], bool]) -> None:
    """Wait for something that another thread brings about."""
    end = time.monotonic() + 30
    while not there():
        assert time.monotonic() < end
        time.sleep(0.01)


def three_times_at_once(one: Callable[[], None]) -> None:
    """Do something in three threads, and wait for them."""
    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def held_up(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let rounds wait with their commits until the event is set."""
    may, commit = threading.Event(), Lake.commit_round

    def slow(self: Lake, batches: Sequence[tuple[Txn, Mapping[str, pa.Table]]]) -> None:
        may.wait(30)
        commit(self, batches)

    monkeypatch.setattr(Lake, "commit_round", slow)
    return may


@pytest.fixture(autouse=True)
def _brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASK_EVERY", "FIRST_WAIT", "REST", "QUIET", "LONELY"):
        monkeypatch.setattr(worker_module, name, 0.01)


def test_every_record_arrives_once_and_is_acknowledged(lake: Path) -> None:
    """Two partitions, several batches each; a second run adds nothing."""
    shelf = Shelf({"a": SENT[:40], "b": SENT[40:]})
    first = worker(lake, shelf)
    first.run()
    assert first.failed is None
    assert who(lake) == each_once(range(60))
    assert shelf.acked == {"a": 40, "b": 20}
    assert verified(lake)
    again = worker(lake, shelf)
    again.run()
    assert again.report.records == 0
    assert who(lake) == each_once(range(60))


def test_a_source_that_fails_is_waited_for(lake: Path) -> None:
    """The loop begins anew from the lake until the far end answers."""
    shelf = Shelf({"a": list(SENT)}, broken=3)
    worker(lake, shelf).run()
    assert who(lake) == each_once(range(60))


def test_a_source_that_stays_away_ends_a_run_that_is_to_end(lake: Path) -> None:
    """With `once`, giving up is an error that is told; nothing was lost."""
    gone = worker(lake, Shelf({"a": list(SENT)}, broken=1000))
    gone.run()
    assert "the far end is away" in str(gone.failed)


def test_a_lake_that_takes_nothing_is_waited_for(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch stays in memory, nothing is read meanwhile, nothing is acknowledged before it is in the lake."""
    commit = Lake.commit_round
    failures = iter(range(3))
    shelf = Shelf({"a": list(SENT)})

    def failing(self: Lake, *args: object, **kwargs: object) -> object:
        if next(failures, None) is not None:
            assert shelf.acked == {}
            raise LakeError("no space left on device")
        return commit(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Lake, "commit_round", failing)
    worker(lake, shelf).run()
    assert who(lake) == each_once(range(60))
    assert shelf.opened == [("a", 0)], "the partition was not opened anew for that"


@pytest.mark.parametrize("batch", [7, 100])
def test_a_crash_at_any_step_loses_and_doubles_nothing(tmp_path: Path, batch: int) -> None:
    """Dead before or behind every change of the lake; the next worker reads other batches and ends as it should."""
    sent = [line(number).strip() for number in range(20)] + [b"{broken"]

    def run(lake: Path, take: int) -> Callable[[], None]:
        return lambda: worker(lake, Shelf({"a": sent}, take=take), size=1).run()

    steps = died(run(tmp_path / "whole", batch), None)
    assert steps
    assert steps > 10
    wanted = uids(tmp_path / "whole")
    for cut in range(0, steps, 1 if batch == 100 else 3):
        lake = tmp_path / str(cut)
        assert died(run(lake, batch), cut) is None
        run(lake, 5)()
        assert uids(lake) == wanted, cut
        assert len(refused(lake)) == 1
        assert verified(lake), cut


def test_partitions_come_into_the_lake_together(lake: Path) -> None:
    """One commit for each table of all that is at hand, and an account of each partition."""
    shelf = Shelf({"a": SENT[:20], "b": SENT[20:45], "c": [*SENT[45:], b"{broken"]}, take=100)
    worker(lake, shelf).run()
    opened = Lake(lake)
    assert who(lake) == each_once(range(60))
    assert len(list((lake / "authentication" / "_delta_log").glob("*.json"))) == 2, "the table, and one commit"
    counts = {
        name[-1]: (totals["records"], totals["quarantined"]) for name, totals, _ in opened.checkpoints.partitions()
    }
    assert counts == {"a": (20, 0), "b": (25, 0), "c": (16, 1)}
    assert shelf.acked == {"a": 20, "b": 25, "c": 16}
    assert verified(lake)


def test_a_round_takes_no_more_than_the_bytes_of_a_batch(lake: Path) -> None:
    """Large partitions go one after the other: memory holds the tables of one batch."""
    shelf = Shelf({name: list(SENT[at : at + 20]) for name, at in (("a", 0), ("b", 20), ("c", 40))}, take=100)
    worker(lake, shelf, size=int(2.5 * (sum(map(len, SENT[:20])) + 8 * 21))).run()
    assert who(lake) == each_once(range(60))
    assert len(list((lake / "authentication" / "_delta_log").glob("*.json"))) == 3, "the table, and two commits"


def test_a_crash_at_any_step_of_a_round_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Dead before or behind every change of the lake, with three partitions in the round."""
    sent = {"a": SENT[:6], "b": [*SENT[6:15], b"{broken"], "c": SENT[15:20]}

    def run(lake: Path, take: int) -> Callable[[], None]:
        return lambda: worker(lake, Shelf(dict(sent), take=take)).run()

    steps = died(run(tmp_path / "whole", 100), None)
    assert steps
    wanted = uids(tmp_path / "whole")
    for cut in range(0, steps, 3):
        lake = tmp_path / str(cut)
        assert died(run(lake, 100), cut) is None
        run(lake, 4)()
        assert uids(lake) == wanted, cut
        assert len(refused(lake)) == 1
        assert verified(lake), cut


def test_reading_goes_on_while_a_round_is_brought_in(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes meanwhile is the next round; no more is read than memory is given for, and nothing is acknowledged."""
    may = held_up(monkeypatch)
    messages = [line(number).strip() for number in range(400)]
    shelf = Shelf({"a": messages}, take=5)
    running = worker(lake, shelf, size=sum(map(len, messages)) // 8, aside=ThreadPoolExecutor(1))
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running._full(running._held()):
        time.sleep(0.01)
    time.sleep(0.1)
    held = running._lanes["a"].end
    assert 60 <= held <= 150, "two batches' worth, and what one reading brings"
    assert shelf.acked == {}
    may.set()
    thread.join()
    assert who(lake) == each_once(range(400))
    assert verified(lake)


def test_a_partition_that_is_lost_while_its_round_is_brought_in_is_not_acknowledged(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records are in the lake all the same, and whoever has it next goes on behind them."""
    may = held_up(monkeypatch)
    shelf = Shelf({"a": list(SENT)}, ends=False, take=100)
    running = worker(lake, shelf, once=False, aside=ThreadPoolExecutor(1))
    thread = threading.Thread(target=running.run)
    thread.start()
    until(lambda: running._round is not None)
    shelf.hidden = frozenset({"a"})
    while running._lanes:
        time.sleep(0.01)
    may.set()
    until(lambda: running._round is None)
    running.context.stop.set()
    thread.join()
    assert shelf.acked == {}
    assert who(lake) == each_once(range(60))
    again = worker(lake, Shelf({"a": list(SENT)}))
    again.run()
    assert again.report.records == 0
    assert verified(lake)


def test_a_round_that_fails_is_read_anew(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the other thread raises, the worker begins anew from the lake, and gives up where nothing helps."""
    brought = worker_module.Worker._brought
    failures = iter(range(2))

    def failing(self: worker_module.Worker, *arguments: Any) -> Any:
        if next(failures, None) is not None:
            raise ZeroDivisionError("of all things")
        return brought(self, *arguments)

    monkeypatch.setattr(worker_module.Worker, "_brought", failing)
    worker(lake, Shelf({"a": list(SENT)}), aside=ThreadPoolExecutor(1)).run()
    assert who(lake) == each_once(range(60))
    failures = iter(range(1000))
    hopeless = worker(lake, Shelf({"b": list(SENT)}), aside=ThreadPoolExecutor(1))
    hopeless.run()
    assert isinstance(hopeless.failed, ZeroDivisionError)


def test_two_workers_of_some_partitions_give_way_to_each_other(lake: Path) -> None:
    """All read all partitions, at random speed: rounds meet batches that others began, and nothing is there twice."""
    messages = {
        name: [line(number).strip() for number in range(at, at + 70)] for name, at in (("a", 0), ("b", 70), ("c", 140))
    }
    dice = random.Random(2)

    def one() -> None:
        mine = worker(
            lake,
            Shelf(dict(messages), take=dice.randint(3, 17)),
            size=1 << dice.randint(5, 12),
            aside=ThreadPoolExecutor(1),
        )
        mine.run()
        assert mine.failed is None

    three_times_at_once(one)
    assert who(lake) == each_once(range(210))
    assert verified(lake)


def test_two_workers_of_one_partition_give_way_to_each_other(lake: Path) -> None:
    """Both read all of it, at random speed; whoever writes an intent first has the batch."""
    messages = [line(number).strip() for number in range(200)]
    dice = random.Random(1)

    def one() -> None:
        mine = worker(lake, Shelf({"a": messages}, take=dice.randint(3, 17)), size=1, aside=ThreadPoolExecutor(1))
        mine.run()
        assert mine.failed is None

    three_times_at_once(one)
    assert who(lake) == each_once(range(200))
    assert verified(lake)


def test_a_stop_finishes_the_batch_in_hand(lake: Path) -> None:
    """What was read is in the lake although its time had not come."""
    shelf = Shelf({"a": list(SENT)}, ends=False)
    running = worker(lake, shelf, once=False, seconds=1000)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running._lanes or running._lanes["a"].size < sum(map(len, SENT)):
        time.sleep(0.01)
    running.context.stop.set()
    thread.join()
    assert shelf.acked == {"a": 60}
    assert who(lake) == each_once(range(60))


def test_a_partition_that_is_lost_is_let_go_of(lake: Path) -> None:
    """What was read of it and not yet begun is read again by whoever has it next."""
    shelf = Shelf({"a": list(SENT)}, ends=False)
    running = worker(lake, shelf, once=False, seconds=1000)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running._lanes:
        time.sleep(0.01)
    shelf.hidden = frozenset({"a"})
    while running._lanes:
        time.sleep(0.01)
    running.context.stop.set()
    thread.join()
    assert shelf.acked == {}
    worker(lake, Shelf({"a": list(SENT)})).run()
    assert who(lake) == each_once(range(60))


@pytest.mark.parametrize("shared", [False, True])
def test_a_record_that_breaks_its_mapping_costs_itself_alone(
    lake: Path, monkeypatch: pytest.MonkeyPatch, *, shared: bool
) -> None:
    """Whatever is raised: the batch is halved until the record is found, whoever is mapped with it."""
    mapping = batch._map

    def touchy(batches: Sequence[Mapped], waiting: Sequence[batch.Waiting]) -> None:
        for some in waiting:
            for run in some.runs:
                if any('"p13"' in text for text in run.raw.to_pylist()):
                    raise ZeroDivisionError("of all things")
        mapping(batches, waiting)

    monkeypatch.setattr(batch, "_map", touchy)
    messages = {"a": SENT[:10], "b": [*SENT[10:40], b"{broken"], "c": SENT[40:]}
    shelf = Shelf(messages if shared else {"a": [*SENT, b"{broken"]}, take=100)
    worker(lake, shelf).run()
    assert who(lake) == each_once(range(60)) - Counter(["p13"])
    told = Lake(lake).sql("select reason, cast(raw as varchar) as raw from _quarantine order by reason").to_pylist()
    assert [row["reason"] for row in told if "p13" in row["raw"]] == [
        "the record cannot be mapped: ZeroDivisionError: of all things"
    ]
    assert len(told) == 2
    assert poison.LOG.name == "ocsf_pipe.run"


def test_the_partitions_of_a_round_are_mapped_by_one_query(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its own account all the same."""
    asked = []
    run_each = Engine.run_each

    def told(engine: Engine, runs: Sequence[Records], **given: Any) -> list[Outcome]:
        asked.append([len(run) for run in runs])
        return run_each(engine, runs, **given)

    monkeypatch.setattr(Engine, "run_each", told)
    shelf = Shelf({"a": SENT[:20], "b": SENT[20:45], "c": [*SENT[45:], b"{broken"]}, take=100)
    running = worker(lake, shelf, seconds=1000)
    running.run()
    assert sorted(asked[0]) == [16, 20, 25]
    assert who(lake) == each_once(range(60))
    counts = {name: Lake(lake).resume("test", "shelf", name).next_batch for name in "abc"}
    assert counts == {"a": 1, "b": 1, "c": 1}
    assert (running.report.records, running.report.written, sum(running.report.quarantined.values())) == (61, 60, 1)


def test_the_records_tell_which_mapping_takes_them(lake: Path) -> None:
    """Without a named mapping, formats and mappings are told apart in one partition; what nobody knows is refused."""
    zeek = {"ts": 1591367999.3, "uid": "C5", "id.orig_h": "10.0.0.1", "id.orig_p": 1, "id.resp_h": "10.0.0.2"}
    dns = {**zeek, "id.resp_p": 53, "proto": "udp", "trans_id": 7, "query": "a.example", "AA": False, "RD": True}
    flow = b"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070"
    others = [json.dumps(dns).encode(), flow + b" ACCEPT OK", CLEARED, b'{"nobody": "knows"}', b"plain text"]
    shelf = Shelf({"a": [*SENT, *others]}, take=100)
    mixed = worker(lake, shelf, mappings=())
    mixed.run()
    assert mixed.failed is None
    assert who(lake) >= each_once(range(60))
    assert mixed.report.records == 65
    assert mixed.report.mappings == {
        "acme.door": 60, "zeek.dns": 1, "aws.vpc_flow": 1, "microsoft.windows_security": 1
    }  # fmt: skip
    assert mixed.report.quarantined.total() == 2


def test_a_batch_whose_records_are_gone_is_given_up(lake: Path) -> None:
    """It was begun and nothing of it was written; the file was cut since. What is there now arrives."""
    opened = Lake(lake, create=True)
    opened.begin(Txn("test", "shelf", "a", 0, "plan", 0, 50, 1_770_000_000_000))
    cut = worker(lake, Shelf({"a": SENT[:30]}))
    cut.run()
    assert cut.failed is None
    assert who(lake) == each_once(range(30))
    assert verified(lake)


def half_written(lake: Path, whole: Path) -> None:
    """A lake whose worker died behind the first table of its batch."""
    shelf = Shelf({"a": list(SENT)}, take=100)
    steps = died(lambda: worker(whole, shelf).run(), None)
    assert steps
    for cut in range(steps):
        assert died(lambda: worker(lake, shelf).run(), cut) is None
        if Lake(lake).tables() and uids(lake):
            return


def test_a_half_written_batch_is_finished_by_the_mapping_that_began_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of two mappings in one batch could double a record; what follows is mapped by the new one."""
    lake = tmp_path / "lake"
    half_written(lake, tmp_path / "whole")
    assert who(lake) != each_once(range(60))
    write_mapping(tmp_path / "other", FAULTY)
    monkeypatch.setenv("OCSF_PIPE_MAPPINGS", str(tmp_path / "other"))
    late = worker(lake, Shelf({"a": [*SENT, line(60).strip()]}, take=100))
    late.run()
    assert late.failed is None
    assert who(lake) == each_once(range(60))
    assert len(refused(lake)) == 1
    assert verified(lake)


def test_a_half_written_batch_of_a_lost_mapping_waits_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the mapping that began it is known nowhere, the worker says what to do and writes nothing."""
    lake = tmp_path / "lake"
    half_written(lake, tmp_path / "whole")
    for file in (lake / "_mappings").iterdir():
        file.unlink()
    before = uids(lake)
    write_mapping(tmp_path / "other", FAULTY)
    monkeypatch.setenv("OCSF_PIPE_MAPPINGS", str(tmp_path / "other"))
    late = worker(lake, Shelf({"a": list(SENT)}, take=100))
    late.run()
    assert "half written" in str(late.failed)
    assert uids(lake) == before
