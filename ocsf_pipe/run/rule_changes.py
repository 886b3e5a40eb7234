"""Rules of a running detection that are read anew when their files change."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ocsf_pipe.run.detecting import Detecting
from ocsf_pipe.run.pipeline_changes import EVERY, Looks, Stamps, stamps

LOG = logging.getLogger("ocsf_pipe.detect")


@dataclass(slots=True)
class Renewal:
    """Looks at the files of rules when called, every few seconds at most, and makes the detection anew on a change.

    Rules that cannot be read leave the others as they were; the place in the lake is kept.
    """

    files: Sequence[Path]
    make: Callable[[], Detecting]
    every: float = EVERY
    _looks: Looks = field(init=False)
    _looked: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Remember how the files are now."""
        self._looks = Looks(self._stamps())

    def __call__(self) -> Detecting | None:
        """The detection by the rules as they are now; None where they are as they were."""
        if time.monotonic() - self._looked < self.every:
            return None
        self._looked = time.monotonic()
        if not self._looks.changed(self._stamps()):
            return None
        try:
            found = self.make()
        except Exception as error:  # noqa: BLE001 - told; the rules that were right go on
            LOG.warning("the rules changed and are kept as they were: %s", error)
            return None
        LOG.info("the rules changed and are read anew", extra={"rules": len(found.watch.able)})
        return found

    def _stamps(self) -> Stamps:
        files = [file for path in self.files for file in (path.rglob("*") if path.is_dir() else [path])]
        return stamps([file for file in files if file.suffix in {".yml", ".yaml", ".sql", ".json"}])
