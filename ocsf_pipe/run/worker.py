"""One source of a running pipeline: read, mapped and committed batch by batch, for as long as the pipeline runs.

The lake's checkpoint is the only truth of what is done. Whatever goes wrong, the worker lets go of everything, waits,
and begins anew from the lake, which is what a restart does too.

Two threads share the work: the source belongs to one, which reads on while the other maps and commits a round.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ocsf_pipe.content.vault import Vault
from ocsf_pipe.errors import FencedError, LakeError
from ocsf_pipe.lake import Lake, Txn
from ocsf_pipe.mapping.catalogue import Listed
from ocsf_pipe.run import archive
from ocsf_pipe.run.batch import Mapped, UnaccountedError, now, resumed
from ocsf_pipe.run.contents import vault_of
from ocsf_pipe.run.files import plans_digest
from ocsf_pipe.run.lane import Lane
from ocsf_pipe.run.mapper import Mapper
from ocsf_pipe.run.report import Report
from ocsf_pipe.run.routes import Routes
from ocsf_pipe.source import Context, Offset, Records, Source

if TYPE_CHECKING:
    import pyarrow as pa

    from ocsf_pipe.run.pipeline import BatchSpec
    from ocsf_pipe.run.telemetry import Telemetry

LOG = logging.getLogger("ocsf_pipe.run")
ASK_EVERY = 1.0
IDLE = 0.05
REST = 2.0
QUIET, LONELY = 3.0, 15.0
"""Seconds without a record, and without even a partition (joining a group takes its time), that end a `once`."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
ENOUGH = 5
"""Failures in a row after which a run that is to end (`once`) gives up."""
CALM = 60.0
"""Seconds without a failure after which they are no longer in a row; a round in the lake ends the row at once."""


class StoppedError(Exception):
    """The pipeline is to end while something is waited for; nothing is lost by it."""


