"""The conformance kit of connectors: what each of them is held to, and what their tests stand on.

A connector's test has two fixtures, `make_source`, which connects anew to the same data each time, and `expected`, the
text of every record there, and then one class, `class TestConforms(Conformance)`, that names the module. The page
docs/connectors.md shows one.
"""

# ruff: noqa: S101 - a kit of assertions

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeVar

from jsonschema import Draft202012Validator

from ocsf_pipe.source import Batch, Offset, Partition, Source
from ocsf_pipe.testing.connector_context import FakeDecoder, FolderLedger, MemoryLedger, context

__all__ = [
    "Conformance",
    "Drained",
    "FakeDecoder",
    "FolderLedger",
    "Item",
    "MemoryLedger",
    "check_acknowledge",
    "check_cuts",
    "check_settings",
    "context",
    "drain",
    "items",
    "read",
    "texts",
]

START = Offset()
T = TypeVar("T")
MAX_CUTS = 40
_SECRET = re.compile(r"password|passwd|secret|token|credential|private_key|api_key", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """One record, decoded or rejected, as a cut compares it."""

    position: int
    sub: int
    raw: bytes
    rejected: bool


def items(batches: Sequence[Batch]) -> list[Item]:
    """Return every record of the batches in the order of their runs."""
    return [item for batch in batches for run in batch.runs for item in _items_of(run)]


def _items_of(run: Any) -> list[Item]:
    rows = zip(run.position.to_pylist(), run.sub.to_pylist(), run.raw.to_pylist(), strict=True)
    found = [Item(position, sub, raw.encode(), rejected=False) for position, sub, raw in rows]
    found += [Item(reject.position, reject.sub, reject.raw, rejected=True) for reject in run.rejects]
    return sorted(found, key=lambda item: (item.position, item.sub))


def texts(batches: Sequence[Batch]) -> list[str]:
    """Return the raw text of every decoded record, in order."""
    return [item.raw.decode() for item in items(batches) if not item.rejected]


@dataclass(slots=True)
class Drained:
    """What a source gave: its batches by partition, the offsets behind them, and the partitions that finished."""

    batches: dict[str, list[Batch]] = field(default_factory=dict)
    offsets: dict[str, Offset] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)

    def count(self) -> int:
        """Count the records, rejects among them."""
        return sum(len(run) + len(run.rejects) for many in self.batches.values() for one in many for run in one.runs)

    def texts(self) -> list[str]:
        """Return the raw text of every decoded record, partition by partition."""
        return [text for batches in self.batches.values() for text in texts(batches)]


def drain(
    source: Source,
    *,
    offsets: Mapping[str, Offset] | None = None,
    records: int | None = None,
    quiet: float = 0.3,
    timeout: float = 10.0,
    acknowledge: bool = False,
) -> Drained:
    """Read a source as the runtime does: ask for its partitions, open what is new, call `next_batch` in turn.

    Ends when every partition is finished; else after `quiet` seconds without a record, but where `records` is given not
    before so many came, or `timeout` seconds are over. `acknowledge` tells the source of every batch.
    """
    at, out = dict(offsets or {}), Drained()
    opened: dict[str, Partition] = {}
    end, last = time.monotonic() + timeout, time.monotonic()
    try:
        while True:
            _open_and_close(source, opened, at, out)
            live = [part for name, part in opened.items() if name not in out.finished]
            got = sum(_step(part, out, acknowledge=acknowledge) for part in live)
            at.update(out.offsets)
            now = time.monotonic()
            last = now if got else last
            over = bool(out.finished) and opened.keys() <= out.finished
            enough = now - last >= quiet and (records is None or out.count() >= records)
            if not got and (over or enough or now >= end):
                return out
            if not got:
                time.sleep(0.01)
    finally:
        for part in opened.values():
            part.close()


def _open_and_close(source: Source, opened: dict[str, Partition], at: Mapping[str, Offset], out: Drained) -> None:
    names = list(source.partitions())
    assert len(names) == len(set(names)), f"a partition is named twice: {names}"
    for gone in opened.keys() - out.finished - set(names):
        opened.pop(gone).close()
    for name in names:
        if name not in opened:
            opened[name] = source.open(name, at.get(name, START))
            assert opened[name].id == name
            out.offsets.setdefault(name, at.get(name, START))


