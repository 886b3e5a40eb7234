"""What an S3 source knows and keeps: what messages say, which objects were seen, whose turn it is."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from ocsf_connectors.s3_lease import TAKE_OVER, Lease
from ocsf_connectors.s3_manifest import DAY_MS, PER_BYTE, SPARE, Entry, Manifest
from ocsf_connectors.s3_notices import Notice, notices
from ocsf_connectors.s3_partition import placed
from ocsf_connectors.s3_seen import Seen, digest, split
from ocsf_pipe.decode import FORMATS
from ocsf_pipe.errors import SourceError
from ocsf_pipe.testing.connectors import MemoryLedger

THING = {"key": "a+b/%C3%BC%2B.gz", "size": 7, "eTag": "e", "versionId": "v"}
EVENT = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": THING}}
TOLD = Notice("b", "a b/ü+.gz", "e", "v", 7)
BRIDGE = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": "b"}, "object": {"key": "a+b/%20.parquet", "size": 7, "etag": "e"}},
}
NOW = time.time_ns() // 1_000_000


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"Records": [EVENT, EVENT]}, [TOLD, TOLD]),
        ({"Type": "Notification", "Message": orjson.dumps({"Records": [EVENT]}).decode()}, [TOLD]),
        ({"Records": [{**EVENT, "eventName": "s3:ObjectCreated:CompleteMultipartUpload"}]}, [TOLD]),
        ({"Records": [{**EVENT, "eventName": "ObjectRemoved:Delete"}]}, []),
        (BRIDGE, [Notice("b", "a+b/%20.parquet", "e", "", 7)]),
        ({**BRIDGE, "detail-type": "Object Deleted"}, []),
        ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}, []),
        ({"s3Bucket": "b", "s3ObjectKey": ["x+y", "z"]}, [Notice("b", "x+y"), Notice("b", "z")]),
        ({"Records": [{"eventName": "ObjectCreated:Put"}]}, None),
        ({"Records": [{**EVENT, "s3": {"bucket": {"name": "b"}, "object": {"key": ""}}}]}, None),
        ({"Message": "no JSON"}, None),
        ({"detail": {}}, None),
        ([1], None),
        ("text", None),
    ],
)
def test_messages_of_every_kind_are_understood(body: Any, expected: list[Notice] | None) -> None:
    """Only S3's own events have encoded keys; what is not about a new object names none; None is for the rest."""
    assert notices(orjson.dumps(body).decode()) == expected


def test_a_body_that_is_no_json_makes_no_sense() -> None:
    """It is not an error."""
    assert notices("{") is None


def entries(*keys: str, size: int = 10) -> list[Entry]:
    """Objects not yet written down."""
    return [Entry("b", key, "e", "", size) for key in keys]


def test_every_object_has_a_span_of_its_own() -> None:
    """As long as its unpacked text can be; a restart finds the same spans, and what is not in the lake yet."""
    ledger = MemoryLedger()
    manifest = Manifest(ledger)
    manifest.load(0)
    first, second = manifest.append(entries("x", "y"), {"at": 1})
    [third] = manifest.append(entries("z"), {"at": 2})
    assert (first.start, first.end, second.start) == (0, 10 * PER_BYTE + SPARE, first.end)
    again = Manifest(ledger)
    assert again.load(second.start) == [second, third]
    assert again.load(second.start + 5) == [second, third]
    assert again.load(third.end) == []
    assert again.listing == {"at": 2}
    assert all(entry.identity() in again.seen for entry in (first, second, third))
    assert Entry("b", "x", "other").identity() not in again.seen


def test_what_would_stand_behind_the_span_is_one_reject() -> None:
    """A bomb takes no positions of the next object."""
    entry = Entry("b", "x", "e", "", 1, "", 100, 110)
    [run] = FORMATS["json"].read(io.BytesIO(b'{"a":1}\n{"a":2}\n{"a":3}\n'), {})
    cut = placed(run, entry)
    assert (cut.position.to_pylist(), cut.end) == ([100, 108], 110)
    assert [(r.position, r.reason) for r in cut.rejects] == [
        (109, "the object unpacks to more than 9 bytes; the rest is not read")
    ]


def test_a_ledger_that_does_not_reach_to_the_lake_is_told() -> None:
    """Objects would be read again."""
    with pytest.raises(SourceError, match="the lake holds records up to position 7"):
        Manifest(MemoryLedger()).load(7)


