"""The conformance kit passes a source that holds the contract and names the fault of every one that does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ocsf_pipe.source import Batch, Context, Ledger, Offset, Source
from ocsf_pipe.testing.connectors import (
    Conformance,
    FakeDecoder,
    FolderLedger,
    MemoryLedger,
    check_acknowledge,
    check_cuts,
    check_settings,
    context,
    drain,
    items,
    texts,
)

START = Offset()
MESSAGES = [b'{"n":%d}' % i if i % 7 else b'[{"n":%d},{"n":-%d}]' % (i, i) for i in range(30)]
TEXTS = [t for i in range(30) for t in ([f'{{"n":{i}}}'] if i % 7 else [f'{{"n":{i}}}', f'{{"n":-{i}}}'])]


def turn(batch: Batch) -> Batch | None:
    """Leave a batch as it is."""
    return batch


@dataclass
class Log:
    """A partition of messages in memory, five to a batch, numbered from a hundred in steps of ten."""

    context: Context
    change: Callable[[Batch], Batch | None] = turn
    at: int = 0
    id: str = "log"
    lagging: Any = None

    def next_batch(self) -> Batch | None:
        """Return the next five messages."""
        number = max(0, (self.at - 91) // 10)
        bodies = MESSAGES[number : number + 5]
        if not bodies:
            raise StopIteration
        places = pa.array(100 + 10 * np.arange(number, number + len(bodies)))
        start, self.at = self.at, 100 + 10 * (number + len(bodies)) - 9
        runs = self.context.decoder.parse(pa.array(bodies, pa.large_binary()), places, self.at)
        return self.change(Batch(runs, Offset(start), Offset(self.at)))

    def offset(self) -> Offset:
        """Return the first position not yet returned."""
        return Offset(self.at)

    def acknowledge(self, offset: Offset) -> None:
        """Forget nothing."""

    def lag(self) -> int | None:
        """Return what the test wants."""
        return self.lagging  # type: ignore[no-any-return]

    def close(self) -> None:
        """Hold nothing."""


@dataclass
class Logs:
    """A source of one log, or of what a test makes of it."""

    context: Context
    make: Callable[..., Log] = Log
    name: Callable[[], str] = lambda: "log"

    def partitions(self) -> Sequence[str]:
        """Return the one id."""
        return [self.name()]

    def open(self, partition: str, offset: Offset = START) -> Log:
        """Open the log."""
        return self.make(self.context, at=offset.position, id=partition)

    def close(self) -> None:
        """Hold nothing."""


SETTINGS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"password": {"type": "string", "format": "secret", "description": "what opens it"}},
}


class TestConforms(Conformance):
    """A test class inherits the kit as this one does."""

    module = ModuleType("log")
    module.SETTINGS = SETTINGS  # type: ignore[attr-defined]

    @pytest.fixture
    def make_source(self, tmp_path: Path) -> Callable[[], Source]:
        """Connect anew each time."""
        return lambda: Logs(context(tmp_path))

    @pytest.fixture
    def expected(self) -> list[str]:
        """Everything in the log; several records of one message stay apart."""
        return TEXTS


def skip_one(batch: Batch) -> Batch:
    """Lose the first record of every batch that is not the first."""
    run = batch.runs[0]
    if batch.start.position == 0:
        return batch
    rest = replace(run, raw=run.raw[1:], position=run.position[1:], sub=run.sub[1:])
    return replace(batch, runs=(rest,))


def say_too_little(batch: Batch) -> Batch:
    """Name an offset that lies before the last record."""
    return replace(batch, next=Offset(batch.next.position - 11))


def begin_elsewhere(batch: Batch) -> Batch:
    """Start each batch where nothing ended."""
    return replace(batch, start=Offset(batch.start.position + 1))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (skip_one, "not those expected"),
        (say_too_little, "offset"),
        (begin_elsewhere, "starts elsewhere"),
    ],
)
def test_a_source_that_breaks_the_contract_is_found(
    tmp_path: Path, change: Callable[[Batch], Batch], complaint: str
) -> None:
    """With words that say which rule."""
    with pytest.raises(AssertionError, match=complaint):
        check_cuts(lambda: Logs(context(tmp_path), partial(Log, change=change)), TEXTS)


def test_a_source_that_remembers_more_than_its_offset_is_found(tmp_path: Path) -> None:
    """What was given once and not again is lost by a crash."""
    given: set[int] = set()

    def once(batch: Batch) -> Batch:
        seen = batch.start.position in given and batch.start.position > 100
        given.add(batch.start.position)
        return replace(batch, runs=()) if seen else batch

    with pytest.raises(AssertionError, match="another reading gives other records"):
        check_cuts(lambda: Logs(context(tmp_path), partial(Log, change=once)), TEXTS)


def test_an_open_that_ignores_the_offset_is_found(tmp_path: Path) -> None:
    """Head and tail have records twice."""
    with pytest.raises(AssertionError, match="cut at"):
        check_cuts(lambda: Logs(context(tmp_path), lambda given, **_: Log(given)), TEXTS)


def test_ids_that_change_are_found(tmp_path: Path) -> None:
    """A partition of another name begins anew, and its records come twice."""
    made: list[int] = []

    def connect() -> Logs:
        made.append(1)
        name = f"log-{len(made)}"
        return Logs(context(tmp_path), name=lambda: name)

    with pytest.raises(AssertionError, match="other ids"):
        check_cuts(connect, TEXTS)


@pytest.mark.parametrize("lag", [-1, "much"])
def test_a_lag_is_a_number_or_not_known(tmp_path: Path, lag: Any) -> None:
    """It is shown to people and alarms."""
    with pytest.raises(AssertionError, match="lag"):
        check_acknowledge(lambda: Logs(context(tmp_path), partial(Log, lagging=lag)))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({**SETTINGS, "additionalProperties": True}, "does not name"),
        ({**SETTINGS, "properties": {"x": {"type": "string"}}}, "no description"),
        ({**SETTINGS, "properties": {"sasl_password": {"type": "string", "description": "p"}}}, "not marked"),
        ({**SETTINGS, "properties": {"x": {"type": "object", "description": "p", "properties": {}}}}, "does not name"),
    ],
)
def test_settings_that_say_too_little_are_found(settings: dict[str, Any], complaint: str) -> None:
    """At any depth."""
    with pytest.raises(AssertionError, match=complaint):
        check_settings(settings)


def test_drain_waits_for_what_is_promised_and_says_what_came(tmp_path: Path) -> None:
    """It ends when the source has finished, also short of what was promised: the test compares."""
    drained = drain(Logs(context(tmp_path)), records=len(TEXTS))
    assert drained.texts() == TEXTS
    assert drained.finished == {"log"}
    assert drained.offsets == {"log": drained.batches["log"][-1].next}
    assert drain(Logs(context(tmp_path)), records=99, timeout=5).count() == len(TEXTS)


def test_the_fake_decoder_places_messages_and_keeps_their_kind() -> None:
    """JSON by default; a kind that is no format is text; what is neither is a reject at its place."""
    bodies, places = pa.array([b'{"a":1}', b"\xff", b'{"a":2}'], pa.large_binary()), pa.array([5, 8, 13])
    (run,) = FakeDecoder().parse(bodies, places, 14)
    assert (run.position.to_pylist(), [r.position for r in run.rejects], run.end) == ([5, 13], [8], 14)
    (run,) = FakeDecoder().parse(pa.array([b"<13>hello", b"\xff"], pa.large_binary()), places[:2], 9, "syslog")
    assert (run.raw.to_pylist(), run.format, [r.position for r in run.rejects]) == (["<13>hello"], "syslog", [8])


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_ledgers_keep_the_first_of_a_name(tmp_path: Path, kind: str) -> None:
    """As the lake's own does."""
    ledger: Ledger = MemoryLedger() if kind == "memory" else FolderLedger(tmp_path)
    assert ledger.put_new("a/b", b"1")
    assert not ledger.put_new("a/b", b"2")
    assert (ledger.get("a/b"), ledger.names(), ledger.get("c")) == (b"1", ["a/b"], None)
    ledger.delete("a/b")
    ledger.delete("a/b")
    assert ledger.names() == []


def test_items_are_in_order_with_rejects_among_them(tmp_path: Path) -> None:
    """As a cut compares them."""
    (run,) = FakeDecoder().parse(pa.array([b"{}", b"\xff", b"[]"], pa.large_binary()), pa.array([1, 2, 3]), 4)
    batch = Batch((run,), Offset(1), Offset(4))
    assert [(i.position, i.raw, i.rejected) for i in items([batch])][:2] == [(1, b"{}", False), (2, b"\xff", True)]
    assert texts([batch])[0] == "{}"