def _step(part: Partition, out: Drained, *, acknowledge: bool) -> bool:
    name = part.id
    try:
        batch = part.next_batch()
    except StopIteration:
        out.finished.add(name)
        return False
    if batch is None:
        return False
    out.batches.setdefault(name, []).append(batch)
    out.offsets[name] = batch.next
    assert part.offset() == batch.next, "offset() is behind or before what next_batch gave"
    if acknowledge:
        part.acknowledge(batch.next)
    return True


def read(source: Source, partition: str, offset: Offset, *, until: int, timeout: float = 10.0) -> list[Batch]:
    """Read one partition from an offset until position `until` is reached or it ends; waits for it to be there."""
    end = time.monotonic() + timeout
    while partition not in source.partitions():
        assert time.monotonic() < end, f"`{partition}` is not among the partitions: {source.partitions()}"
        time.sleep(0.01)
    part, out = source.open(partition, offset), []
    try:
        while part.offset().position < until:
            assert time.monotonic() < end, f"`{partition}` stands at {part.offset()}, before {until}"
            batch = part.next_batch()
            if batch is None:
                time.sleep(0.01)
            else:
                out.append(batch)
    except StopIteration:
        pass
    finally:
        part.close()
        part.close()
    return out


def check_cuts(
    make_source: Callable[[], Source], expected: Sequence[str] | None = None, *, timeout: float = 10.0
) -> Drained:
    """Assert that a source resumes after any cut: head + tail == whole, with positions that rise.

    The whole is compared with `expected`, the text of the records in any order over partitions. Each cut connects anew,
    as after a crash; nothing is acknowledged. Returns the whole. Raises AssertionError.
    """
    whole = _whole(make_source, expected, timeout)
    for name, batches in whole.batches.items():
        check_shape(batches)
        everything, last = items(batches), batches[-1].next
        for cut in _some([batch.start for batch in batches] + [last]):
            with _closing(make_source()) as source:
                tail = items(read(source, name, cut, until=last.position, timeout=timeout))
            head = [item for item in everything if item.position < cut.position]
            assert head + tail == everything, f"`{name}` cut at {cut.position}: {_difference(head + tail, everything)}"
        for batch in _some(batches):
            _check_inside(make_source, name, batch, timeout)
    return whole


def _whole(make_source: Callable[[], Source], expected: Sequence[str] | None, timeout: float) -> Drained:
    with _closing(make_source()) as source:
        whole = drain(source, records=None if expected is None else len(expected), timeout=timeout)
        names = set(source.partitions()) | whole.finished
    if expected is not None:
        assert Counter(whole.texts()) == Counter(expected), "the records that come are not those expected"
    with _closing(make_source()) as source:
        again = drain(source, records=None if expected is None else len(expected), timeout=timeout)
        assert set(source.partitions()) | again.finished == names, "another connection gives the partitions other ids"
    assert {name: items(found) for name, found in again.batches.items()} == {
        name: items(found) for name, found in whole.batches.items()
    }, "another reading gives other records"
    return whole


def check_shape(batches: Sequence[Batch]) -> None:
    """Assert that batches follow one another without gap, and that their positions rise and stay within them."""
    behind = batches[0].start.position
    place: tuple[int, int] = (-1, -1)
    for number, batch in enumerate(batches):
        assert not number or batch.start == batches[number - 1].next, f"batch {number} starts elsewhere"
        assert batch.start <= batch.next, f"batch {number} ends before it starts"
        for run in batch.runs:
            for item in _items_of(run):
                assert behind <= item.position < run.end, f"{item} is not in {behind} to {run.end}"
                assert place < (item.position, item.sub), f"{item} does not rise above {place}"
                place = item.position, item.sub
            assert behind <= run.end <= batch.next.position, f"a run ends at {run.end}, batch {number} at {batch.next}"
            behind = run.end
        behind = batch.next.position


def _check_inside(make_source: Callable[[], Source], name: str, batch: Batch, timeout: float) -> None:
    """Read a batch again from its start, as after a crash, and cut it at positions within."""
    with _closing(make_source()) as source:
        again = items(read(source, name, batch.start, until=batch.next.position, timeout=timeout))
    mine = items([batch])
    for cut in _some(sorted({item.position for item in mine})):
        assert [i for i in again if i.position < cut] == [i for i in mine if i.position < cut], f"cut at {cut}"
        found = [i for i in again if cut <= i.position < batch.next.position]
        assert found == [i for i in mine if i.position >= cut], f"cut at {cut}"