@dataclass(slots=True)
class Worker:
    """The loop of one source. `connect` opens it; `once` ends it when there is nothing left to read.

    `committed` is called when a batch is in the lake; `aside` has the thread that brings it there.
    """

    context: Context
    lake: Lake
    routes: Routes
    connect: Callable[[Context], Source]
    batch: BatchSpec
    telemetry: Telemetry
    once: bool = False
    threads: int = 1
    vault: Vault | None = None
    report: Report = field(default_factory=Report)
    failed: Exception | None = None
    renew: Callable[[], Routes | None] = lambda: None
    committed: Callable[[], None] = lambda: None
    aside: Executor = field(default_factory=partial(ThreadPoolExecutor, 1, "round"))
    _round: Future[Round] | None = None
    _mapper: Mapper = field(init=False)
    _source: Source | None = None
    _lanes: dict[str, Lane] = field(default_factory=dict)
    _resting: dict[str, float] = field(default_factory=dict)
    _archived: set[str] = field(default_factory=set)
    _asked: float = float("-inf")
    _waits: Iterator[float] = field(init=False)
    _failures: int = 0
    _failed_at: float = 0.0
    _moved: float = 0.0

    def __post_init__(self) -> None:
        """Make the mapper of this worker: it serves one thread."""
        self.vault = self.vault or vault_of(self.lake)
        self._mapper = self._mapper_of(self.routes)
        self._calm()

    def _mapper_of(self, routes: Routes) -> Mapper:
        return Mapper(routes, self.threads, self.vault or vault_of(self.lake))

    @property
    def name(self) -> str:
        """The name of the source."""
        return self.context.source

    # ------------------------------------------------------------------ the loop

    def run(self) -> None:
        """Work until the pipeline stops, or nothing is left; never raises."""
        self.telemetry.opening(self.name)
        while not self.context.stop.is_set():
            try:
                if self._turn():
                    break
            except StoppedError:
                break
            except Exception as error:  # noqa: BLE001 - told, waited out, and begun anew from the lake
                self._failures, self._failed_at = self._failures + 1, time.monotonic()
                self._let_go()
                if self.once and self._failures >= ENOUGH:
                    self.failed = error
                    break
                self._wait(error, next(self._waits))
        self._end()

    def _calm(self) -> None:
        """Forget the failures there were."""
        self._waits, self._failures = backoff(), 0

    def _turn(self) -> bool:
        """Go round once; True when there will never be anything again."""
        at = time.monotonic()
        moved = self._landed()
        if self._round is None and (routes := self.renew()) is not None:
            self.routes, self._mapper = routes, self._mapper_of(routes)
            self._let_go()
        self._refresh(at)
        held = self._held()
        for lane in list(self._lanes.values()):
            if not self._full(held) or lane.pending is not None:
                before = lane.size
                moved = self._read(lane, at) or moved
                held += lane.size - before
            if self._round is None:
                self._unstick(lane)
        self._set_off(self._chosen(time.monotonic()))
        self.telemetry.queue(self.name, held)
        self._moved = at if moved else self._moved
        if not moved:
            if self.once and self._nothing_left(at):
                return True
            self._idle()
        return False

    def _idle(self) -> None:
        """Wait a little for more to read, or for the round that is under way."""
        if self._round is not None:
            wait([self._round], IDLE)
        else:
            self.context.stop.wait(IDLE)

    def _refresh(self, at: float) -> None:
        """Open what is new, and close what is not ours any more."""
        if at - self._asked < ASK_EVERY:
            return
        if self._source is None:
            self._source = self.connect(self.context)
            self._moved = at
        mine = self._source.partitions()
        for name in [name for name in self._lanes if name not in mine]:
            self._close(name)
        for name in mine:
            if name not in self._lanes and self._resting.get(name, 0.0) <= at:
                self._open(self._source, name)
                self._moved = at
        for name, lane in self._lanes.items():
            self.telemetry.lag(self.name, name, lane.partition.lag())
        if self._round is None:  # the thread of a round tells of its own troubles
            self.telemetry.working(self.name)
        if self._failures and at - self._failed_at > CALM:
            self._calm()
        self._asked = at

    def _open(self, source: Source, name: str) -> None:
        state = self.lake.resume(self.context.pipeline, self.name, name)
        self._lanes[name] = Lane.resumed(source.open(name, Offset(state.offset)), state)
        LOG.info("partition opened", extra={"source": self.name, "partition": name, "offset": state.offset})

    def _close(self, name: str) -> None:
        lane = self._lanes.pop(name)
        self.telemetry.lag(self.name, name, None)
        try:
            lane.partition.close()
        except Exception:
            LOG.debug("partition did not close", exc_info=True)

    def _let_go(self) -> None:
        if self._round is not None:
            wait([self._round])  # what it did, the lake knows
            self._round = None
        for name in list(self._lanes):
            self._close(name)
        source, self._source, self._asked = self._source, None, float("-inf")
        if source is not None:
            try:
                source.close()
            except Exception:
                LOG.debug("source did not close", exc_info=True)

    def _read(self, lane: Lane, at: float) -> bool:
        if lane.finished:
            return False
        try:
            batch = lane.partition.next_batch()
        except StopIteration:
            lane.finished = True
            return True
        if batch is None:
            return False
        lane.take(batch, at)
        return True

    def _unstick(self, lane: Lane) -> None:
        """Give up a half-done batch whose records are gone at the far end, where no table has a part of it.

        Raises LakeError where one has: the rest of the batch cannot be had, which a person has to know.
        """
        if lane.pending is None or not lane.stuck():
            return
        if self.lake.holds(lane.pending):
            raise LakeError(
                f"`{lane.partition.id}` ends before the batch that was begun on it, and half of that is in the lake",
                "bring back what was there, so that the batch can be finished as it began",
            )
        LOG.warning("a batch is given up: what it was begun on is gone", extra={"source": self.name})
        self.lake.finish(replace(lane.pending, end=lane.pending.start), Report().counts())
        lane.forgotten()

    def _chosen(self, now: float) -> list[Lane]:
        """The partitions whose batches are brought into the lake together; none where it is the time of none.

        A commit costs what it costs whatever it brings, so whoever has something goes along, those that wait longest
        first, until there are the bytes of one batch. A half-done batch goes alone: it has to be as it was.
        """
        if self._round is not None:
            return []
        lanes = list(self._lanes.values())
        most = max((lane.size for lane in lanes), default=0) if self._full(self._held()) else -1
        due = [
            lane
            for lane in lanes
            if lane.due(now, self.batch.seconds, self.batch.bytes) or (lane.size == most and lane.pending is None)
        ]
        if not due:
            return []
        if half := [lane for lane in due if lane.pending is not None]:
            return half[:1]
        others = [lane for lane in lanes if lane.ready() and lane.pending is None and lane not in due]
        others.sort(key=lambda lane: lane.since or now)
        found, size = due[:1], due[0].size
        for lane in [*due[1:], *others]:
            if size + lane.size <= self.batch.bytes:
                found.append(lane)
                size += lane.size
        return found

    def _held(self) -> int:
        """The bytes of records that are held."""
        return sum(lane.size for lane in self._lanes.values())

    def _full(self, held: int) -> bool:
        """Whether so much is held that nothing more is read, and the largest partition is brought in at once."""
        return held > 2 * self.batch.bytes

    def _nothing_left(self, at: float) -> bool:
        if self._round is not None or any(lane.since is not None for lane in self._lanes.values()):
            return False
        if self._lanes and all(lane.finished for lane in self._lanes.values()):
            return True
        return at - self._moved > (QUIET if self._lanes else LONELY) and not any(
            lane.partition.lag() for lane in self._lanes.values()
        )

    def _wait(self, error: Exception, seconds: float) -> None:
        LOG.debug("source waits", extra={"source": self.name, "seconds": seconds}, exc_info=error)
        self.telemetry.waiting(self.name, str(error), seconds)
        deadline = time.monotonic() + seconds
        while not self.context.stop.wait(min(1.0, max(0.0, deadline - time.monotonic()))):
            self.telemetry.turned(self.name)
            if time.monotonic() >= deadline:
                return

    def _end(self) -> None:
        """Finish the batches in hand, then let go."""
        try:
            self._landed(last=True)
            while lanes := self._chosen(float("inf")):
                self._set_off(lanes)
                self._landed(last=True)
        except Exception as error:  # noqa: BLE001 - the batch is read again at the next start
            LOG.warning("the batch in hand is left for the next start: %s", error, extra={"source": self.name})
        self._let_go()
        self.aside.shutdown(wait=False)
        self.telemetry.stopped(self.name, str(self.failed) if self.failed else "finished" if self.once else "stopped")

    # ------------------------------------------------------------------ one round

    def _set_off(self, lanes: Sequence[Lane]) -> None:
        """Have batches brought into the lake, from what is held now."""
        if lanes:
            self.telemetry.turned(self.name)
            self._round = self.aside.submit(self._brought, [(lane, *lane.part()) for lane in lanes])

    def _landed(self, *, last: bool = False) -> bool:
        """Go on behind the round that has ended, or, at the `last`, is waited for; False where there is none."""
        if self._round is None:
            self.telemetry.turned(self.name)
            return False
        if not last and not self._round.done():
            return False
        under_way, self._round = self._round, None
        done = under_way.result()
        for lane, error in done.fenced:
            self._rest(lane, error)
        if done.parts:
            self._calm()
            self.committed()
        for part in done.parts:
            self._told(part, done)
            part.lane.batch = part.txn.batch
            part.lane.done(part.txn.end, done.began)
            self.routes.prefer(part.report.mappings)
        for part in done.parts:
            if self._is_ours(part.lane):
                self._acknowledged(part.lane, part.txn.end)
        return True

    def _is_ours(self, lane: Lane) -> bool:
        """Whether a partition was not lost meanwhile."""
        return self._lanes.get(lane.partition.id) is lane

    def _acknowledged(self, lane: Lane, end: int) -> None:
        lane.partition.acknowledge(Offset(end))
        self.telemetry.lag(self.name, lane.partition.id, lane.partition.lag())

    def _rest(self, lane: Lane, error: FencedError) -> None:
        """Give a partition up for a while: another worker has it."""
        name = lane.partition.id
        LOG.info("partition is another worker's: %s", error, extra={"source": self.name, "partition": name})
        if self._is_ours(lane):
            self._close(name)
        self._resting[name] = time.monotonic() + REST

    # ------------------------------------------------------------------ the other thread

    def _brought(self, held: Sequence[tuple[Lane, Sequence[Records], int]]) -> Round:
        """Bring batches into the lake, each from what is held of a lane up to a position."""
        began = time.monotonic()
        parts = self._prepared(held)
        done = Round(began, time.monotonic())
        for part in parts:
            try:
                self._begin(part)
            except FencedError as error:
                done.fenced.append((part.lane, error))
            else:
                done.parts.append(part)
        batches = [(part.txn, part.tables) for part in done.parts]
        try:
            self._until_done(lambda: self.lake.commit_round(batches))
        except FencedError as error:
            return Round(began, done.committing, fenced=[(lane, error) for lane, _, _ in held])
        for part in done.parts:
            self._until_done(partial(self.lake.finish, part.txn, part.counts()))
        done.ended = time.monotonic()
        return done

    def _begin(self, part: Part) -> None:
        """Write the intent of a batch; FencedError where the partition is another worker's."""
        if part.txn is not part.lane.pending:
            self._until_done(partial(self.lake.begin, part.txn))

    def _prepared(self, held: Sequence[tuple[Lane, Sequence[Records], int]]) -> list[Part]:
        """The batches, mapped: new ones together, a half-done one, which is alone, as it was begun."""
        first, first_runs, _ = held[0]
        clock = first.pending.clock if first.pending is not None else now()
        begun = self._as_begun(first, first_runs, clock)
        if begun is not None and first.pending is not None:
            return [Part.of(first, first.pending, begun, first_runs)]
        mapped = self._mapper.mapped([(lane.partition.id, runs) for lane, runs, _ in held], clock)
        return [
            Part.of(lane, self._txn(lane, end, clock, one.report), one, runs)
            for (lane, runs, end), one in zip(held, mapped, strict=True)
        ]

    def _as_begun(self, lane: Lane, runs: Sequence[Records], clock: int) -> Mapped | None:
        """Map a half-written batch by the mappings it was begun with, where those of now are others.

        None where the batch is none, has nothing in a table yet, or its mappings are not known any more.
        """
        if lane.pending is None or not self.lake.holds(lane.pending):
            return None
        mappings = archive.recalled(self.lake, lane.pending.plan, self.context.state)
        if not mappings or self._digest(mappings) != lane.pending.plan:
            return None
        mapper = self._mapper_of(Routes(self.routes.names, given=mappings))
        return mapper.mapped([(lane.partition.id, runs)], clock)[0]

    def _txn(self, lane: Lane, end: int, clock: int, report: Report) -> Txn:
        """The transaction of the batch in hand: the pending one, where it was begun already."""
        used = [listed for listed in self.routes.listed if listed.name in report.mappings]
        digest = self._digest(used)
        batch, pending = resumed(self.lake, lane.batch, lane.pending, digest)
        if pending is not None:
            return pending
        if digest not in self._archived:
            archive.keep(self.lake, digest, used)
            self._archived.add(digest)
        return Txn(self.context.pipeline, self.name, lane.partition.id, batch, digest, lane.start, end, clock)

    def _digest(self, mappings: Iterable[Listed]) -> str:
        return plans_digest([self._mapper.vault.digest(listed.plan) for listed in mappings])

    def _until_done(self, commit: Callable[[], None]) -> None:
        """Commit, waiting out a full disk or a lost bucket; the batch stays in memory and nothing more is read."""
        for number, seconds in enumerate(backoff()):
            try:
                commit()
            except (FencedError, UnaccountedError):
                raise
            except (LakeError, OSError) as error:
                if self.once and number >= ENOUGH:
                    raise
                self._wait(error, seconds)
                if self.context.stop.is_set():
                    raise StoppedError from error
            else:
                if number:
                    self.telemetry.working(self.name)
                return

    def _told(self, part: Part, done: Round) -> None:
        lane, ended = part.lane, done.ended
        self.report.add(part.report)
        self.telemetry.batch(
            self.name,
            lane.partition.id,
            part.report,
            seconds=ended - done.began,
            commit_seconds=ended - done.committing,
            bytes=part.size,
        )
        self.telemetry.freshness(self.name, ended - (lane.since if lane.since is not None else done.began))


