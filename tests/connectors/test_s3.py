"""S3: what a queue tells and what a listing finds, each object version once, in an order that never changes."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from ocsf_connectors import s3, s3_client, s3_partition
from ocsf_connectors.s3_partition import ID, S3Partition
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Batch, Offset, Records
from ocsf_pipe.testing.connectors import Conformance, Drained, FakeDecoder, check_cuts, drain, texts
from tests.connectors.s3_world import World, lines, server

NUMBER = itertools.count()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The server of this file."""
    with server() as found:
        yield found


@pytest.fixture
def world(url: str, tmp_path: Path) -> World:
    """A bucket and a queue."""
    return World.made(url, f"logs-{next(NUMBER)}-{uuid.uuid4().hex[:8]}", tmp_path)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty queue is not waited for, and clients are made once: that takes longer than all that they do here."""
    made = cache(lambda told: s3_client.clients(orjson.loads(told)))
    monkeypatch.setattr(s3, "clients", lambda settings: made(orjson.dumps(settings)))
    monkeypatch.setattr(s3_partition, "_WAIT", 0)


def taken(part: S3Partition, turns: int = 12) -> list[Batch]:
    """What a partition gives within some turns."""
    return [batch for _ in range(turns) if (batch := part.next_batch()) is not None]


def drained(world: World, settings: dict[str, Any]) -> Drained:
    """What a source gives until it is quiet."""
    with closing(world.source(settings)) as source:
        return drain(source)


def names(found: Sequence[str]) -> Counter[str]:
    """How many records came of each object."""
    return Counter(orjson.loads(text)["o"] for text in found)


def rejects(batches: Sequence[Batch]) -> list[str]:
    """Why records were refused."""
    runs: list[Records] = [run for batch in batches for run in batch.runs]
    return [reject.reason for run in runs for reject in run.rejects]


class TestConforms(Conformance):
    """A queue and a listing that tell of the same objects, in keys that need encoding."""

    module = s3

    @pytest.fixture
    def make_source(self, world: World) -> Callable[[], s3.S3Source]:
        """Objects that were there before the notifications, and objects that both tell of."""
        world.put("old/a.json", lines("a", 300))
        world.notify()
        world.put("new/b c+ü%20.json.gz", gzip.compress(lines("b", 300)))
        world.put("new//empty.json", b"")
        return lambda: world.source({**world.listing(), **world.queue()})

    @pytest.fixture
    def expected(self) -> list[str]:
        """Every line of every object."""
        return (lines("a", 300) + lines("b", 300)).decode().splitlines()


CUT_OFF = gzip.compress(lines("p", 5000))[:-900]


def parquet(count: int) -> bytes:
    """A Parquet file."""
    out = io.BytesIO()
    pq.write_table(pa.table({"o": ["p"] * count, "n": range(count)}), out, row_group_size=250)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "decoder"),
    [
        (zstandard.compress(lines("p", 600)), "json"),
        (bz2.compress(lines("p", 600)), "json"),
        (gzip.compress(lines("p", 250)) + gzip.compress(lines("p", 350)), "json"),
        (b'{"Records": [' + lines("p", 600).rstrip().replace(b"\n", b",") + b"]}", "json"),
        (parquet(600), "parquet"),
        (gzip.compress(parquet(600)), "parquet"),
        (CUT_OFF, "json"),
    ],
    ids=["zstd", "bzip2", "gzip members", "one document", "parquet", "packed parquet", "cut off"],
)
def test_objects_of_every_kind_resume_after_any_cut(world: World, data: bytes, decoder: str) -> None:
    """Unpacked by their first bytes, whatever their key; an object that is cut off has one reject at its end."""
    world.put("1", lines("first", 3))
    world.put("2", data)
    world.put("3", lines("last", 3))
    whole = check_cuts(lambda: world.source(world.listing(), FakeDecoder(decoder)))
    found = whole.texts()
    assert orjson.loads(found[0])["o"] == "first"
    assert orjson.loads(found[-1])["o"] == "last"
    assert len(found) > 600 or "Records" in found[3]
    assert len(rejects(whole.batches[ID])) == (data == CUT_OFF)


def test_a_message_is_deleted_when_its_objects_are_in_the_lake(world: World) -> None:
    """Not when they are read; a message with several objects behind the last of them."""
    events = [world.event(key, world.put(key, lines(key, 5))) for key in ("a", "b")]
    world.send(orjson.dumps({"Records": events}).decode())
    with world.partition(world.queue()) as part:
        batches = taken(part)
        assert names(texts(batches)) == {"a": 5, "b": 5}
        first = batches[0].runs[0].end
        part.acknowledge(Offset(first))
        assert world.messages() == 1
        part.acknowledge(batches[-1].next)
        assert world.messages() == 0


def test_an_object_is_read_once_however_often_it_is_told_of(world: World) -> None:
    """Twice by the queue, again after it was acknowledged, by another restart, and by the listing."""
    world.notify()
    etag = world.put("a", lines("a", 5))
    message = orjson.dumps({"Records": [world.event("a", etag)] * 2}).decode()
    both = {**world.listing(), **world.queue()}
    world.send(message)
    with world.partition(both) as part:
        batches = taken(part)
        world.send(message)
        batches += taken(part)
        part.acknowledge(batches[-1].next)
    world.send(message)
    with world.partition(both, batches[-1].next) as part:
        batches += taken(part)
        part.acknowledge(part.offset())
    assert names(texts(batches)) == {"a": 5}
    assert world.messages() == 0


def test_a_message_that_comes_again_while_its_object_is_in_hand_is_deleted_once_it_is_done(world: World) -> None:
    """Its new receipt replaces the old one, and nothing is read twice."""
    world.notify()
    world.put("a", lines("a", 5))
    with world.partition(world.queue(visibility_seconds=10)) as part:
        batches = taken(part, 2)
        receipts = [held.receipt for held in part.inbox.held.values()] if part.inbox else []
        for receipt in receipts:
            world.sqs.change_message_visibility(QueueUrl=world.queue_url, ReceiptHandle=receipt, VisibilityTimeout=0)
        batches += taken(part, 3)
        part.acknowledge(part.offset())
    assert names(texts(batches)) == {"a": 5}
    assert world.messages() == 0


def test_messages_in_hand_stay_hidden(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are hidden anew when half of their time is over."""
    world.notify()
    world.put("a", lines("a", 5))
    with world.partition(world.queue(visibility_seconds=10)) as part:
        taken(part, 2)
        assert part.inbox is not None
        hidden: list[str] = []

        def hide(_queue: s3_client.Queue, receipts: Sequence[str]) -> set[str]:
            hidden.extend(receipts)
            return set()

        monkeypatch.setattr(s3_client.Queue, "hide", hide)
        part.inbox.keep_hidden()
        assert hidden == []
        part.inbox._hidden -= 6
        part.inbox.keep_hidden()
        assert len(hidden) == 1


