"""Where a followed file is, and what the settings say about following."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ocsf_connectors.file_identity import Entry, Key

Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say about following; times in seconds, see SETTINGS."""

    follow: bool = True
    from_end: bool = False
    poll: float = 1.0
    settle: float = 5.0
    complete_after: float = 300.0
    max_files: int = 100_000


@dataclass(slots=True, eq=False)
class Place:
    """Where an entry is now. changed: when its stamp was last seen to change, on the monotonic clock.

    moved: it has another name than before, or none. listed: the paths of the settings name it.
    """

    entry: Entry
    path: str
    key: Key
    stamp: Stamp
    packing: str | None
    document: bool
    changed: float
    moved: bool = False
    listed: bool = True

    def see(self, stat: os.stat_result, path: str, now: float, *, listed: bool) -> None:
        """Take note of what the file system says."""
        stamp = (stat.st_size, stat.st_mtime_ns)
        if stamp != self.stamp:
            self.stamp, self.changed = stamp, now
        self.moved = self.moved or path != self.path or not listed
        self.path, self.listed = path, listed
