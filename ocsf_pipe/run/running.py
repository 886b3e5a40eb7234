"""A pipeline that runs: one thread a source, until it is told to stop or nothing is left."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ocsf_connectors import CONNECTORS
from ocsf_pipe.content.vault import Waiting
from ocsf_pipe.lake import Lake
from ocsf_pipe.lake.txn import safe_name
from ocsf_pipe.mapping.catalogue import forget_catalogue
from ocsf_pipe.memory import keep_for_now
from ocsf_pipe.run.contents import vault_of
from ocsf_pipe.run.report import Report
from ocsf_pipe.run.routes import Routes
from ocsf_pipe.run.upkeep import Upkeep
from ocsf_pipe.run.watcher import watcher_of
from ocsf_pipe.run.worker import Worker
from ocsf_pipe.source import Context, Source

if TYPE_CHECKING:
    from ocsf_pipe.run.pipeline import Pipeline, SourceSpec
    from ocsf_pipe.run.telemetry import Telemetry

LOG = logging.getLogger("ocsf_pipe.run")
MANIFESTS = "_manifests"
LOOK_EVERY = 0.2


@dataclass(frozen=True, slots=True)
class LakeLedger:
    """The notes of one source, as files of the lake."""

    lake: Lake
    folder: str

    def put_new(self, name: str, data: bytes) -> bool:
        """Write a file that is not there yet; see `Ledger`."""
        return self.lake.store.put_new(f"{self.folder}/{safe_name(name)}", data)

    def get(self, name: str) -> bytes | None:
        """Return a file's bytes; see `Ledger`."""
        return self.lake.store.get(f"{self.folder}/{safe_name(name)}")

    def names(self) -> list[str]:
        """Return the names of the files; see `Ledger`."""
        return list(self.lake.store.names(self.folder))

    def delete(self, name: str) -> None:
        """Remove a file; see `Ledger`."""
        self.lake.store.delete(f"{self.folder}/{safe_name(name)}")


@dataclass(slots=True)
class Generation:
    """Which reading of the mappings is the newest; a worker that has an older one takes it between two batches."""

    number: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> None:
        """Forget the mappings that were read."""
        with self.lock:
            forget_catalogue()
            self.number += 1


@dataclass(slots=True)
class Renewal:
    """Tells one worker, when it asks, of newer mappings that compile."""

    generation: Generation
    spec: SourceSpec
    telemetry: Telemetry
    waiting: Waiting
    seen: int = 0

    def __call__(self) -> Routes | None:
        """Return new routes, once; None where there are none, or those there are do not compile."""
        if self.seen == self.generation.number:
            return None
        self.seen = self.generation.number
        try:
            routes = routes_of(self.spec)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the new mappings, the old ones go on
            LOG.warning("mappings are kept as they were: %s", error, extra={"source": self.spec.name})
            self.telemetry.reloaded(f"{self.spec.name}: kept as it was, {error}")
            return None
        self.waiting.sealing = self.waiting.sealing or routes.may_hold_content()
        self.telemetry.reloaded(self.spec.name)
        return routes


def run_pipeline(
    pipeline: Pipeline, *, telemetry: Telemetry, stop: threading.Event, reload: threading.Event, once: bool = False
) -> Report:
    """Run every source until `stop` is set, or, with `once`, until there is nothing left to read.

    Setting `reload` makes the sources take their mappings anew between two batches. Returns the account of all.
    Raises MappingError or UsageError before anything starts; with `once`, the first error that a source gave up on.
    """
    keep_for_now()
    generation = Generation()
    workers = [worker_of(pipeline, spec, telemetry, generation, stop, once) for spec in pipeline.sources]
    threads = [threading.Thread(target=worker.run, name=f"source {worker.name}") for worker in workers]
    upkeep = Upkeep(Lake(pipeline.lake, create=True), pipeline.maintenance, telemetry, stop)
    watcher = watcher_of(pipeline, telemetry)
    if watcher is not None:
        watcher.start()
        for worker in workers:
            worker.committed = watcher.wake
    for thread in threads:
        thread.start()
    if not once:
        threading.Thread(target=upkeep.run, name="upkeep", daemon=True).start()
    while any(thread.is_alive() for thread in threads):
        if reload.is_set():
            reload.clear()
            generation.next()
        next(thread for thread in threads if thread.is_alive() or thread is threads[-1]).join(LOOK_EVERY)
    if watcher is not None:
        watcher.end()
    report = Report()
    for worker in workers:
        report.add(worker.report)
    for worker in workers:
        if worker.failed is not None:
            raise worker.failed
    if once and watcher is not None and watcher.loop.failed is not None:
        raise watcher.loop.failed
    return report


def worker_of(
    pipeline: Pipeline,
    spec: SourceSpec,
    telemetry: Telemetry,
    generation: Generation,
    stop: threading.Event,
    once: bool,  # noqa: FBT001 - handed through
) -> Worker:
    """Make the worker of one source. It has a lake object of its own: open tables serve one thread."""
    lake = Lake(pipeline.lake, create=True)
    routes = routes_of(spec)
    state = Path(pipeline.state) / safe_name(pipeline.name) / safe_name(spec.name)
    state.mkdir(parents=True, exist_ok=True)
    ledger = LakeLedger(lake, f"{MANIFESTS}/{safe_name(pipeline.name)}/{safe_name(spec.name)}")
    gap = partial(telemetry.gap, spec.name)
    vault = vault_of(lake, spec.content or pipeline.content.tier, pipeline.content.key_file)
    waiting = Waiting(vault, routes.may_hold_content())
    context = Context(pipeline.name, spec.name, routes, ledger, state, stop, gap=gap, cipher=waiting)
    return Worker(
        context,
        lake,
        routes,
        opener(spec),
        pipeline.batch,
        telemetry,
        once=once,
        threads=pipeline.threads,
        vault=vault,
        renew=Renewal(generation, spec, telemetry, waiting),
    )


def opener(spec: SourceSpec) -> Callable[[Context], Source]:
    """The way to open a source; its connector is loaded when it is first opened."""

    def connect(context: Context) -> Source:
        source: Source = import_module(CONNECTORS[spec.connector]).connect(spec.revealed(), context)
        return source

    return connect


def routes_of(spec: SourceSpec) -> Routes:
    """The mappings of a source, compiled: one that does not compile is told now, not by its first record."""
    routes = Routes(spec.mappings)
    for listed in routes.listed:
        _ = listed.plan
    return routes
