"""Batches of several partitions, mapped: by one query where that goes, one by one where a record is at fault."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from ocsf_pipe.content.vault import Vault
from ocsf_pipe.run.batch import Mapped, finish
from ocsf_pipe.run.poison import mapped_without_poison
from ocsf_pipe.run.recognise import Engines
from ocsf_pipe.run.routes import Routes
from ocsf_pipe.source import Records

LOG = logging.getLogger("ocsf_pipe.run")


@dataclass(slots=True)
class Mapper:
    """Maps what is read by the mappings of `routes`; serves one thread."""

    routes: Routes
    threads: int
    vault: Vault
    _engines: Engines = field(init=False)

    def __post_init__(self) -> None:
        """Make the engines."""
        self._renew()

    def _renew(self) -> None:
        """Make new engines: those of before may not be used after a failure."""
        self._engines = Engines(self.threads, self.vault)

    def mapped(self, batches: Sequence[tuple[str, Sequence[Records]]], clock: int) -> Sequence[Mapped]:
        """Map batches, each the runs of one partition; what a record at fault raises is in its quarantine."""
        quiet = self.routes.may_hold_content()
        if len(batches) > 1:
            try:
                return self._together(batches, clock)
            except (MemoryError, OSError):
                raise
            except Exception as error:
                LOG.debug("batches are mapped one by one", exc_info=None if quiet else error)
                self._renew()
        return [
            mapped_without_poison(partial(self._alone, partition, clock), runs, partition, self._renew, quiet=quiet)
            for partition, runs in batches
        ]

    def _together(self, batches: Sequence[tuple[str, Sequence[Records]]], clock: int) -> Sequence[Mapped]:
        mapped = [self._added(partition, clock, runs) for partition, runs in batches]
        finish(mapped)
        return mapped

    def _alone(self, partition: str, clock: int, runs: Sequence[Records]) -> Mapped:
        return self._together([(partition, runs)], clock)[0]

    def _added(self, partition: str, clock: int, runs: Sequence[Records]) -> Mapped:
        routes, mapped = self.routes, Mapped(clock, self._engines)
        for run in runs:
            mapped.add(run, routes.of(run.format), partition, sure=routes.named_one(), named=bool(routes.names))
        return mapped
