"""How fast do messages come out of Kafka into Arrow: our connector, the client under it, and confluent-kafka?

python -m benchmarks.kafka_consume [MESSAGES [CODEC...]]     needs Apache Kafka fetched, see tests/connectors/brokers
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

sys.path.insert(0, str(Path(__file__).parents[1] / "connectors"))

from ocsf_connectors.kafka import connect
from ocsf_pipe.source import Records
from ocsf_pipe.testing.connectors import context
from tests.connectors.brokers.apache_kafka import ApacheKafka, available
from tests.connectors.brokers.kafka_topics import ready, settings, topic

SIZE = 1000


@dataclass(frozen=True, slots=True)
class AsText:
    """A decoder that costs next to nothing: every message is one record."""

    def read(self, *_: Any, **__: Any) -> Any:
        """Not asked for."""
        raise NotImplementedError

    def parse(
        self, messages: pa.LargeBinaryArray, positions: pa.Int64Array, end: int, kind: str = ""
    ) -> tuple[Records, ...]:
        """Return the messages as they are."""
        subs = pa.array(np.zeros(len(messages), np.int32))
        return (Records(messages.cast(pa.large_string()), positions, subs, end, format=kind),)


def fill(address: str, name: str, count: int, codec: str | None) -> None:
    """Write messages of about SIZE bytes that compress as logs do."""
    rng = np.random.default_rng(7)
    words = ["".join(chr(97 + c) for c in rng.integers(0, 26, 8)) for _ in range(2000)]
    texts = [" ".join(words[i] for i in rng.integers(0, 2000, SIZE // 9)).encode() for _ in range(997)]
    producer = KafkaProducer(
        bootstrap_servers=address, compression_type=codec, batch_size=1 << 18, linger_ms=50, acks=1
    )
    for index in range(count):
        producer.send(name, texts[index % 997], partition=0)
    producer.flush(60)
    producer.close()


def ours(address: str, name: str, count: int) -> int:
    """Read with the connector."""
    with tempfile.TemporaryDirectory() as folder:
        source = connect(settings(address, name), context(Path(folder), decoder=AsText()))
        (one,) = ready(source)
        partition, size = source.open(one), 0
        while partition.offset().position < count:
            batch = partition.next_batch()
            size += sum(run.raw.nbytes for run in batch.runs) if batch else 0
            if batch is None:
                time.sleep(0.005)
        source.close()
    return size


def kafka_python(address: str, name: str, count: int) -> int:
    """Read with the client alone, message by message into Arrow."""
    consumer = KafkaConsumer(bootstrap_servers=address, enable_auto_commit=False, max_partition_fetch_bytes=4 << 20)
    consumer.assign([TopicPartition(name, 0)])
    consumer.seek_to_beginning()
    got = size = 0
    while got < count:
        for found in consumer.poll(500, max_records=10_000).values():
            size += pa.array([record.value for record in found], pa.large_binary()).nbytes
            got += len(found)
    consumer.close()
    return size


def confluent(address: str, name: str, count: int) -> int:
    """Read with librdkafka, message by message into Arrow."""
    from confluent_kafka import Consumer
    from confluent_kafka import TopicPartition as Place

    consumer = Consumer({"bootstrap.servers": address, "group.id": "bench", "enable.auto.commit": False})
    consumer.assign([Place(name, 0, 0)])
    got = size = 0
    while got < count:
        found = [message.value() for message in consumer.consume(10_000, 0.5) if message.error() is None]
        size += pa.array(found, pa.large_binary()).nbytes
        got += len(found)
    consumer.close()
    return size


def measured(read: Callable[[str, str, int], int], address: str, name: str, count: int) -> dict[str, float]:
    """Run once and say records and megabytes a second, and CPU seconds for a million records."""
    wall, cpu = time.perf_counter(), time.process_time()
    size = read(address, name, count)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "records_s": round(count / wall),
        "mb_s": round(size / wall / 1e6, 1),
        "cpu_s_per_million": round(cpu / count * 1e6, 2),
    }


def main(count: int, codecs: list[str]) -> None:
    """Print one line of JSON for each client and codec."""
    readers = [("ours", ours), ("kafka-python", kafka_python)]
    if importlib.util.find_spec("confluent_kafka"):
        readers.append(("confluent-kafka", confluent))
    with tempfile.TemporaryDirectory() as folder:
        broker = ApacheKafka(Path(folder))
        broker.start()
        try:
            for codec in codecs:
                name = topic(broker.address(), f"bench-{codec}")
                fill(broker.address(), name, count, None if codec == "none" else codec)
                for client, read in readers:
                    found = measured(read, broker.address(), name, count)
                    print(json.dumps({"client": client, "codec": codec, "records": count, **found}), flush=True)
        finally:
            broker.kill()


if __name__ == "__main__":
    if not available():
        raise SystemExit("fetch Apache Kafka first: python tests/connectors/brokers/apache_kafka.py fetch")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000, sys.argv[2:] or ["none", "zstd", "lz4", "snappy", "gzip"])
