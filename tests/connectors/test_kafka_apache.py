"""What only Apache Kafka itself can show: TLS and SASL, transactions, retention, restarts, `latest`.

The broker is fetched beforehand, with `python tests/connectors/brokers/apache_kafka.py fetch`, never by a test.
"""

from __future__ import annotations

import gc
import logging
import subprocess
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from ocsf_connectors.kafka import connect
from ocsf_connectors.kafka_batches import TOMBSTONE
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Offset
from ocsf_pipe.testing.connectors import MemoryLedger, check_cuts, context, drain, items, texts
from tests.connectors.brokers.apache_kafka import ApacheKafka, available
from tests.connectors.brokers.kafka_topics import events, next_of, produce, pump, ready, settings, topic

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not available(), reason="no Java, or Apache Kafka was not fetched"),
]
PASSWORD = "p w,\"'é"
_JAAS = "org.apache.kafka.common.security"


@pytest.fixture(autouse=True)
def sockets_left(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The client leaves the sockets of refused connections to the collector, which tells; its log holds on to them."""
    with caplog.at_level(logging.CRITICAL, "kafka"):
        yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a broker of 127.0.0.1, and a client, as PEM; and an authority that nobody knows."""
    folder = tmp_path_factory.mktemp("pem")
    for name in ("ca", "stranger"):
        openssl(folder, "req -x509 -newkey rsa:2048 -nodes -days 2", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                "-out", f"{name}.pem")  # fmt: skip
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ("broker", "client"):
        openssl(folder, "req -newkey rsa:2048 -nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", "csr")
        signed = "x509 -req -days 2 -CA ca.pem -CAkey ca.key -CAcreateserial -extfile san -in csr"
        openssl(folder, signed, "-out", f"{name}.pem")
    openssl(folder, "pkcs8 -topk8 -in client.key -passout pass:hush -v2 aes256", "-out", "locked.key")
    (folder / "store.pem").write_text((folder / "broker.key").read_text() + (folder / "broker.pem").read_text())
    return folder


def openssl(folder: Path, words: str, *more: str) -> None:
    """Run it."""
    subprocess.run(["openssl", *words.split(), *more], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[ApacheKafka]:
    """One broker with every way to come in."""
    escaped = PASSWORD.replace('"', '\\\\"').encode("ascii", "backslashreplace").decode().replace("\\xe9", "\\u00e9")
    more = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates / "store.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates / "ca.pem"),
        "listener.name.mutual.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    }
    for listener in ("cleartext", "secret"):
        plain = f'{_JAAS}.plain.PlainLoginModule required user_plain="{escaped}";'
        more[f"listener.name.{listener}.plain.sasl.jaas.config"] = plain
        for bits in ("256", "512"):
            login = f"{_JAAS}.scram.ScramLoginModule required;"
            more[f"listener.name.{listener}.scram-sha-{bits}.sasl.jaas.config"] = login
    listeners = {
        "PLAIN": "PLAINTEXT",
        "TLS": "SSL",
        "MUTUAL": "SSL",
        "CLEARTEXT": "SASL_PLAINTEXT",
        "SECRET": "SASL_SSL",
    }
    found = ApacheKafka(tmp_path_factory.mktemp("kafka"), listeners, more, {"scram": "scram-secret"})
    found.start()
    yield found
    found.kill()


@pytest.fixture(scope="module")
def filled(broker: ApacheKafka) -> str:
    """A topic with five messages."""
    name = topic(broker.address(), "filled")
    produce(broker.address(), name, events(0, 5))
    return name


def sasl(mechanism: str) -> dict[str, Any]:
    """The user that the broker knows."""
    if mechanism == "PLAIN":
        return {"mechanism": mechanism, "user": "plain", "password": PASSWORD}
    return {"mechanism": mechanism, "user": "scram", "password": "scram-secret"}


@pytest.mark.parametrize("mechanism", [None, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("tls", [False, True])
def test_every_way_in_is_open_to_who_may(
    broker: ApacheKafka, filled: str, certificates: Path, tmp_path: Path, mechanism: str | None, *, tls: bool
) -> None:
    """TLS with an authority of one's own, every mechanism of SASL, and both; as a member of a group."""
    listener = {(False, False): "PLAIN", (True, False): "TLS", (False, True): "CLEARTEXT", (True, True): "SECRET"}
    more: dict[str, Any] = {"tls": {"ca_file": str(certificates / "ca.pem")}} if tls else {}
    if mechanism:
        more["sasl"] = sasl(mechanism)
    address = broker.address(listener[tls, mechanism is not None])
    source = connect(
        settings(address, filled, membership="group", group=f"g{tls}{mechanism}", **more), context(tmp_path)
    )
    ready(source)
    assert len(drain(source, records=5).texts()) == 5
    source.close()


def test_a_client_shows_its_certificate(broker: ApacheKafka, filled: str, certificates: Path, tmp_path: Path) -> None:
    """With a key that has a password."""
    pem = {"ca_file": "ca.pem", "certificate_file": "client.pem", "key_file": "locked.key"}
    tls = {**{key: str(certificates / name) for key, name in pem.items()}, "key_password": "hush"}
    source = connect(settings(broker.address("MUTUAL"), filled, tls=tls), context(tmp_path))
    ready(source)
    assert len(drain(source, records=5).texts()) == 5
    source.close()
    with pytest.raises(SourceError, match="cannot be used"):
        connect(settings(broker.address("MUTUAL"), filled, tls={**tls, "key_password": "wrong"}), context(tmp_path))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("listener", "more"),
    [
        ("SECRET", {"tls": {"ca_file": "stranger.pem"}, "sasl": sasl("SCRAM-SHA-512")}),
        ("SECRET", {"tls": {"ca_file": "ca.pem"}, "sasl": {**sasl("SCRAM-SHA-512"), "password": "wrong-secret"}}),
        ("SECRET", {"tls": {"ca_file": "ca.pem"}, "sasl": {**sasl("PLAIN"), "password": "wrong-secret"}}),
        ("MUTUAL", {"tls": {"ca_file": "ca.pem"}}),
        ("TLS", {}),
    ],
    ids=["unknown authority", "wrong scram password", "wrong plain password", "no certificate", "no tls"],
)
def test_who_may_not_come_in_is_told_so(
    broker: ApacheKafka, filled: str, certificates: Path, tmp_path: Path, listener: str, more: dict[str, Any]
) -> None:
    """And the password is not in the words."""
    if "tls" in more:
        more = {**more, "tls": {"ca_file": str(certificates / more["tls"]["ca_file"])}}
    source = connect(settings(broker.address(listener), filled, **more), context(tmp_path))
    with pytest.raises(SourceError) as caught:
        ready(source, seconds=25)
    source.close()
    assert "wrong-secret" not in f"{caught.value}{caught.value.hint}"


def test_every_cut_of_transactions_makes_the_whole(broker: ApacheKafka, tmp_path: Path) -> None:
    """What was aborted, and the markers, leave gaps in the offsets and nothing in the lake."""
    name = topic(broker.address(), "transactions")
    produce(broker.address(), name, events(0, 20), codec="zstd")
    producer = KafkaProducer(bootstrap_servers=broker.address(), transactional_id="t", batch_size=500)
    producer.init_transactions()
    for number in range(6):
        producer.begin_transaction()
        for value in events(1000 * number, 10):
            producer.send(name, value, partition=0)
        producer.flush()
        (producer.abort_transaction if number % 2 else producer.commit_transaction)()
    producer.close()
    produce(broker.address(), name, [None, *events(20, 20)])
    ledger = MemoryLedger()
    expected = [e.decode() for first, count in ((0, 40), (0, 10), (2000, 10), (4000, 10)) for e in events(first, count)]
    whole = check_cuts(lambda: settled(settings(broker.address(), name), tmp_path, ledger), expected, timeout=20)
    ((_, end),) = whole.offsets.items()
    assert end == Offset(20 + 60 + 6 + 21)
    source = settled(settings(broker.address(), name, isolation="read_uncommitted"), tmp_path, ledger)
    assert len(drain(source, records=101).texts()) == 100
    source.close()


def settled(given: dict[str, Any], folder: Path, ledger: MemoryLedger) -> Any:
    """A source that has its partitions."""
    source = connect(given, context(folder, ledger=ledger))
    ready(source)
    return source


def delete_before(broker: ApacheKafka, name: str, offset: int) -> None:
    """Take messages away, as retention does."""
    admin = KafkaAdminClient(bootstrap_servers=broker.address())
    admin.delete_records({TopicPartition(name, 0): offset})
    admin.close()


def test_messages_deleted_before_they_were_read_are_one_reject(broker: ApacheKafka, tmp_path: Path) -> None:
    """It names them, comes again the same after a crash though more was deleted, and the rest follows."""
    name = topic(broker.address(), "retention")
    produce(broker.address(), name, events(0, 100))
    ledger = MemoryLedger()
    source = settled(settings(broker.address(), name), tmp_path, ledger)
    (one,) = source.partitions()
    assert items([next_of(source.open(one))])
    source.close()
    delete_before(broker, name, 60)
    source = settled(settings(broker.address(), name), tmp_path, ledger)
    found = drain(source, offsets={one: Offset(10)}, records=41)
    source.close()
    first, *rest = items(found.batches[one])
    assert (first.position, first.rejected) == (10, True)
    assert [item.position for item in rest] == list(range(60, 100))
    reject = found.batches[one][0].runs[0].rejects[0]
    assert reject.reason == "offsets 10 to 59 were deleted by Kafka before they were read"
    delete_before(broker, name, 80)
    source = settled(settings(broker.address(), name), tmp_path, ledger)
    found = drain(source, offsets={one: Offset(10)}, records=22)
    source.close()
    assert [item.position for item in items(found.batches[one])] == [10, 60, *range(80, 100)]
    assert found.batches[one][0].next == Offset(60)


def test_where_it_is_wanted_a_gap_stops_the_source(broker: ApacheKafka, tmp_path: Path) -> None:
    """Until somebody says otherwise."""
    name = topic(broker.address(), "stops")
    produce(broker.address(), name, events(0, 100))
    source = settled(settings(broker.address(), name), tmp_path, ledger := MemoryLedger())
    source.close()
    delete_before(broker, name, 60)
    source = settled(settings(broker.address(), name, on_gap="stop"), tmp_path, ledger)
    (one,) = source.partitions()
    partition = source.open(one, Offset(10))
    with pytest.raises(SourceError, match="offsets 10 to 59 were deleted") as caught:
        next_of(partition)
    assert "on_gap" in str(caught.value.hint)
    source.close()


def test_latest_is_where_it_stood_at_the_first_look(broker: ApacheKafka, tmp_path: Path) -> None:
    """A crash before the first commit changes nothing; what came in between is read."""
    name = topic(broker.address(), "latest")
    produce(broker.address(), name, events(0, 30))
    ledger = MemoryLedger()
    settled(settings(broker.address(), name, start="latest"), tmp_path, ledger).close()
    produce(broker.address(), name, events(30, 5))
    source = settled(settings(broker.address(), name, start="latest"), tmp_path, ledger)
    ((_, batches),) = drain(source, records=5).batches.items()
    source.close()
    assert [item.position for item in items(batches)] == list(range(30, 35))


def test_a_log_that_lost_its_end_goes_on_under_another_id(broker: ApacheKafka, tmp_path: Path) -> None:
    """The lake says that more was read than the log holds: it was cut, and its offsets will come again."""
    name = topic(broker.address(), "cut")
    produce(broker.address(), name, events(0, 30))
    ledger = MemoryLedger()
    source = settled(settings(broker.address(), name), tmp_path, ledger)
    (one,) = source.partitions()
    partition = source.open(one, Offset(50))
    until = time.monotonic() + 10
    while (names := list(source.partitions())) == [one]:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert names == [f"{one}~2"]
    with pytest.raises(SourceError):
        partition.next_batch()
    produce(broker.address(), name, events(90, 3))
    again = drain(source, records=4)
    source.close()
    first, *rest = items(again.batches[f"{one}~2"])
    assert (first.position, first.sub, first.rejected) == (30, -1, True)
    assert [item.position for item in rest] == [30, 31, 32]


def test_a_topic_that_is_not_there_is_told(
    broker: ApacheKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not made by asking for it; once it is there it is read."""
    monkeypatch.setattr("ocsf_connectors.kafka_poller.PROBE_EVERY", 0.2)
    source = connect(settings(broker.address(), "later", membership="group"), context(tmp_path))
    with pytest.raises(SourceError, match="there is no topic `later`"):
        ready(source)
    topic(broker.address(), "later")
    until = time.monotonic() + 10
    names: list[str] = []
    while not names and time.monotonic() < until:
        try:
            names = list(source.partitions())
        except SourceError:
            time.sleep(0.05)
    assert len(names) == 1
    source.close()


@pytest.mark.parametrize("assignment", ["cooperative", "eager"])
def test_rebalances_lose_nothing_and_double_nothing(broker: ApacheKafka, tmp_path: Path, assignment: str) -> None:
    """Either way of sharing; a second worker comes, the first goes."""
    name = topic(broker.address(), f"shared-{assignment}", 4)
    lake: dict[str, int] = {}
    got: list[tuple[str, int, str]] = []
    ledger = MemoryLedger()
    given = settings(broker.address(), name, membership="group", group=name, assignment=assignment)
    first, second = (connect(given, context(tmp_path, ledger=ledger)) for _ in range(2))
    ready(first, 4)
    for number in range(4):
        produce(broker.address(), name, events(1000 * number, 50), number, codec="lz4")
    pump([first], lake, got, 40)
    second.partitions()
    pump([first, second], lake, got, 200, both=True)
    for number in range(4):
        produce(broker.address(), name, events(1000 * number + 50, 50), number)
    pump([first, second], lake, got, 300)
    first.close()
    pump([second], lake, got, 400)
    second.close()
    assert sorted(text for _, _, text in got) == sorted(e.decode() for n in range(4) for e in events(1000 * n, 100))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_is_killed_comes_back_with_everything(tmp_path: Path) -> None:
    """The source waits; the same partition goes on, and no message is lost or comes twice."""
    broker = ApacheKafka(tmp_path)
    broker.start()
    try:
        name = topic(broker.address(), "durable")
        produce(broker.address(), name, events(0, 50))
        source = settled(settings(broker.address(), name), tmp_path, MemoryLedger())
        (one,) = source.partitions()
        found = drain(source, records=50)
        broker.kill()
        time.sleep(1)
        broker.start()
        produce(broker.address(), name, events(50, 50))
        until, rest = time.monotonic() + 60, None
        while rest is None and time.monotonic() < until:
            try:
                rest = drain(source, offsets=found.offsets, records=50, timeout=30)
            except SourceError:  # it was away for long enough to be told; a worker waits and begins anew, too
                time.sleep(0.5)
        assert rest is not None
        source.close()
        assert texts(found.batches[one]) + texts(rest.batches[one]) == [e.decode() for e in events(0, 100)]
    finally:
        broker.kill()


def test_tombstones_are_told(broker: ApacheKafka, tmp_path: Path) -> None:
    """Of a compacted topic as of any other."""
    name = topic(broker.address(), "tombstones")
    produce(broker.address(), name, [b'{"a":1}', None])
    source = settled(settings(broker.address(), name), tmp_path, MemoryLedger())
    ((_, batches),) = drain(source, records=2).batches.items()
    source.close()
    assert [r.reason for batch in batches for run in batch.runs for r in run.rejects] == [TOMBSTONE]
