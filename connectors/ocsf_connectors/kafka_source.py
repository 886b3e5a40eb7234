"""Topics of a Kafka cluster as a source: the group says which partitions are ours, the lake says where they go on."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_connectors.kafka_batches import DamagedBatch, Frame, Messages, messages, rejected
from ocsf_connectors.kafka_flow import Flow, again
from ocsf_connectors.kafka_losses import lost_text, preface
from ocsf_connectors.kafka_poller import Poller
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Batch, Context, Offset, Records, Reject

START = Offset()
TAKE = 4 << 20
HAND_OVER = 16 << 20
TRIES = 3
"""How often a batch with a wrong checksum is fetched before it is a reject."""


@dataclass(slots=True)
class KafkaPartition:
    """The messages of one partition from an offset on; a message's position is its Kafka offset.

    A tombstone is a reject that holds its key, or left out where `tombstones` is false. `damaged` counts, over all
    partitions of a source, how often the batch at a place had a wrong checksum.
    """

    id: str
    context: Context
    poller: Poller
    flow: Flow
    damaged: dict[tuple[str, int], int]
    position: int
    since: int
    tombstones: bool = True
    preface: tuple[Reject, ...] = ()
    _frames: list[Frame] = field(default_factory=list)
    _ready: deque[Messages] = field(default_factory=deque)

    def next_batch(self) -> Batch | None:
        """Return the next messages; None when none are there. Raises SourceError where it has to be opened anew."""
        if self.flow.error is not None:
            raise again(self.flow.error)
        if self.flow.over:
            return None
        if not self._ready:
            self._frames = self._frames or self.flow.take(TAKE)
            if not self._frames:
                return None
            found = self._read(self._frames)
            self._frames = [frame for frame in self._frames if frame.next > found.end]
            self._ready.extend(pieces(found, HAND_OVER))
        found = self._ready.popleft()
        runs = self._runs(found)
        start, self.position = Offset(self.position), max(self.position, found.end)
        self.since = max(self.since, self.position)
        return Batch(runs, start, Offset(self.position))

    def _read(self, frames: list[Frame]) -> Messages:
        try:
            return messages(frames, self.since, tombstones=self.tombstones, most=HAND_OVER)
        except DamagedBatch:
            if len(frames) > 1:
                return self._read(frames[:1])
        place = (self.id, frames[0].first)
        self.damaged[place] = self.damaged.get(place, 0) + 1
        if self.damaged[place] < TRIES:
            raise DamagedBatch(f"`{self.id}`: the batch at offset {frames[0].first} does not have its checksum")
        return rejected(frames[0], f"its checksum was wrong {TRIES} times")

    def _runs(self, found: Messages) -> tuple[Records, ...]:
        runs: tuple[Records, ...] = ()
        if len(found.values):
            runs = self.context.decoder.parse(found.values, found.positions, found.end)
        rejects, self.preface = self.preface + found.rejects, ()
        return with_rejects(runs, rejects, found.end)

    def offset(self) -> Offset:
        """Return the first place not yet returned."""
        return Offset(self.position)

    def acknowledge(self, offset: Offset) -> None:
        """Tell the group how far the lake is. That it is told late, or never, costs nothing: only the lake is asked."""
        self.poller.commit(self.flow, offset.position)

    def lag(self) -> int | None:
        """Return the distance to the end of the log as the last fetch told it; None before the first."""
        return None if self.flow.most is None else max(0, self.flow.most - max(self.position, self.since))

    def close(self) -> None:
        """Stop the fetching of this partition; it stays this worker's."""
        self.poller.drop(self.flow)


@dataclass(slots=True)
class KafkaSource:
    """The partitions that the consumer group gives to this worker."""

    context: Context
    poller: Poller
    tombstones: bool = True
    _damaged: dict[tuple[str, int], int] = field(default_factory=dict)

    def partitions(self) -> Sequence[str]:
        """Return the ids of the partitions that are ours now, sorted; none before the group has settled.

        Raises SourceError while the cluster is not reached.
        """
        self.poller.begin()
        return sorted(self.poller.places())

    def open(self, partition: str, offset: Offset = START) -> KafkaPartition:
        """Open a partition at the lake's offset; at zero, where this source began with it."""
        self.poller.begin()
        tp, place = self.poller.place(partition)
        notes = self.poller.notes
        if notes is None or place is None or tp is None:
            raise SourceError(f"`{partition}` is not this worker's", "another worker of the group reads it")
        since = offset.position or notes.start(place)
        # A gap is told again as it was told before, so that a batch cut short by a crash is the same batch.
        gap_end = notes.gap(place, since)
        lost = [Frame(since, gap_end, b"", lost_text(since, gap_end))] if gap_end else []
        flow = self.poller.open(tp, place, since, lost)
        return KafkaPartition(
            partition,
            self.context,
            self.poller,
            flow,
            self._damaged,
            offset.position,
            since,
            self.tombstones,
            preface(place, since) if offset.position == 0 else (),
        )

    def close(self) -> None:
        """Leave the group."""
        self.poller.close()


def with_rejects(runs: Sequence[Records], rejects: Sequence[Reject], end: int) -> tuple[Records, ...]:
    """Add rejects to the runs that cover their positions; a run that holds nothing else is made where there is none."""
    if not rejects:
        return tuple(runs)
    out = list(runs) or [_empty(end)]
    for reject in rejects:
        index = next((i for i, run in enumerate(out) if run.end > reject.position), len(out) - 1)
        out[index] = replace(out[index], rejects=(*out[index].rejects, reject))
    return tuple(replace(run, rejects=tuple(sorted(run.rejects, key=lambda r: (r.position, r.sub)))) for run in out)


def _empty(end: int) -> Records:
    return Records(pa.array([], pa.large_string()), pa.array([], pa.int64()), pa.array([], pa.int32()), end)


def pieces(found: Messages, most: int) -> list[Messages]:
    """Cut messages so that no piece has more than `most` bytes of values, unless one message has."""
    if found.values.nbytes <= most:
        return [found]
    sizes = np.cumsum(pc.binary_length(found.values).to_numpy())
    number = (sizes - 1) // most
    edges = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(sizes)]
    positions = found.positions
    ends = [positions[edge].as_py() for edge in edges[1:-1]] + [found.end]
    out, begin = [], -1
    for first, last, end in zip(edges, edges[1:], ends, strict=False):
        rejects = tuple(r for r in found.rejects if begin <= r.position < end)
        out.append(Messages(found.values[first:last], positions[first:last], rejects, end))
        begin = end
    return out