def test_a_listing_goes_on_in_pages_and_finds_what_comes_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys before and behind the page in hand; a restart in the middle of a pass goes on there."""
    monkeypatch.setattr(s3_client, "PAGE", 3)
    for number in range(10):
        world.put(f"k{number}", lines(f"k{number}", 2))
    with world.partition(world.listing()) as part:
        batches = taken(part, 2)
        assert 2 <= len(names(texts(batches))) < 10
        world.put("a", lines("a", 2))
        world.put("z", lines("z", 2))
        batches += taken(part, 1)
    with world.partition(world.listing(), batches[-1].next) as part:
        assert part.listing is not None
        assert any(told["after"] for told in part.listing.state.values())
        end = time.monotonic() + 10
        while part.listing.passes < 2 and time.monotonic() < end:
            batches += taken(part, 1)
    assert names(texts(batches)) == dict.fromkeys(["a", "z", *(f"k{number}" for number in range(10))], 2)


def test_a_backfill_ends_when_everything_was_read(world: World) -> None:
    """`once` lists one time, of every prefix; what does not fit is left out."""
    for key in ("x/1.json", "x/2.txt", "x/3.bak.json", "y/4.json", "z/5.json"):
        world.put(key, lines(key, 2))
    asked = world.listing(once=True, prefixes=["x/", "y"], include=["*.json"], exclude=["*.bak.*"])
    found = drained(world, asked)
    assert found.finished == {ID}
    assert names(found.texts()) == {"x/1.json": 2, "y/4.json": 2}


def test_a_time_limits_what_is_listed(world: World) -> None:
    """By when an object was written, in UTC where nothing else is said."""
    world.put("a", lines("a", 2))
    assert drained(world, world.listing(since="2999-01-01")).count() == 0
    assert drained(world, world.listing(until="2020-01-01T00:00:00Z")).count() == 0
    assert drained(world, world.listing(since="2020-01-01", until="2999-01-01")).count() == 2


def test_an_object_that_is_gone_is_told_and_the_others_are_read(world: World) -> None:
    """The reject names it; its message is deleted."""
    etag = world.put("a", lines("a", 5))
    world.send(orjson.dumps({"Records": [world.event("a", etag), world.event("never", "0" * 32)]}).decode())
    world.s3.delete_object(Bucket=world.name, Key="a")
    world.put("b", lines("b", 5))
    with world.partition({**world.queue(), **world.listing()}) as part:
        batches = taken(part)
        part.acknowledge(part.offset())
    assert names(texts(batches)) == {"b": 5}
    assert rejects(batches) == ["the object was deleted before it was read"] * 2
    raws = [reject.raw.decode() for batch in batches for run in batch.runs for reject in run.rejects]
    assert raws[0] == f"s3://{world.name}/a etag {etag} version - bytes 1"
    assert world.messages() == 0


def test_an_object_that_is_overwritten_is_read_as_it_is_now(world: World) -> None:
    """What was told is a reject; the new version is read once, also when a message tells of it later."""
    old = world.put("a", lines("old", 5))
    world.send(orjson.dumps({"Records": [world.event("a", old)]}).decode())
    new = world.put("a", lines("new", 7))
    with world.partition(world.queue()) as part:
        batches = taken(part, 3)
        world.send(orjson.dumps({"Records": [world.event("a", new)]}).decode())
        batches += taken(part, 3)
        world.put("a", lines("newest", 2))
    assert names(texts(batches)) == {"new": 7}
    assert rejects(batches) == ["the object was overwritten before it was read to its end"]
    with world.partition(world.listing(), batches[-1].next) as part:
        assert names(texts(taken(part))) == {"newest": 2}


def test_a_version_of_an_object_is_read_though_it_was_overwritten(world: World) -> None:
    """Where the bucket keeps versions and the message names one."""
    world.s3.put_bucket_versioning(Bucket=world.name, VersioningConfiguration={"Status": "Enabled"})
    events = [world.event("a", world.put("a", lines(name, 5))) for name in ("old", "new")]
    told = world.s3.list_object_versions(Bucket=world.name)["Versions"]
    versions = {one["ETag"].strip('"'): one["VersionId"] for one in told}
    for event in events:
        event["s3"]["object"]["versionId"] = versions[event["s3"]["object"]["eTag"]]
    world.send(orjson.dumps({"Records": events}).decode())
    with world.partition(world.queue()) as part:
        assert names(texts(taken(part))) == {"old": 5, "new": 5}


@pytest.mark.parametrize(("choice", "left"), [("leave", 1), ("delete", 0)])
def test_a_message_that_names_no_object_is_quarantined_once(world: World, choice: str, left: int) -> None:
    """And left for the dead letters, or deleted."""
    for _ in range(left + 1):
        world.send("what is this?")
    with world.partition(world.queue(unreadable_messages=choice)) as part:
        batches = taken(part, 3)
        part.acknowledge(part.offset())
    runs = [run for batch in batches for run in batch.runs]
    assert [(r.raw, r.reason) for run in runs for r in run.rejects] == [
        (b"what is this?", "the message of the queue names no object")
    ]
    assert world.messages() == (left + 1 if left else 0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "neither `queue_url` nor `bucket`"),
        ({"bucket": "b", "queue_url": "q", "once": True}, "`once` and `queue_url`"),
        ({"bucket": "b", "access_key_id": "a"}, "go together"),
        ({"bucket": "b", "since": "yesterday"}, "`since` is no time: `yesterday`"),
        ({"bucket": "b", "since": "2026-01-02", "until": "2026-01-01"}, "not before"),
    ],
)
def test_settings_that_do_not_fit_are_told(world: World, settings: dict[str, Any], message: str) -> None:
    """Before anything is asked of the far end."""
    with pytest.raises(SourceError, match=message):
        world.source(settings)


def test_what_is_not_there_is_told(world: World) -> None:
    """A bucket and a queue that do not exist, and a port where nobody listens."""
    asked = world.settings()
    with world.partition({**asked, "bucket": "no-such"}) as part, pytest.raises(SourceError, match="404 NoSuchBucket"):
        part.next_batch()
    gone = f"{world.queue_url}-gone"
    with (
        world.partition({**asked, "queue_url": gone}) as part,
        pytest.raises(SourceError, match=r"cannot receive from .* (404|400)"),
    ):
        part.next_batch()
    nobody = {**world.listing(), "endpoint_url": "http://127.0.0.1:9"}
    with world.partition(nobody) as part, pytest.raises(SourceError, match="cannot list") as told:
        part.next_batch()
    assert "endpoint_url" in str(told.value.hint)
