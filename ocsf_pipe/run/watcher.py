"""Detection inside a running pipeline: a thread that asks the rules of what was committed, and one for each target."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ocsf_pipe.bundled import detections_dir
from ocsf_pipe.detect.rules import Rule, load_rules
from ocsf_pipe.detect.watching import Watch
from ocsf_pipe.lake import Lake
from ocsf_pipe.run.deliver import Delivery, Outbox
from ocsf_pipe.run.detecting import Detecting, Round
from ocsf_pipe.run.detecting_loop import Loop
from ocsf_pipe.run.placeholders import values_of
from ocsf_pipe.run.rule_changes import Renewal
from ocsf_pipe.run.served import plans_for
from ocsf_pipe.schema import load

if TYPE_CHECKING:
    from ocsf_pipe.run.pipeline import Pipeline
    from ocsf_pipe.run.pipeline_detect import DetectSpec
    from ocsf_pipe.run.telemetry import Telemetry

LOG = logging.getLogger("ocsf_pipe.detect")


@dataclass(slots=True)
class Watcher:
    """The threads that watch one lake while its pipeline runs."""

    loop: Loop
    deliveries: tuple[Delivery, ...]
    _stop: threading.Event
    _later: threading.Event
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin; a target that is new is told of what is found from now on."""
        for delivery in self.deliveries:
            delivery.outbox.open()
        self._threads = [threading.Thread(target=self.loop.run, name="detect", daemon=True)]
        self._threads += [
            threading.Thread(target=one.run, name=f"deliver {one.outbox.name}", daemon=True) for one in self.deliveries
        ]
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Say that something is new in the lake."""
        self.loop.wake.set()

    def end(self) -> None:
        """Ask once more of what came last, deliver what was found, and end; what a target does not take now waits."""
        self._stop.set()
        self.wake()
        for thread in self._threads[:1]:
            thread.join()
        self._later.set()
        for delivery in self.deliveries:
            delivery.wake.set()
        for thread in self._threads[1:]:
            thread.join()


def watcher_of(pipeline: Pipeline, telemetry: Telemetry) -> Watcher | None:
    """Make what the `detect:` part of a pipeline asks for; None where it has none. Raises UsageError, SourceError."""
    if pipeline.detect is None:
        return None
    stop, later = threading.Event(), threading.Event()
    deliveries = tuple(
        Delivery(
            Outbox(Lake(pipeline.lake, create=True), pipeline.name, target.name, target.sender(), target.at_least),
            later,
            telemetry.delivered,
        )
        for target in pipeline.detect.targets
    )

    def told(found: Round) -> None:
        telemetry.detected(found.pace.name, [str(row["severity"]) for row in found.findings], found.seconds)
        if found.findings:
            for delivery in deliveries:
                delivery.wake.set()

    make = partial(_detecting, pipeline.lake, pipeline.name, pipeline.detect)
    loop = Loop(make(), stop, told, renewed=Renewal(files_of(pipeline.detect), make))
    return Watcher(loop, deliveries, stop, later)


def _detecting(lake: str, name: str, spec: DetectSpec) -> Detecting:
    return Detecting(Lake(lake, create=True), watch_of(spec), name, spec.every)


def files_of(spec: DetectSpec) -> list[Path]:
    """The files and folders that the rules of a pipeline are read from, the shipped ones if it names none."""
    filled = [Path(spec.placeholders)] if spec.placeholders else []
    return [*(map(Path, spec.rules) if spec.rules else [detections_dir()]), *filled]


def watch_of(spec: DetectSpec) -> Watch:
    """The rules of a pipeline, compiled; one that cannot be asked is told, and the others are."""
    paths = [Path(path) for path in spec.rules] or [detections_dir()]
    rules = load_rules(paths, values_of(Path(spec.placeholders) if spec.placeholders else None))
    plans = plans_for(rules)
    blind: list[str] = []
    watch = Watch(rules, plans, load(), lambda rule, _why: blind.append(rule.title))
    watch.problem = _told
    LOG.info("rules are asked", extra={"rules": len(watch.able), "blind": len(blind)})
    return watch


def _told(rule: Rule, why: str) -> None:
    LOG.warning("a rule cannot be asked: %s", why, extra={"rule": rule.title, "file": rule.path})
