"""The thread that polls Kafka: it keeps the group's heartbeat while batches are mapped, and fills the flows."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka import errors as kafka_errors

from ocsf_connectors.kafka_batches import Frame
from ocsf_connectors.kafka_flow import Flow, FrameRecords
from ocsf_connectors.kafka_notes import Notes, Place
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Ledger

LOG = logging.getLogger("ocsf_connectors.kafka")
POLL_MS = 200
PROBE_EVERY = 5.0
ANSWER_MS = 3000
SILENT_FOR = 15.0
"""Seconds without an answer of the cluster after which that is told."""
SHORT_PROBES = 3
"""Probes in a row that find a log shorter than what was read of it; fewer may be a replica that lags."""


@dataclass(frozen=True, slots=True)
class Wants:
    """What a source wants of Kafka, beside how to reach it.

    topics or pattern: what to read. cluster: the name in partition ids; empty for what the cluster calls itself.
    buffer: bytes as they came, over all partitions.
    """

    client: Mapping[str, Any]
    topics: tuple[str, ...]
    pattern: str | None
    cluster: str
    start: str
    on_gap: str
    buffer: int


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
    _error: Exception | None = None
    _commits: dict[TopicPartition, int] = field(default_factory=dict)
    _consumer: Any = None
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
                raise self._error
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
                self._consumer.seek(tp, 0)
                self._consumer.pause(tp)
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

    def _end(self, tp: TopicPartition, error: Exception) -> None:
        flow = self.flows.pop(tp, None)
        if flow is not None:
            flow.give_up(error)

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        wait = 0.5
        while not self._closing.is_set():
            try:
                if self._consumer is None:
                    self._connect()
                self._turn()
                wait = 0.5
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the client made anew
                if self._closing.is_set():
                    break
                LOG.warning("kafka: %s", error)
                self._leave()
                with self._lock:
                    self._error = told(error)
                self._closing.wait(wait)
                wait = min(30.0, wait * 2)
        self._leave()

    def _connect(self) -> None:
        self._consumer = consumer = KafkaConsumer(**self.wants.client)
        consumer._fetcher.PartitionRecords = FrameRecords  # noqa: SLF001 - see FrameRecords
        cluster = self.wants.cluster or consumer._cluster.cluster_id or "kafka"  # noqa: SLF001 - nowhere public
        self.notes = Notes(self.ledger, cluster)
        consumer.subscribe(topics=self.wants.topics, pattern=self.wants.pattern, listener=self)
        self._answered = self._probed = time.monotonic()

    def _leave(self) -> None:
        """Let go of the consumer and everything that was fetched with it."""
        with self._lock:
            consumer, self._consumer = self._consumer, None
            for tp in list(self.flows):
                self._end(tp, SourceError("the connection to Kafka was begun anew", "the partition is opened again"))
            self.owned.clear()
            self._places.clear()
            self._commits.clear()
        if consumer is not None:
            try:
                consumer.close(autocommit=False, timeout_ms=ANSWER_MS)
            except Exception as error:  # noqa: BLE001 - it is gone either way
                LOG.debug("kafka: leaving the group: %s", error)

    def _turn(self) -> None:
        self._place()
        self._steer()
        self._commit()
        try:
            fetched = self._consumer.poll(timeout_ms=POLL_MS, max_records=1 << 16)
        except kafka_errors.OffsetOutOfRangeError as error:
            for tp, position in error.args[0].items():
                self._out_of_range(tp, position)
            return
        except kafka_errors.LogTruncationError as error:
            for tp, found in error.divergent_offsets.items():
                self._cut_off(tp, found.offset if found else None)
            return
        self._hand_over(fetched)
        if time.monotonic() - self._probed >= PROBE_EVERY:
            self._probe()
        with self._lock:
            self._error = None if time.monotonic() - self._answered < SILENT_FOR else self._error

    def _topic_id(self, topic: str) -> str | None:
        found = self._consumer._cluster.topic_id(topic)  # noqa: SLF001 - nowhere public
        return str(found) if found is not None and found.int else None

    def _hand_over(self, fetched: Mapping[TopicPartition, list[Frame]]) -> None:
        for tp, frames in fetched.items():
            self._answered = time.monotonic()
            flow = self.flows.get(tp)
            if flow is not None and not flow.over and not flow.seek:
                flow.put(frames)
                flow.behind = 0
        for tp, flow in list(self.flows.items()):
            with self._lock:
                if tp in self.owned:
                    flow.most = self._consumer.highwater(tp)

    # ------------------------------------------------------------------ which partition is which

    def _place(self) -> None:
        """Give every owned partition its name; a topic that is new to the source is looked at once."""
        assert self.notes is not None  # noqa: S101 - made with the consumer
        with self._lock:
            owned = list(self.owned)
        for tp in owned:
            topic_id = self._topic_id(tp.topic)
            known = self._places.get(tp)
            if known is not None and (topic_id is None or known[1] == topic_id):
                continue
            life = self.notes.life(tp.topic, topic_id)
            if life is None:
                life = self._look(tp.topic, topic_id)
            place = self.notes.place(tp.topic, tp.partition, life)
            with self._lock:
                if known is not None and known[0] != place:
                    self._end(tp, SourceError(f"the topic `{tp.topic}` was made anew", "it is read from its beginning"))
                if tp in self.owned:
                    self._places[tp] = (place, topic_id)

    def _look(self, topic: str, topic_id: str | None) -> int:
        """Note where a topic begins for us; one that was made anew, or came later, is read from its beginning."""
        assert self.notes is not None  # noqa: S101 - made with the consumer
        if self.notes.seen_before(topic):
            LOG.warning("kafka: the topic `%s` was made anew; what was not read of the old one is gone", topic)
            return self.notes.begin(topic, topic_id, {})
        numbers = self._consumer.partitions_for_topic(topic) or set()
        tps = [TopicPartition(topic, number) for number in sorted(numbers)]
        find = self._consumer.end_offsets if self.wants.start == "latest" else self._consumer.beginning_offsets
        starts = find(tps, timeout_ms=ANSWER_MS)
        return self.notes.begin(topic, topic_id, {tp.partition: offset for tp, offset in starts.items()})

    # ------------------------------------------------------------------ how much is held

    def _steer(self) -> None:
        """Begin what was opened; stop what is full, at its share of the buffer, and go on when half of it is taken."""
        with self._lock:
            flows = [flow for tp, flow in self.flows.items() if tp in self.owned and not flow.over]
            total = sum(flow.size for flow in flows)
            share = self.wants.buffer // max(1, len(flows))
            for flow in flows:
                if flow.seek:
                    self._consumer.seek(flow.tp, flow.end)
                    self._consumer.resume(flow.tp)
                    flow.seek = flow.paused = False
                full = flow.size > share or (total > self.wants.buffer and flow.size > 0)
                if full and not flow.paused:
                    self._consumer.pause(flow.tp)
                    flow.paused = True
                elif flow.paused and flow.size <= share // 2 and total <= self.wants.buffer:
                    self._consumer.resume(flow.tp)
                    flow.paused = False

    def _commit(self) -> None:
        with self._lock:
            commits, self._commits = self._commits, {}
        offsets = {tp: OffsetAndMetadata(at, "", -1) for tp, at in commits.items() if tp in self.owned}
        if offsets:
            self._consumer.commit_async(offsets, callback=_committed)

    # ------------------------------------------------------------------ what the cluster lost

    def _probe(self) -> None:
        """Ask whether the cluster is there, and whether logs are shorter than what was read of them."""
        self._probed = time.monotonic()
        with self._lock:
            flows = {tp: flow for tp, flow in self.flows.items() if tp in self.owned and not flow.over}
        try:
            if self.owned:
                self._consumer.beginning_offsets(sorted(self.owned), timeout_ms=ANSWER_MS)
            else:
                self._refresh()
            self._answered = time.monotonic()
        except kafka_errors.KafkaTimeoutError as error:
            if time.monotonic() - self._answered >= SILENT_FOR:
                raise SourceError(f"Kafka does not answer: {error}", "check that its brokers are up") from error
        for tp, flow in flows.items():
            short = flow.most is not None and flow.most < flow.end and not flow.seek
            flow.behind = flow.behind + 1 if short else 0
            if flow.behind >= SHORT_PROBES:
                self._cut_off(tp, None)
        there = self._consumer._cluster.topics()  # noqa: SLF001 - the public way asks again, without a limit of time
        missing = [topic for topic in self.wants.topics if topic not in there]
        if missing and not self.owned:
            raise SourceError(f"there is no topic `{missing[0]}`", "create it, or correct `topics`")

    def _refresh(self) -> None:
        """Ask the cluster again what it holds; the public ways to this wait without an end."""
        client = self._consumer
        client._net.run(client._manager.wait_for, client._cluster.request_update(), ANSWER_MS)  # noqa: SLF001

    def _out_of_range(self, tp: TopicPartition, position: int) -> None:
        """Settle what lies between a position and what the log holds; nothing is passed over in silence."""
        flow = self.flows.get(tp)
        begin = self._consumer.beginning_offsets([tp], timeout_ms=ANSWER_MS)[tp]
        end = self._consumer.end_offsets([tp], timeout_ms=ANSWER_MS)[tp]
        if flow is None or flow.over or flow.seek or flow.end != position:
            return
        if position > end:
            self._cut_off(tp, None)
        elif position < begin:
            self._gap(flow, position, begin)
        else:
            flow.seek = True

    def _gap(self, flow: Flow, position: int, begin: int) -> None:
        assert self.notes is not None  # noqa: S101 - made with the consumer
        what = f"{begin - position} offsets from {position} on were deleted by Kafka before they were read"
        if self.wants.on_gap == "stop":
            with self._lock:
                flow.give_up(SourceError(f"`{flow.tp.topic}/{flow.tp.partition}`: {what}", _GO_ON))
            return
        LOG.warning("kafka: `%s/%s`: %s", flow.tp.topic, flow.tp.partition, what)
        end = self.notes.gap(flow.place, position, begin) or begin
        flow.put([Frame(position, end, b"", lost_text(position, end))])
        flow.seek = True

    def _cut_off(self, tp: TopicPartition, found: int | None) -> None:
        """The log is shorter than what was read: made anew, or messages that it had acknowledged are lost."""
        assert self.notes is not None  # noqa: S101 - made with the consumer
        flow = self.flows.get(tp)
        if flow is None or flow.over:
            return
        self._refresh()
        before = self._topic_id(tp.topic)
        if before != flow.topic_id:
            return  # made anew: it gets another name as soon as it is placed
        what = f"the log of `{tp.topic}/{tp.partition}` ends before offset {flow.end}, which was read already"
        if self.wants.on_gap == "stop":
            with self._lock:
                flow.give_up(SourceError(what, _GO_ON))
            return
        start = found
        if start is None:
            find = self._consumer.beginning_offsets if before is None else self._consumer.end_offsets
            start = find([tp], timeout_ms=ANSWER_MS)[tp]
        LOG.warning("kafka: %s; it is read from offset %d on", what, start)
        place = self.notes.cut(flow.place, start)
        with self._lock:
            self._end(tp, SourceError(what, "it is read on under another id"))
            self._places[tp] = (place, before)


_GO_ON = "set `on_gap: continue` to go on behind what is gone"


def lost_text(position: int, end: int) -> str:
    """Say what a gap is, as the reason of its reject."""
    return f"offsets {position} to {end - 1} were deleted by Kafka before they were read"


def _committed(_offsets: Mapping[Any, Any], answer: object) -> None:
    if isinstance(answer, Exception):
        LOG.info("kafka: the group's offsets are not told: %s", answer)


def told(error: Exception) -> Exception:
    """Put an error of the client into the words of this house."""
    if isinstance(error, SourceError | OSError):
        return error
    hint = next((hint for kind, hint in _HINTS if isinstance(error, kind)), "check `servers` and the brokers' logs")
    return SourceError(f"kafka: {error}", hint)


_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (kafka_errors.SaslAuthenticationFailedError, "check `sasl`: mechanism, user and password"),
    (kafka_errors.GroupAuthorizationFailedError, "allow this user READ on the group"),
    (kafka_errors.TopicAuthorizationFailedError, "allow this user READ on the topic"),
    (kafka_errors.KafkaTimeoutError, "check `servers`, `tls`, and that the brokers are up"),
)
