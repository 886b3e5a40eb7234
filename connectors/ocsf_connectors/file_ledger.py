"""What is known of every file that was ever followed, durable in the lake's ledger.

The ledger is a log of numbered segments, each a list of entries that replace earlier ones of the same id. A segment is
written before a record that depends on it is handed over, so that a file has the same id after a crash. When there are
many segments, one that holds everything replaces them.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict

from ocsf_connectors.file_identity import Entry, Key
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Ledger

SEGMENTS = 100
FORGOTTEN = 90 * 86400.0
"""Seconds after which a file that is done and was not seen any more is no longer known."""


class Known:
    """Every file that was ever followed, by id, by inode and by first line."""

    def __init__(self, ledger: Ledger) -> None:
        """Read the ledger; `fresh` says that it was empty: the source runs for the first time. `urgent`: save now."""
        self._ledger = ledger
        self.entries: dict[str, Entry] = {}
        self._changed: dict[str, Entry] = {}
        self.urgent = False
        names = ledger.names()
        self.fresh = not names
        for name in names:
            self._fold(ledger.get(name) or b"{}")
        self._next = int(names[-1].split(".")[0]) + 1 if names else 0
        self._segments = len(names)
        self.by_key: dict[Key, list[Entry]] = defaultdict(list)
        self.by_head: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries.values():
            self._index(entry)

    def _fold(self, segment: bytes) -> None:
        data = json.loads(segment)
        if data.get("all"):
            self.entries.clear()
        for one in data.get("entries", ()):
            entry = Entry.from_json(one)
            self.entries[entry.id] = entry

    def _index(self, entry: Entry) -> None:
        self.by_head[entry.head.digest].append(entry)
        if entry.key is not None:
            self.by_key[entry.key].append(entry)

    def add(self, entry: Entry) -> None:
        """Take up a new entry, under an id that no other has."""
        first, number = entry.id, 2
        while entry.id in self.entries:
            entry.id, number = f"{first}-{number}", number + 1
        self.entries[entry.id] = entry
        self._index(entry)
        self.change(entry, urgent=True)

    def move(self, entry: Entry, key: Key | None) -> None:
        """Say that the entry is on another inode now, or on none."""
        if entry.key is not None and entry in self.by_key[entry.key]:
            self.by_key[entry.key].remove(entry)
        entry.key = key
        if key is not None:
            self.by_key[key].append(entry)
        self.change(entry, urgent=True)

    def change(self, entry: Entry, *, urgent: bool = False) -> None:
        """Have an entry written with the next segment; `urgent` before anything else happens."""
        self._changed[entry.id] = entry
        self.urgent = self.urgent or urgent

    def save(self) -> None:
        """Write what has changed; raises SourceError when another process writes here too."""
        if not self._changed and not self.fresh:
            return
        self._write({"entries": [entry.to_json() for entry in self._changed.values()]})
        self._changed, self.fresh, self.urgent = {}, False, False
        if self._segments > SEGMENTS:
            self._compact()

    def _write(self, body: dict[str, object]) -> None:
        name, data = f"{self._next:012d}.json", json.dumps(body).encode()
        if not self._ledger.put_new(name, data) and self._ledger.get(name) != data:
            raise SourceError(
                f"another process follows the files of this source: `{name}` of the ledger is its",
                "let one process follow them; this one reads the ledger anew when it is opened again",
            )
        self._next, self._segments = self._next + 1, self._segments + 1

    def _compact(self) -> None:
        """Write everything as one segment, then delete those before it; a crash between does no harm."""
        end = time.time() - FORGOTTEN
        kept = [entry for entry in self.entries.values() if not (entry.done and entry.seen < end)]
        before = [name for name in self._ledger.names() if int(name.split(".")[0]) < self._next]
        self._write({"all": True, "entries": [entry.to_json() for entry in kept]})
        for name in before:
            self._ledger.delete(name)
        self._segments = 1