def test_of_two_workers_that_write_at_once_one_loses() -> None:
    """And also one that slept while the other's groups were folded away."""
    ledger = MemoryLedger()
    first, second, sleeper = Manifest(ledger), Manifest(ledger), Manifest(ledger)
    for manifest in (first, second, sleeper):
        manifest.load(0)
    first.append(entries("x"), {})
    with pytest.raises(SourceError, match="another worker"):
        second.append(entries("y"), {})
    for number in range(60):
        first.append(entries(f"k{number}"), {})
    first.acknowledge(first.end)
    assert "objects-000000000000" not in ledger.names()
    with pytest.raises(SourceError, match="another worker"):
        sleeper.append(entries("y"), {})
    assert Manifest(ledger).load(0) == [first.groups[-1].entries[0]]


class Lossy(MemoryLedger):
    """A ledger whose answer to a write is lost once, the write done or not."""

    def __init__(self, *, done: bool) -> None:
        """Fail at the next write."""
        super().__init__()
        self.done, self.failed = done, False

    def put_new(self, name: str, data: bytes) -> bool:
        """Write, or do not, and fail."""
        if self.failed:
            return super().put_new(name, data)
        self.failed = True
        if self.done:
            super().put_new(name, data)
        raise TimeoutError("no answer")


def test_a_write_without_an_answer_is_settled_by_reading() -> None:
    """Done: it goes on. Not done: it fails, and can be tried again."""
    manifest = Manifest(Lossy(done=True))
    assert len(manifest.append(entries("x"), {})) == 1
    manifest = Manifest(Lossy(done=False))
    with pytest.raises(TimeoutError):
        manifest.append(entries("x"), {})
    assert len(manifest.append(entries("x"), {})) == 1


def test_the_ledger_does_not_grow_with_what_is_done() -> None:
    """Twelve bytes an object, in few files; gone when nothing of a day can come again."""
    ledger = MemoryLedger()
    manifest = Manifest(ledger)
    for number in range(3000):
        manifest.append(entries(f"k{number}", f"l{number}"), {})
        manifest.acknowledge(manifest.end)
    assert len(ledger.names()) < 100
    assert 6000 * 12 <= sum(map(len, ledger.files.values())) < 6000 * 12 + 20_000
    again = Manifest(ledger)
    again.load(manifest.end)
    assert all(entry.identity() in again.seen for entry in entries("k0", "l0", "k2999"))
    again.forget(NOW - 15 * DAY_MS)
    assert entries("k0")[0].identity() in again.seen
    again.forget(NOW + 3 * DAY_MS)
    assert entries("k0")[0].identity() not in again.seen
    assert not any(name.startswith("seen-") for name in ledger.names())


def test_seen_digests_are_found_among_many() -> None:
    """Sorted and fresh ones; days are forgotten whole."""
    seen = Seen()
    many = [digest("k", str(number)) for number in range(120_000)]
    seen.add("20260101", many[:60_000])
    seen.add("20260102", many[60_000:])
    assert all(many[number] in seen for number in range(0, 120_000, 997))
    assert digest("k", "other") not in seen
    seen.forget_before("20260102")
    assert many[0] not in seen
    assert many[-1] in seen
    assert split(b"".join(many[:3])) == many[:3]


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def lease(ledger: MemoryLedger, folder: Path, clock: Clock) -> Lease:
    """A worker's lease; the folder is the worker."""
    folder.mkdir(exist_ok=True)
    return Lease(ledger, folder, clock)


def test_a_second_worker_waits_until_the_lease_is_given_back_or_old(tmp_path: Path) -> None:
    """Renewing keeps it; a worker that vanished is waited for a minute; one that closes, not at all."""
    ledger, clock = MemoryLedger(), Clock()
    first, second = lease(ledger, tmp_path / "1", clock), lease(ledger, tmp_path / "2", clock)
    assert first.held()
    for _ in range(20):
        clock.now += 10
        assert first.held()
        assert not second.held()
    for _ in range(int(TAKE_OVER // 10) - 1):
        clock.now += 10
        assert not second.held()
    clock.now += 20
    assert second.held()
    clock.now += 10
    assert not first.held()
    second.close()
    clock.now += 10
    assert first.held()
    first.close()
    assert len(ledger.names()) == 1


def test_a_worker_that_comes_back_has_its_lease_still(tmp_path: Path) -> None:
    """Its state folder tells who it is, and that no other process has it."""
    ledger, clock = MemoryLedger(), Clock()
    first = lease(ledger, tmp_path, clock)
    assert first.held()
    again = lease(ledger, tmp_path, clock)
    assert not again.held()
    assert first._lock is not None
    first._lock.close()  # as a crash does
    assert again.held()
    again.close()
