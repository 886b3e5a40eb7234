"""What was fetched of one Kafka partition and not handed over yet, between the thread that polls and its reader."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.record import MemoryRecords

from ocsf_connectors.kafka_batches import Frame, leader_epoch, split
from ocsf_connectors.kafka_notes import Place
from ocsf_pipe.errors import SourceError


class FrameRecords(Fetcher.PartitionRecords):  # type: ignore[misc]  # the client publishes no types
    """What the client makes of one fetch, with record batches as they are in place of a tuple for each message.

    The client's fetcher makes one of these a fetch, by the name `PartitionRecords`; it is told to take this class.
    """

    def _unpack_records(self, _tp: TopicPartition, records: MemoryRecords, *_: object) -> Iterator[Frame]:
        aborted = [(one.producer_id, one.first_offset) for one in self.aborted_transactions]
        for frame in split(records._buffer, aborted):  # noqa: SLF001 - the client has no other way to the bytes
            self.next_fetch_offset = frame.next
            self.leader_epoch: int = max(self.leader_epoch, leader_epoch(frame.data))
            self.bytes_read += len(frame.data)
            self.records_read += 1
            yield frame
        self.drain()

    def _maybe_skip_record(self, record: Frame) -> bool:
        return bool(record.next <= self.fetch_offset)


@dataclass(slots=True, eq=False)
class Flow:
    """The frames of one opened partition; one thread puts, another takes.

    end: the first position not put. seek: the next poll has to begin at `end`. most: the highest position of the log
    that the cluster told. over: the partition is another worker's now. error: why it has to be opened anew.
    """

    place: Place
    tp: TopicPartition
    topic_id: str | None
    end: int
    seek: bool = True
    most: int | None = None
    over: bool = False
    error: SourceError | None = None
    size: int = 0
    paused: bool = False
    behind: int = 0
    _frames: deque[Frame] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, frames: list[Frame]) -> None:
        """Append what was fetched; frames from before the end are another flow's and are left."""
        with self._lock:
            for frame in frames:
                if frame.next > self.end or frame.lost:
                    self._frames.append(frame)
                    self.size += len(frame.data)
                    self.end = max(self.end, frame.next)

    def take(self, most: int) -> list[Frame]:
        """Remove the first frames, up to `most` bytes as they came, at least one; empty when there are none."""
        taken: list[Frame] = []
        size = 0
        with self._lock:
            while self._frames and (not taken or size + len(self._frames[0].data) <= most):
                taken.append(self._frames.popleft())
                size += len(taken[-1].data)
            self.size -= size
        return taken

    def give_up(self, error: SourceError | None = None) -> None:
        """Hand nothing over any more; raise `error` to whoever asks, where there is one."""
        with self._lock:
            self._frames.clear()
            self.size = 0
            self.over = True
            self.error = self.error or error


def again(error: SourceError) -> SourceError:
    """Return an error to raise that says the same; one that is raised twice would gather what it passed."""
    return SourceError(str(error), error.hint)
