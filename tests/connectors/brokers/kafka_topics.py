"""What the tests of the Kafka connector do with a broker: make topics, write to them, and read as a worker does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from ocsf_connectors.kafka_source import KafkaSource
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Batch, Offset, Partition
from ocsf_pipe.testing.connectors import items


def topic(address: str, name: str, partitions: int = 1) -> str:
    """Make a topic."""
    admin = KafkaAdminClient(bootstrap_servers=address)
    try:
        admin.create_topics({name: {"num_partitions": partitions, "replication_factor": 1}})
    finally:
        admin.close()
    return name


def produce(
    address: str, name: str, values: Sequence[bytes | None], partition: int = 0, codec: str | None = None
) -> None:
    """Write messages, in order."""
    producer = KafkaProducer(
        bootstrap_servers=address, compression_type=codec, enable_idempotence=False, batch_size=2000, linger_ms=5
    )
    try:
        sent = [producer.send(name, value, key=b"key", partition=partition) for value in values]
        producer.flush(10)
        assert all(one.succeeded() for one in sent)
    finally:
        producer.close()


def events(first: int, count: int, size: int = 100) -> list[bytes]:
    """Messages that differ."""
    return [b'{"i":%d,"x":"%s"}' % (i, b"x" * size) for i in range(first, first + count)]


def settings(address: str, *topics: str, **more: Any) -> dict[str, Any]:
    """What a pipeline file would say; alone, since this broker takes three seconds for a group to form."""
    return {"servers": [address], "topics": list(topics), "membership": "alone", "session_seconds": 6, **more}


def ready(source: KafkaSource, count: int = 1, seconds: float = 15) -> list[str]:
    """Wait until so many partitions are ours."""
    until = time.monotonic() + seconds
    while len(names := list(source.partitions())) < count:
        assert time.monotonic() < until, f"{names} are ours, not {count}"
        time.sleep(0.02)
    return names


def next_of(partition: Partition, seconds: float = 10) -> Batch:
    """Wait for the next batch."""
    until = time.monotonic() + seconds
    while (batch := partition.next_batch()) is None:
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.01)
    return batch


def pump(
    sources: list[KafkaSource], lake: dict[str, int], got: list[tuple[str, int, str]], until: int, *, both: bool = False
) -> None:
    """Read sources in turn as workers do, committing to a lake that takes a batch only where it stands.

    Goes on until so many records are there and, with `both`, each source has partitions of its own and none is shared.
    """
    opened: list[dict[str, Partition]] = [{} for _ in sources]
    end = time.monotonic() + 25
    while True:
        owned = [set(source.partitions()) for source in sources]
        if len(got) >= until and (not both or (all(owned) and sum(map(len, owned)) == len(set().union(*owned)) == 4)):
            break
        assert time.monotonic() < end, f"{len(got)} of {until} records came; owned: {owned}"
        for source, mine, names in zip(sources, opened, owned, strict=True):
            for gone in set(mine) - names:
                mine.pop(gone).close()
            for one in names:
                try:
                    step(source, mine, one, lake, got)
                except SourceError:
                    if one in mine:
                        mine.pop(one).close()
        time.sleep(0.005)
    for mine in opened:
        for partition in mine.values():
            partition.close()


def step(
    source: KafkaSource, mine: dict[str, Partition], name: str, lake: dict[str, int], got: list[tuple[str, int, str]]
) -> None:
    """Read one batch; it is fenced where the lake stands elsewhere."""
    if name not in mine:
        mine[name] = source.open(name, Offset(lake.get(name, 0)))
    batch = mine[name].next_batch()
    if batch is None:
        return
    if lake.get(name, 0) != batch.start.position:
        mine.pop(name).close()
        return
    got += [(name, item.position, item.raw.decode()) for item in items([batch])]
    lake[name] = batch.next.position
    mine[name].acknowledge(batch.next)
