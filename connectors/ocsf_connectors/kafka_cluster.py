"""The client of one Kafka cluster, and all that is asked of it which it does not offer in public."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka import errors as kafka_errors
from kafka.net.compat import KafkaNetClient

from ocsf_connectors.kafka_batches import Frame
from ocsf_connectors.kafka_flow import FrameRecords

ANSWER_MS = 3000
POLL_MS = 200


@dataclass(slots=True)
class Cluster:
    """One consumer. Everything here but `seek`, `pause` and `resume` belongs to one thread.

    Whatever waits for the cluster waits ANSWER_MS at most, and raises KafkaTimeoutError then.
    """

    consumer: Any

    @staticmethod
    def reached(settings: Mapping[str, Any]) -> Cluster:
        """Connect; raises an error of the client, or OSError, where no broker answers or lets us in."""
        clients: list[Any] = []

        def client(**config: Any) -> Any:
            clients.append(KafkaNetClient(**config))
            return clients[-1]

        try:
            consumer = KafkaConsumer(kafka_client=client, **settings)
        except Exception as error:  # noqa: BLE001 - raised again, or what is behind it
            for one in clients:  # a consumer that cannot connect leaves its thread and sockets behind
                one.close()
            refused = [why for one in clients for why in one._manager._auth_failures.values()]  # noqa: SLF001
            raise (refused[0] if refused else error) from None
        consumer._cluster.config["allow_auto_create_topics"] = False  # noqa: SLF001 - it is not handed down
        consumer._fetcher.PartitionRecords = FrameRecords  # noqa: SLF001 - see FrameRecords
        return Cluster(consumer)

    @property
    def name(self) -> str:
        """What the cluster calls itself; clusters from before Kafka 0.10.1 do not."""
        return str(self._known.cluster_id or "kafka")

    @property
    def _known(self) -> Any:
        return self.consumer._cluster  # noqa: SLF001 - the metadata has no public name

    def join(self, topics: tuple[str, ...], pattern: str | None, listener: ConsumerRebalanceListener) -> None:
        """Become a member of the group, which tells the listener from a thread of the client."""
        self.consumer.subscribe(topics=topics, pattern=pattern, listener=listener)

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Read just these, without a group; those that were read before keep their place."""
        self.consumer.assign(sorted(partitions))

    def partitions(self, topics: tuple[str, ...], pattern: str | None) -> set[TopicPartition]:
        """Ask for every partition of the topics, or of those whose names begin as the pattern says."""
        self._known.need_all_topic_metadata = pattern is not None
        if pattern is None:
            self._known.set_topics(topics)
        self.refresh()
        names = [name for name in self._known.topics() if re.match(pattern, name)] if pattern is not None else topics
        return {TopicPartition(name, number) for name in names for number in self.numbers(name)}

    def numbers(self, topic: str) -> set[int]:
        """Return the partitions of a topic as last heard; empty where there is no such topic."""
        return set(self._known.partitions_for_topic(topic) or ())

    def topic_id(self, topic: str) -> str | None:
        """Return the id of a topic as last heard; None where the cluster gives none."""
        found = self._known.topic_id(topic)
        return str(found) if found is not None and found.int else None

    def refresh(self) -> None:
        """Ask again what topics there are; the public ways to this wait without an end.

        That one of them is not there is no error: it may come, and the others are read.
        """
        manager = self.consumer._manager  # noqa: SLF001
        with contextlib.suppress(kafka_errors.UnknownTopicOrPartitionError):
            self.consumer._net.run(manager.wait_for, self._known.request_update(), ANSWER_MS)  # noqa: SLF001

    def begins(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Ask for the first offset of each partition that is still there."""
        return dict(self.consumer.beginning_offsets(list(partitions), timeout_ms=ANSWER_MS))

    def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Ask for the offset behind the last message of each partition."""
        return dict(self.consumer.end_offsets(list(partitions), timeout_ms=ANSWER_MS))

    def most(self, partition: TopicPartition) -> int | None:
        """Return where the log ends as the last fetch told; None before the first."""
        found = self.consumer.highwater(partition)
        return None if found is None else int(found)

    def poll(self) -> dict[TopicPartition, list[Frame]]:
        """Return what was fetched, waiting POLL_MS at most; keeps the membership of the group alive."""
        return dict(self.consumer.poll(timeout_ms=POLL_MS, max_records=1 << 16))

    def hold(self, partition: TopicPartition) -> None:
        """Fetch nothing of a partition; a place it has, so that the group's own is not asked for."""
        self.consumer.seek(partition, 0)
        self.consumer.pause(partition)

    def read_from(self, partition: TopicPartition, offset: int) -> None:
        """Fetch a partition from an offset on."""
        self.consumer.seek(partition, offset)
        self.consumer.resume(partition)

    def commit(self, offsets: Mapping[TopicPartition, int], told: Any) -> None:
        """Tell the group; `told` is called later with the offsets and the answer, or the error."""
        self.consumer.commit_async({tp: OffsetAndMetadata(at, "", -1) for tp, at in offsets.items()}, callback=told)

    def close(self) -> None:
        """Leave the group and let go of all connections."""
        self.consumer.close(autocommit=False, timeout_ms=ANSWER_MS)
