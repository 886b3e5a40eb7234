"""A source of our own for the tests of running pipelines: messages in memory that outlive every worker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from ocsf_pipe.errors import SourceError
from ocsf_pipe.lake import Lake
from ocsf_pipe.run.pipeline import BatchSpec, Pipeline, SourceSpec
from ocsf_pipe.run.routes import Routes
from ocsf_pipe.run.running import LakeLedger
from ocsf_pipe.run.telemetry import Telemetry
from ocsf_pipe.run.worker import Worker
from ocsf_pipe.source import Batch, Context, Offset

NONE: frozenset[str] = frozenset()


@dataclass
class Shelf:
    """Messages by partition; `take` messages make a batch. `broken` fails so many calls, `acked` is what was told."""

    messages: dict[str, list[bytes]]
    take: int = 7
    broken: int = 0
    ends: bool = True
    hidden: frozenset[str] = NONE
    acked: dict[str, int] = field(default_factory=dict)
    opened: list[tuple[str, int]] = field(default_factory=list)

    def connect(self, context: Context) -> ShelfSource:
        """The source over what is there now and later."""
        return ShelfSource(self, context)


@dataclass
class ShelfSource:
    """See `Shelf`."""

    shelf: Shelf
    context: Context

    def partitions(self) -> Sequence[str]:
        """All that are not hidden."""
        if self.shelf.broken:
            self.shelf.broken -= 1
            raise SourceError("the far end is away", "wait")
        return [name for name in self.shelf.messages if name not in self.shelf.hidden]

    def open(self, partition: str, offset: Offset = Offset()) -> ShelfPartition:
        """Go to an offset."""
        self.shelf.opened.append((partition, offset.position))
        return ShelfPartition(self, partition, offset.position)

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class ShelfPartition:
    """See `Shelf`."""

    source: ShelfSource
    id: str
    at: int

    def next_batch(self) -> Batch | None:
        """The next few messages."""
        every = self.source.shelf.messages[self.id]
        found = every[self.at : self.at + self.source.shelf.take]
        if not found:
            if self.source.shelf.ends:
                raise StopIteration
            return None
        start, self.at = self.at, self.at + len(found)
        places = pa.array(range(start, self.at), pa.int64())
        runs = self.source.context.decoder.parse(pa.array(found, pa.large_binary()), places, self.at)
        return Batch(runs, Offset(start), Offset(self.at))

    def offset(self) -> Offset:
        """Where it is."""
        return Offset(self.at)

    def acknowledge(self, offset: Offset) -> None:
        """Take note."""
        self.source.shelf.acked[self.id] = offset.position

    def lag(self) -> int | None:
        """What is left."""
        return len(self.source.shelf.messages[self.id]) - self.at

    def close(self) -> None:
        """Nothing is held."""


class AtOnce(Executor):
    """Does what it is given at once, in the same thread: the steps of a run come in the same order every time."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it; what it raises is raised by the result."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as executors do
            done.set_exception(error)
        return done


def worker(
    lake: Path, shelf: Shelf, *, once: bool = True, mappings: tuple[str, ...] = ("acme.door",), seconds: float = 0.0,
    size: int = 1 << 20, aside: Executor | None = None,
) -> Worker:  # fmt: skip
    """A worker over a shelf, as the pipeline makes it."""
    opened = Lake(lake, create=True)
    routes = Routes(mappings)
    context = Context("test", "shelf", routes, LakeLedger(opened, "_manifests/test/shelf"), lake, threading.Event())
    return Worker(
        context,
        opened,
        routes,
        shelf.connect,
        BatchSpec(seconds, size),
        Telemetry("test"),
        once=once,
        aside=aside or AtOnce(),
    )


def pipeline_of(lake: Path, *sources: SourceSpec) -> Pipeline:
    """A pipeline with quick batches."""
    return Pipeline("test", str(lake), sources, lake.parent / "state", BatchSpec(0.1))