def check_acknowledge(make_source: Callable[[], Source], *, timeout: float = 10.0) -> None:
    """Assert that acknowledging is repeatable, that it takes nothing beyond, and that closing is.

    Spends the source: what is acknowledged may be gone.
    """
    with _closing(make_source()) as source:
        whole = drain(source, timeout=timeout)
    for name, batches in whole.batches.items():
        middle = batches[len(batches) // 2].start
        with _closing(make_source()) as source:
            _acknowledge_twice(source, name, middle, timeout)
        with _closing(make_source()) as source:
            rest = items(read(source, name, middle, until=batches[-1].next.position, timeout=timeout))
        assert rest == [item for item in items(batches) if item.position >= middle.position], "acknowledged too much"


def _acknowledge_twice(source: Source, name: str, offset: Offset, timeout: float) -> None:
    read(source, name, offset, until=offset.position, timeout=timeout)  # waits until it is there
    part = source.open(name, offset)
    lag: object = part.lag()
    assert lag is None or (isinstance(lag, int) and lag >= 0), f"lag() is {lag!r}"
    part.acknowledge(offset)
    part.acknowledge(offset)
    part.close()
    part.close()


def check_settings(settings: Mapping[str, Any], *, plain: Collection[str] = ()) -> None:
    """Assert that SETTINGS is a JSON Schema of a closed object that says what each property is and which are secret.

    `plain` names properties that sound like secrets and are none.
    """
    Draft202012Validator.check_schema(dict(settings))
    for path, schema in _objects(settings, "SETTINGS"):
        assert schema.get("additionalProperties") is False, f"{path} allows properties that it does not name"
        for name, one in schema.get("properties", {}).items():
            assert str(one.get("description", "")).strip(), f"{path}.{name} has no description"
            secret = _SECRET.search(name) and name not in plain and one.get("type", "string") == "string"
            assert not secret or one.get("format") == "secret", f'{path}.{name} is not marked "format": "secret"'
    assert settings.get("type") == "object"


def _objects(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if "properties" in schema:
        yield path, schema
    for name, one in schema.get("properties", {}).items():
        yield from _objects(one, f"{path}.{name}")
    if isinstance(schema.get("items"), Mapping):
        yield from _objects(schema["items"], f"{path}[]")


class Conformance:
    """What every connector holds; a test class that inherits it names the `module` and has the two fixtures.

    `make_source` is a fixture that returns a function which connects to the same data anew, with the same state and
    ledger; `expected` one that returns the text of every record there.
    """

    module: ModuleType
    plain: Collection[str] = ()

    def test_its_settings_say_what_they_are(self) -> None:
        """A pipeline file is checked against them, and secrets are kept out of it."""
        check_settings(self.module.SETTINGS, plain=self.plain)

    def test_head_and_tail_of_every_cut_make_the_whole(
        self, make_source: Callable[[], Source], expected: Sequence[str]
    ) -> None:
        """Whatever was in the lake when it crashed, the rest follows, each record once."""
        check_cuts(make_source, expected)

    def test_acknowledging_takes_nothing_that_is_still_to_come(self, make_source: Callable[[], Source]) -> None:
        """And may be repeated, as closing may."""
        check_acknowledge(make_source)


@dataclass(frozen=True, slots=True)
class _closing:  # noqa: N801 - used as a word
    """A source that is closed behind the block, twice: closing is repeatable."""

    source: Source

    def __enter__(self) -> Source:
        return self.source

    def __exit__(self, *_: object) -> None:
        self.source.close()
        self.source.close()


def _some(found: Sequence[T]) -> list[T]:
    """Return at most MAX_CUTS of them, evenly spread, the first and the last among them."""
    if len(found) <= MAX_CUTS:
        return list(found)
    return [found[round(i * (len(found) - 1) / (MAX_CUTS - 1))] for i in range(MAX_CUTS)]


def _difference(got: list[Item], expected: list[Item]) -> str:
    lost, doubled = Counter(expected) - Counter(got), Counter(got) - Counter(expected)
    return f"lost {sorted(lost)[:3]}, beyond what is there {sorted(doubled)[:3]}"
