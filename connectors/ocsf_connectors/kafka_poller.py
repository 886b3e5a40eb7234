"""The thread that polls Kafka: it keeps the group's heartbeat while batches are mapped, and fills the flows."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import ConsumerRebalanceListener, TopicPartition
from kafka import errors as kafka_errors

from ocsf_connectors.kafka_batches import Frame
from ocsf_connectors.kafka_cluster import Cluster
from ocsf_connectors.kafka_flow import Flow, again
from ocsf_connectors.kafka_losses import Losses
from ocsf_connectors.kafka_notes import Notes, Place
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Ledger

LOG = logging.getLogger("ocsf_connectors.kafka")
PROBE_EVERY = 5.0
SILENT_FOR = 15.0
"""Seconds without an answer of the cluster after which that is told."""


@dataclass(frozen=True, slots=True)
class Wants:
    """What a source wants of Kafka, beside how to reach it.

    topics or pattern: what to read. alone: without a group, all of it. cluster: the name in partition ids; empty for
    what the cluster calls itself. buffer: bytes as they came, over all partitions.
    """

    client: Mapping[str, Any]
    topics: tuple[str, ...]
    pattern: str | None
    cluster: str
    start: str
    on_gap: str
    buffer: int
    alone: bool = False


@dataclass(slots=True, eq=False)
class Poller(ConsumerRebalanceListener):  # type: ignore[misc]  # the client publishes no types
    """One consumer and its thread; everything that talks to the cluster is done there.

    flows: the opened partitions. owned: the partitions that are this worker's, in this generation of the group.
    """

    wants: Wants
    ledger: Ledger
    notes: Notes | None = None
    flows: dict[TopicPartition, Flow] = field(default_factory=dict)
    owned: set[TopicPartition] = field(default_factory=set)
    _places: dict[TopicPartition, tuple[Place, str | None]] = field(default_factory=dict)
    _error: SourceError | None = None
    _commits: dict[TopicPartition, int] = field(default_factory=dict)
    _cluster: Cluster | None = None
    _closing: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _thread: threading.Thread | None = None
    _answered: float = 0.0
    _probed: float = 0.0

    # ------------------------------------------------------------------ asked by the source, from its thread

    def begin(self) -> None:
        """Start the thread, once."""
        if self._thread is None:
            self._answered = time.monotonic()
            self._thread = threading.Thread(target=self._run, name="kafka poll", daemon=True)
            self._thread.start()

    def places(self) -> list[str]:
        """Return the ids of the partitions that are owned and known; raises what is wrong with the cluster."""
        with self._lock:
            if self._error is not None:
                raise again(self._error)
            cluster = self.notes.cluster if self.notes else ""
            return [place.name(cluster) for tp, (place, _) in self._places.items() if tp in self.owned]

    def place(self, partition: str) -> tuple[TopicPartition | None, Place | None]:
        """Return which partition an id names; None and None when it is not ours now."""
        with self._lock:
            cluster = self.notes.cluster if self.notes else ""
            found = (
                one for one in self._places.items() if one[0] in self.owned and one[1][0].name(cluster) == partition
            )
            tp, (place, _) = next(found, (None, (None, None)))
            return tp, place

    def open(self, tp: TopicPartition, place: Place, position: int, lost: list[Frame]) -> Flow:
        """Begin a flow at a position, or behind `lost`; raises SourceError where the partition is not ours any more."""
        with self._lock:
            now, topic_id = self._places.get(tp, (None, None))
            if now != place or tp not in self.owned:
                raise SourceError(f"`{tp.topic}/{tp.partition}` is not this worker's any more", "it is read elsewhere")
            self._end(tp, SourceError(f"`{tp.topic}/{tp.partition}` was opened again"))
            flow = self.flows[tp] = Flow(place, tp, topic_id, position)
            flow.put(lost)
        return flow

    def commit(self, flow: Flow, position: int) -> None:
        """Tell the group how far the lake is, when there is time; for whoever watches its lag, not for us."""
        if not flow.over:
            with self._lock:
                self._commits[flow.tp] = position

    def drop(self, flow: Flow) -> None:
        """End a flow; the partition may be opened again."""
        with self._lock:
            flow.give_up()
            if self.flows.get(flow.tp) is flow:
                del self.flows[flow.tp]

    def close(self) -> None:
        """Leave the group and end the thread; waits for it some seconds."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(10)

    # ------------------------------------------------------------------ told by the client, from its own thread

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Hold new partitions until they are opened; the group's own offsets are not asked for."""
        with self._lock:
            for tp in assigned:
                if self._cluster is not None:
                    self._cluster.hold(tp)
                self.owned.add(tp)
                self._end(tp, SourceError(f"`{tp.topic}/{tp.partition}` was assigned anew", "it is opened again"))

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Hand over nothing more of what is another worker's now."""
        with self._lock:
            for tp in revoked:
                self.owned.discard(tp)
                self._places.pop(tp, None)
                self._commits.pop(tp, None)
                flow = self.flows.get(tp)
                if flow is not None:
                    flow.give_up()

    def _end(self, tp: TopicPartition, error: SourceError) -> None:
        flow = self.flows.pop(tp, None)
        if flow is not None:
            flow.give_up(error)

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        wait = 0.5
        while not self._closing.is_set():
            try:
                cluster = self._cluster or self._connect()
                self._turn(cluster)
                wait = 0.5
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the client made anew
                if self._closing.is_set():
                    break
                LOG.warning("kafka: %s", str(error))
                self._leave()
                with self._lock:
                    self._error = told(error)
                self._closing.wait(wait)
                wait = min(30.0, wait * 2)
        self._leave()

    def _connect(self) -> Cluster:
        cluster = Cluster.reached(self.wants.client)
        self.notes = Notes(self.ledger, self.wants.cluster or cluster.name)
        self._cluster = cluster
        if self.wants.alone:
            self._assign(cluster)
        else:
            cluster.join(self.wants.topics, self.wants.pattern, self)
        self._answered = self._probed = time.monotonic()
        return cluster

    def _assign(self, cluster: Cluster) -> None:
        """Take every partition there is, where there is no group to share with."""
        there = cluster.partitions(self.wants.topics, self.wants.pattern)
        if there != self.owned:
            self.on_partitions_revoked(self.owned - there)
            cluster.assign(there)
            self.on_partitions_assigned(there - self.owned)

    def _leave(self) -> None:
        """Let go of the client and everything that was fetched with it."""
        with self._lock:
            cluster, self._cluster = self._cluster, None
            for tp in list(self.flows):
                self._end(tp, SourceError("the connection to Kafka was begun anew", "the partition is opened again"))
            self.owned.clear()
            self._places.clear()
            self._commits.clear()
        if cluster is not None:
            try:
                cluster.close()
            except Exception as error:  # noqa: BLE001 - it is gone either way
                LOG.debug("kafka: leaving the group: %s", error)

    def _turn(self, cluster: Cluster) -> None:
        self._place(cluster)
        self._steer(cluster)
        self._commit(cluster)
        try:
            self._hand_over(cluster, cluster.poll())
        except kafka_errors.OffsetOutOfRangeError as error:
            self._settle(cluster, dict.fromkeys(error.args[0]), error.args[0])
        except kafka_errors.LogTruncationError as error:
            found = {tp: at.offset if at else None for tp, at in error.divergent_offsets.items()}
            self._settle(cluster, found, {})
        if time.monotonic() - self._probed >= PROBE_EVERY:
            self._probe(cluster)
        with self._lock:
            self._error = None

    def _hand_over(self, cluster: Cluster, fetched: Mapping[TopicPartition, list[Frame]]) -> None:
        if fetched:
            self._answered = time.monotonic()
        with self._lock:
            for tp, flow in self.flows.items():
                if tp not in self.owned or flow.over or flow.seek:
                    continue
                flow.most = cluster.most(tp)
                if tp not in fetched:
                    continue
                if cluster.topic_id(tp.topic) in {None, flow.topic_id}:
                    flow.put(fetched[tp])
                else:  # of the topic that took its place: it gets another name, and is read from its beginning
                    flow.seek = True

    # ------------------------------------------------------------------ which partition is which

    def _place(self, cluster: Cluster) -> None:
        """Give every owned partition its name; a topic that is new to the source is looked at once."""
        assert self.notes is not None  # noqa: S101 - made with the client
        with self._lock:
            owned = sorted(self.owned)
        for tp in owned:
            topic_id = cluster.topic_id(tp.topic)
            known = self._places.get(tp)
            if known is not None and (topic_id is None or known[1] == topic_id):
                continue
            life = self.notes.life(tp.topic, topic_id) or self._look(cluster, tp.topic, topic_id)
            self._name(tp, self.notes.place(tp.topic, tp.partition, life), topic_id)

    def _name(self, tp: TopicPartition, place: Place, topic_id: str | None) -> None:
        with self._lock:
            known = self._places.get(tp)
            if known is not None and known[0] != place:
                self._end(tp, SourceError(f"`{tp.topic}/{tp.partition}` is another log now", "it is opened as such"))
            if tp in self.owned:
                self._places[tp] = (place, topic_id)
            flow = self.flows.get(tp)
            if flow is not None:
                flow.topic_id = topic_id

    def _look(self, cluster: Cluster, topic: str, topic_id: str | None) -> int:
        """Note where a topic begins for us; one that was made anew, or came later, is read from its beginning."""
        assert self.notes is not None  # noqa: S101 - made with the client
        if self.notes.seen_before(topic):
            LOG.warning("kafka: the topic `%s` was made anew; what was not read of the old one is gone", topic)
            return self.notes.begin(topic, topic_id, {})
        ask = cluster.ends if self.wants.start == "latest" else cluster.begins
        starts = ask(TopicPartition(topic, number) for number in cluster.numbers(topic))
        return self.notes.begin(topic, topic_id, {tp.partition: offset for tp, offset in starts.items()})

    # ------------------------------------------------------------------ how much is held

    def _steer(self, cluster: Cluster) -> None:
        """Begin what was opened; stop what is full, at its share of the buffer, and go on when half of it is taken."""
        with self._lock:
            flows = [flow for tp, flow in self.flows.items() if tp in self.owned and not flow.over]
            total = sum(flow.size for flow in flows)
            share = self.wants.buffer // max(1, len(flows))
            for flow in flows:
                if flow.seek:
                    cluster.read_from(flow.tp, flow.end)
                    flow.seek = flow.paused = False
                full = flow.size > share or (total > self.wants.buffer and flow.size > 0)
                if full and not flow.paused:
                    cluster.consumer.pause(flow.tp)
                    flow.paused = True
                elif flow.paused and flow.size <= share // 2 and (total <= self.wants.buffer or not flow.size):
                    cluster.consumer.resume(flow.tp)
                    flow.paused = False

    def _commit(self, cluster: Cluster) -> None:
        with self._lock:
            commits = {tp: at for tp, at in self._commits.items() if tp in self.owned}
            self._commits.clear()
        if commits and not self.wants.alone:
            cluster.commit(commits, _committed)

    # ------------------------------------------------------------------ what the cluster lost

    def _probe(self, cluster: Cluster) -> None:
        """Ask whether the cluster is there, and whether logs are shorter than what was read of them."""
        assert self.notes is not None  # noqa: S101 - made with the client
        self._probed = time.monotonic()
        with self._lock:
            owned, flows = sorted(self.owned), [flow for flow in self.flows.values() if not flow.over]
        try:
            self._ask(cluster, owned)
        except kafka_errors.KafkaTimeoutError as error:
            if time.monotonic() - self._answered >= SILENT_FOR:
                raise SourceError(f"Kafka does not answer: {error}", "check that its brokers are up") from error
            return
        losses = Losses(cluster, self.notes, stop=self.wants.on_gap == "stop")
        self._settle(cluster, {flow.tp: None for flow in flows if losses.short(flow)}, {})
        missing = [topic for topic in self.wants.topics if not cluster.numbers(topic)]
        if missing and not owned:
            raise SourceError(f"there is no topic `{missing[0]}`", "create it, or correct `topics`")

    def _ask(self, cluster: Cluster, owned: list[TopicPartition]) -> None:
        if self.wants.alone:
            self._assign(cluster)
        elif owned:
            cluster.begins(owned)
        else:
            cluster.refresh()
        self._answered = time.monotonic()

    def _settle(
        self, cluster: Cluster, found: Mapping[TopicPartition, int | None], asked: Mapping[TopicPartition, int]
    ) -> None:
        """Settle logs that do not hold what was asked of them, or end early; see `Losses`."""
        assert self.notes is not None  # noqa: S101 - made with the client
        losses = Losses(cluster, self.notes, stop=self.wants.on_gap == "stop")
        for tp, at in found.items():
            flow = self.flows.get(tp)
            if flow is None or flow.over:
                continue
            place = losses.out_of_range(flow, asked[tp]) if tp in asked else losses.cut_off(flow, at)
            if place is not None:
                self._name(tp, place, flow.topic_id)


def _committed(_offsets: Mapping[Any, Any], answer: object) -> None:
    if isinstance(answer, Exception):
        LOG.info("kafka: the group's offsets are not told: %s", answer)


def told(error: Exception) -> SourceError:
    """Put an error of the client into the words of this house; what it holds on to is let go."""
    if isinstance(error, SourceError):
        return again(error)
    hint = next((hint for kind, hint in _HINTS if isinstance(error, kind)), "check `servers` and the brokers' logs")
    return SourceError(f"kafka: {error}", hint)


_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (kafka_errors.SaslAuthenticationFailedError, "check `sasl`: mechanism, user and password"),
    (kafka_errors.GroupAuthorizationFailedError, "allow this user READ on the group"),
    (kafka_errors.TopicAuthorizationFailedError, "allow this user READ on the topic"),
    (kafka_errors.KafkaTimeoutError, "check `servers`, `tls`, `sasl`, and that the brokers are up"),
)