@dataclass(frozen=True, slots=True)
class Part:
    """One partition's batch, mapped; `size` is the bytes of its raw records."""

    lane: Lane
    txn: Txn
    tables: Mapping[str, pa.Table]
    report: Report
    size: int

    @staticmethod
    def of(lane: Lane, txn: Txn, mapped: Mapped, runs: Sequence[Records]) -> Part:
        """What was mapped of some runs."""
        return Part(lane, txn, mapped.whole(), mapped.report, sum(run.raw.nbytes for run in runs))

    def counts(self) -> dict[str, Any]:
        """The account as the checkpoint keeps it."""
        return {**self.report.counts(), "tables": {name: rows.num_rows for name, rows in self.tables.items()}}


@dataclass(slots=True)
class Round:
    """Batches that came into the lake together, and the partitions that turned out to be another worker's.

    began, committing, ended: on the monotonic clock.
    """

    began: float
    committing: float
    ended: float = 0.0
    parts: list[Part] = field(default_factory=list)
    fenced: list[tuple[Lane, FencedError]] = field(default_factory=list)


def backoff() -> Iterator[float]:
    """Seconds to wait before each further try: half a second, doubled up to half a minute."""
    seconds = FIRST_WAIT
    while True:
        yield seconds
        seconds = min(LONGEST_WAIT, seconds * 2)
