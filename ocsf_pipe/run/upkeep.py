"""Upkeep of the lake while a pipeline runs: compaction, retention and vacuum, each at its own pace."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ocsf_pipe.lake import Lake

if TYPE_CHECKING:
    from ocsf_pipe.run.pipeline import MaintenanceSpec
    from ocsf_pipe.run.telemetry import Telemetry

LOG = logging.getLogger("ocsf_pipe.upkeep")
LOOK_EVERY = 1.0


@dataclass(slots=True)
class Upkeep:
    """Keeps one lake up until the pipeline stops; a piece of work that fails is told and tried again in its turn."""

    lake: Lake
    spec: MaintenanceSpec
    telemetry: Telemetry
    stop: threading.Event
    _done: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Look every second whether something is due; the first time is one period after the start."""
        begun = time.monotonic()
        paces = (("compact", self.spec.compact), ("retain", self._retain_every()), ("vacuum", self.spec.vacuum))
        while not self.stop.wait(LOOK_EVERY):
            for what, pace in paces:
                if pace is not None and time.monotonic() - self._done.get(what, begun) >= pace:
                    self.once(what)
                    self._done[what] = time.monotonic()

    def once(self, what: str) -> None:
        """Do one kind of work on every table."""
        for table in self.lake.tables():
            if self.stop.is_set():
                return
            began = time.monotonic()
            try:
                self._work(what)(table)
            except Exception as error:  # noqa: BLE001 - upkeep may wait, the sources may not
                LOG.warning("upkeep failed: %s", error, extra={"table": table, "what": what})
            else:
                self.telemetry.maintenance(table, what, time.monotonic() - began)

    def _work(self, what: str) -> Callable[[str], object]:
        return {"compact": self.lake.compact, "retain": self._retain, "vacuum": self._vacuum}[what]

    def _retain(self, table: str) -> None:
        days = self.spec.days(table)
        if days is not None:
            self.lake.retain(table, days)

    def _vacuum(self, table: str) -> None:
        self.lake.vacuum(table, int(self.spec.keep // 3600))

    def _retain_every(self) -> float:
        """Retention goes by days: an hour late is early enough. A table that is kept for ever costs nothing."""
        return 3600.0
