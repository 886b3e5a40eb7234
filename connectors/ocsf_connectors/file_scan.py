"""The files of a source as they are now: which of them are known, where they went, and which are new."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ocsf_connectors.file_identity import Entry, Key, Look, Mark
from ocsf_connectors.file_ledger import Known
from ocsf_connectors.file_paths import Wanted
from ocsf_connectors.file_place import Options, Place, Stamp
from ocsf_pipe.errors import SourceError

LOG = logging.getLogger(__name__)
HUNT = 30.0
"""Seconds for which a file that went away is looked for in its folder."""
_SAVE = 5.0


@dataclass(slots=True)
class Scanner:
    """Looks at the paths, at most once in `poll` seconds. `held` gives the open handle of an entry, if there is one."""

    wanted: Wanted
    known: Known
    options: Options
    held: Callable[[str], int | None]
    places: dict[Key, Place] = field(default_factory=dict)
    by_id: dict[str, Place] = field(default_factory=dict)
    lost: dict[str, float] = field(default_factory=dict)
    _left: dict[Key, tuple[Stamp, float]] = field(default_factory=dict)
    _copies: dict[Key, Stamp] = field(default_factory=dict)
    round: int = 0
    _due: float = 0.0
    _saved: float = 0.0
    _told: set[str] = field(default_factory=set)

    def look(self) -> None:
        """Scan if it is time to; without `follow` once only."""
        now = time.monotonic()
        if now >= self._due:
            self._scan(now)
            self.round += 1
            self._due = now + self.options.poll if self.options.follow else float("inf")

    def lose(self, entry: Entry) -> None:
        """Take note that its inode holds something else now; a copy may still be found."""
        self.known.move(entry, None)
        self._miss(entry)

    def unreadable(self, place: Place, why: OSError) -> None:
        """Take note that a file cannot be opened; raises what the system says where it is read only once."""
        if not self.options.follow:
            raise why
        if isinstance(why, FileNotFoundError):
            self._miss(place.entry)
        else:
            self._tell(place.path, why)

    def _miss(self, entry: Entry) -> None:
        place = self.by_id.pop(entry.id, None)
        if place is not None:
            del self.places[place.key]
        self.lost[entry.id] = time.monotonic()
        self._copies.clear()
        self.round += 1
        self._due = 0.0 if self.options.follow else self._due

    def _tell(self, path: str, why: OSError) -> None:
        if path not in self._told:
            LOG.warning("cannot read `%s`: %s; it is tried again", path, why.strerror)
            self._told.add(path)

    # ------------------------------------------------------------------ one scan

    def _scan(self, now: float) -> None:
        first = self.known.fresh
        listed: dict[Key, tuple[str, os.stat_result]] = {}
        for path, stat in self.wanted.files():
            listed.setdefault((stat.st_dev, stat.st_ino), (path, stat))
        if len(listed) > self.options.max_files:
            raise SourceError(
                f"the paths name {len(listed)} files, `max_files` is {self.options.max_files}",
                "name fewer with `paths` and `exclude`, or raise `max_files`",
            )
        new = []
        for key, (path, stat) in listed.items():
            place = self.places.get(key)
            if place is None:
                new.append((path, stat))
            else:
                place.see(stat, path, now, listed=True)
        self._shrunk()
        self._unlisted(listed, now)
        self._take_in(new, now)
        self._hunt(now, first=not self._saved)
        if first or now - self._saved >= _SAVE or self.known.urgent:
            self.known.save()
            self._saved = now

    def _shrunk(self) -> None:
        """Files that are shorter than what was read of them were cut."""
        for place in list(self.places.values()):
            tail = place.entry.tail
            if tail is not None and not place.packing and not place.document and place.stamp[0] < tail.end:
                self.lose(place.entry)

    def _unlisted(self, listed: dict[Key, tuple[str, os.stat_result]], now: float) -> None:
        for key in [key for key in self.places if key not in listed]:
            place = self.places[key]
            try:
                stat = Path(place.path).stat()
            except PermissionError:
                continue  # its folder cannot be looked into just now, which says nothing about the file
            except OSError:
                stat = None
            # A folder that may be entered but not listed hides its files from a glob, not from a stat.
            there = stat is not None and (stat.st_dev, stat.st_ino) == key
            handle = self._handle(place)
            if stat is not None and there:
                place.see(stat, place.path, now, listed=place.listed)
            elif handle is not None:
                place.see(os.fstat(handle), place.path, now, listed=False)
            else:
                self._miss(place.entry)

    def _handle(self, place: Place) -> int | None:
        """Return the open handle of a place; one of where the entry was before is none."""
        handle = self.held(place.entry.id)
        if handle is None:
            return None
        stat = os.fstat(handle)
        return handle if (stat.st_dev, stat.st_ino) == place.key else None

    def _take_in(self, new: list[tuple[str, os.stat_result]], now: float) -> None:
        """Known inodes first, and packed files last: a copy is known by the file that it was made of."""
        packed = []
        for path, stat in sorted(new, key=lambda one: (one[1].st_dev, one[1].st_ino) not in self.known.by_key):
            key, stamp = (stat.st_dev, stat.st_ino), (stat.st_size, stat.st_mtime_ns)
            left = self._left.get(key)
            if not stat.st_size or self._copies.get(key) == stamp or (left and left[0] == stamp and now < left[1]):
                continue
            if self._resolve(path, now, packed=False):
                packed.append(path)
        for path in packed:
            self._resolve(path, now, packed=True)

    def _resolve(self, path: str, now: float, *, packed: bool) -> bool:
        """Find out what a file is; True when it is packed and `packed` is not, so that it waits for its turn."""
        try:
            with Look(path) as look:
                if look.packing and not packed:
                    return True
                if look.key not in self.places:
                    self._identify(look, now)
        except OSError as error:
            if not self.options.follow:
                raise
            self._tell(path, error)
        return False

    def _identify(self, look: Look, now: float) -> None:
        age = time.time() - look.stamp[1] / 1e9
        rest = self.options.settle if look.document or look.packing else self.options.complete_after
        head = look.head(whole=not self.options.follow or age >= rest)
        if head is None:
            until = now + max(0.0, rest - max(0.0, age))
            self._left[look.key] = (look.stamp, until)
            return
        entry = self._by_inode(look) or self._by_text(look, head)
        if entry is None:
            original = self._original(look, head, age)
            if original is not None and look.packing:
                self._hold_back(look)
                return
            entry = self._new(look, head, original)
        if entry.copy_of is not None:
            entry = self._told_apart(entry, look, age)
        if entry is None:
            return
        if entry.done and entry.stamp == look.stamp:
            self._left[look.key] = (look.stamp, float("inf"))
            return
        self._settle_on(entry, look, now - max(0.0, age))

    def _hold_back(self, look: Look) -> None:
        """Leave a packed copy alone until something goes away: to compare it, all of it was unpacked."""
        if look.packing:
            self._copies[look.key] = look.stamp

    def _told_apart(self, copy: Entry, look: Look, age: float) -> Entry | None:
        """Return the entry that a likely copy belongs to now; None while that is open."""
        original = self.known.entries.get(copy.copy_of or "")
        place = self.by_id.get(original.id) if original is not None else None
        if place is not None and self._still_there(place):
            if (look.packing or age < self.options.settle) and self._is_alike(look, place):
                self._hold_back(look)
                return None
        elif original is not None and original.tail is not None:
            if place is not None:
                self.lose(original)
            length, end = look.ending()
            shorter = length < original.tail.end
            if shorter or look.holds((original.head, original.tail)):
                if shorter:  # more was read of the original before it was cut
                    original.tail, original.short = Mark(length, end), True
                self.known.move(copy, None)
                copy.done = True
                return original
        copy.copy_of = None
        self.known.change(copy, urgent=True)
        return copy

    def _settle_on(self, entry: Entry, look: Look, changed: float, *, listed: bool = True) -> None:
        if entry.done:
            entry.done = False
            self.known.change(entry)
        moved = entry.path != look.path or not listed
        entry.path, entry.seen = look.path, time.time()
        if entry.key != look.key:
            self.known.move(entry, look.key)
        place = Place(entry, look.path, look.key, look.stamp, look.packing, look.document, changed, moved, listed)
        self.places[look.key] = self.by_id[entry.id] = place
        self.lost.pop(entry.id, None)
        self._left.pop(look.key, None)

    # ------------------------------------------------------------------ what a file is

    def _by_inode(self, look: Look) -> Entry | None:
        for entry in reversed(self.known.by_key.get(look.key, [])):
            if entry.id not in self.by_id and (
                (entry.done and entry.stamp == look.stamp) or look.holds((entry.head, entry.tail))
            ):
                return entry
        return None

    def _by_text(self, look: Look, head: Mark) -> Entry | None:
        """Return the entry that this is a copy of and that is nowhere else; the one of which most was read."""
        fits = []
        for entry in self.known.by_head.get(head.digest, []):
            place = self.by_id.get(entry.id)
            if place is not None and not self._still_there(place):
                self.lose(entry)
                place = None
            if place is None and entry.tail and look.holds((entry.head, entry.tail)):
                fits.append(entry)
        return max(fits, key=lambda one: (one.copy_of is None, one.tail.end if one.tail else 0), default=None)

    def _still_there(self, place: Place) -> bool:
        if place.packing or place.document:
            return True
        try:
            with Look(place.path, self._handle(place)) as look:
                return look.key == place.key and look.holds((place.entry.head, place.entry.tail))
        except OSError:
            return True  # not to be seen is not changed

    def _original(self, look: Look, head: Mark, age: float) -> Entry | None:
        """Return what is still there and says the same: this is the copy before a cut, or one that is packed.

        Two files that only begin alike say so in a while: an unpacked one that has not changed for `settle` seconds is
        one of its own.
        """
        if not look.packing and (not self.options.follow or age >= self.options.settle):
            return None
        for entry in self.known.by_head.get(head.digest, []):
            place = self.by_id.get(entry.id)
            if place is not None and not place.packing and not place.document and self._is_alike(look, place):
                return entry
        return None

    def _is_alike(self, look: Look, place: Place) -> bool:
        try:
            with Look(place.path, self._handle(place)) as other:
                return other.key == place.key and look.begins(other)
        except OSError:
            return False

    def _new(self, look: Look, head: Mark, original: Entry | None) -> Entry:
        device, inode = look.key
        entry = Entry(f"{device:x}-{inode:x}-{head.digest[:16]}", look.path, look.key, head, seen=time.time())
        entry.copy_of = original.id if original is not None else None
        if self.known.fresh and self.options.from_end:
            if look.packing or look.document:
                entry.done, entry.stamp = True, look.stamp
            else:
                entry.begin = look.last_line().end
        if not look.packing and not look.document:
            entry.tail = look.last_line()
        self.known.add(entry)
        return entry

    # ------------------------------------------------------------------ files that went away

    def _hunt(self, now: float, *, first: bool) -> None:
        """Look for what is not where it was in the folders where it was: under another name, or packed."""
        if first and self.options.follow:
            gone = [one for one in self.known.entries.values() if not (one.done or one.copy_of or one.id in self.by_id)]
            self.lost.update({entry.id: now for entry in gone})
        wanted = [self.known.entries[name] for name, since in self.lost.items() if now - since < HUNT]
        folders: dict[str, list[Entry]] = {}
        for entry in wanted:
            folders.setdefault(os.path.dirname(entry.path), []).append(entry)  # noqa: PTH120 - a text, thousands of times
        for folder, entries in folders.items():
            self._hunt_in(folder, entries, now)

    def _hunt_in(self, folder: str, entries: list[Entry], now: float) -> None:
        inodes = {entry.key[1] for entry in entries if entry.key is not None}
        stems = tuple({Path(entry.path).name.split(".")[0] for entry in entries})
        try:
            found = [one for one in os.scandir(folder) if one.inode() in inodes or one.name.startswith(stems)]
        except OSError:
            return
        for one in sorted(found, key=lambda one: one.name):
            try:
                with Look(one.path) as look:
                    self._take_back(look, now)
            except OSError:
                continue

    def _take_back(self, look: Look, now: float) -> None:
        head = look.head(whole=True)
        if head is None or look.key in self.places:
            return
        entry = self._by_inode(look) or self._by_text(look, head)
        if entry is not None and entry.id in self.lost and not (entry.done or entry.copy_of):
            age = max(0.0, time.time() - look.stamp[1] / 1e9)
            self._settle_on(entry, look, now - age, listed=False)
