"""One partition of a source as a worker reads it: what is held, and when it is enough for a batch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.lake import State, Txn
from ocsf_pipe.run.recognise import pick
from ocsf_pipe.source import Batch, Partition, Records


@dataclass(slots=True)
class Lane:
    """What was read of a partition and is not in the lake yet.

    batch: number of the next batch; pending: the half-done one that has to come first, exactly as it was begun;
    start, end: the positions held, in `runs`; since: when the first of them was read, on the monotonic clock;
    finished: the partition has no more.
    """

    partition: Partition
    batch: int
    pending: Txn | None
    start: int
    end: int
    runs: list[Records] = field(default_factory=list)
    size: int = 0
    since: float | None = None
    finished: bool = False

    @staticmethod
    def resumed(partition: Partition, state: State) -> Lane:
        """Begin where the lake stands."""
        return Lane(partition, state.next_batch, state.pending, state.offset, state.offset)

    def take(self, batch: Batch, now: float) -> None:
        """Hold what was read."""
        if batch.next.position > self.end or batch.runs:
            self.since = now if self.since is None else self.since
        self.runs += batch.runs
        self.size += sum(held_bytes(run) for run in batch.runs)
        self.end = max(self.end, batch.next.position)

    def due(self, now: float, seconds: float, most: int) -> bool:
        """Whether a batch is to be closed: it is old, or large, or all there is; a pending one only when whole."""
        if self.since is None:
            return False
        if self.pending is not None:
            return self.end >= self.pending.end
        return self.finished or self.size >= most or now - self.since >= seconds

    def ready(self) -> bool:
        """Whether a batch could be closed now, although its time has not come."""
        return self.since is not None and (self.pending is None or self.end >= self.pending.end)

    def stuck(self) -> bool:
        """Whether the partition ended before the batch that was begun on it."""
        return self.finished and self.pending is not None and self.end < self.pending.end

    def part(self) -> tuple[list[Records], int]:
        """What goes into the next batch, and where that ends."""
        if self.pending is None:
            return list(self.runs), self.end
        until = self.pending.end
        return [part for run in self.runs for part in cut(run, until) if part.end <= until], until

    def done(self, end: int, closed: float) -> None:
        """Let go of everything before `end`; the next batch follows, of what was read since that one was `closed`."""
        rest = [part for run in self.runs for part in cut(run, end) if part.end > end]
        self.since = closed if self.end > end else None
        self.runs, self.size, self.start = rest, sum(held_bytes(run) for run in rest), end
        self.batch, self.pending = self.batch + 1, None

    def forgotten(self) -> None:
        """Go on behind a half-done batch that left no trace; what is held of it belongs to the next."""
        self.batch, self.pending = self.batch + 1, None


def held_bytes(run: Records) -> int:
    """How many bytes of records a run holds."""
    other = 0 if run.json is None else run.json.nbytes
    return int(run.raw.nbytes + other + sum(len(reject.raw) for reject in run.rejects))


def cut(run: Records, at: int) -> list[Records]:
    """The run as one or two, cut before the record at position `at`."""
    if run.end <= at:
        return [run]
    before = pc.less(run.position, at)
    parts = []
    for mask, first, last, end in ((before, 0, at, at), (pc.invert(before), at, run.end, run.end)):
        rows = pc.indices_nonzero(mask).cast(pa.int64())
        rejects = tuple(reject for reject in run.rejects if first <= reject.position < last)
        if len(rows) or rejects:
            parts.append(replace(pick(run, rows), rejects=rejects, end=end))
    return parts
