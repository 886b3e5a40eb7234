"""Changed files of a running pipeline: mappings that changed are to be read anew, a changed pipeline file is told."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ocsf_pipe.errors import OcsfPipeError
from ocsf_pipe.mapping.catalogue import find_mapping, folders

if TYPE_CHECKING:
    from ocsf_pipe.run.pipeline import Pipeline

LOG = logging.getLogger("ocsf_pipe.telemetry")
EVERY = 3.0
Stamps = dict[Path, tuple[int, int]]


@dataclass(slots=True)
class Looks:
    """How files were when last looked at. A change counts when it is over: two looks in a row see the same."""

    known: Stamps
    before: Stamps = field(init=False)

    def __post_init__(self) -> None:
        """Begin with what is known."""
        self.before = self.known

    def changed(self, now: Stamps) -> bool:
        """Whether the files are others than those known, which from then on are these."""
        over = now == self.before and now != self.known
        self.known = now if over else self.known
        self.before = now
        return over


class Changes:
    """Looks at the files every few seconds while its context lasts, and sets `reload` when mappings changed."""

    def __init__(self, pipeline: Pipeline, reload: threading.Event, every: float = EVERY) -> None:
        """Remember how the files are now."""
        self._pipeline, self._reload, self._every = pipeline, reload, every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)
        self._mappings = Looks(stamps(mapping_files(pipeline)))
        self._file = stamps([pipeline.file] if pipeline.file else [])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            self.look()

    def look(self) -> None:
        """Compare once."""
        if self._mappings.changed(stamps(mapping_files(self._pipeline))):
            self._reload.set()
        file = stamps(self._file)
        if file and file != self._file:
            self._file = file
            fields = {
                "event": "pipeline_file_changed",
                "pipeline": self._pipeline.name,
                "file": str(self._pipeline.file),
            }
            LOG.warning("the pipeline file changed: what it says holds after a restart", extra=fields)


def mapping_files(pipeline: Pipeline) -> list[Path]:
    """The files and tables that mappings are made of: those that sources name, all there are where one names none."""
    files = set()
    for source in pipeline.sources:
        for name in source.mappings:
            try:
                files.add(find_mapping(name).path)
            except OcsfPipeError:  # it was there when the pipeline was loaded, and may come back
                continue
        if not source.mappings:
            files |= {path for folder in folders() for path in folder.glob("*/*/mapping.yaml")}
    return sorted(files | {table for file in files for table in file.parent.glob("*.csv")})


def stamps(files: list[Path] | Stamps) -> Stamps:
    """When each file was changed, and its size; files that are not there are left out."""
    found: Stamps = {}
    for path in files:
        try:
            stat = path.stat()
        except OSError:
            continue
        found[path] = (stat.st_mtime_ns, stat.st_size)
    return found
