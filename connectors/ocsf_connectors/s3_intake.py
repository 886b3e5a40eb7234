"""What is new: messages of the queue and pages of the listing become objects to read, each version once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ocsf_connectors.s3_client import Bucket, GoneError, Message, Queue
from ocsf_connectors.s3_manifest import DAY_MS, Entry, Manifest
from ocsf_connectors.s3_notices import Notice, notices
from ocsf_pipe.errors import SourceError

LOG = logging.getLogger(__name__)
_RECEIVES = 20
"""Messages are gathered by ten: so many calls make one group of objects at most."""
_SAVE_FLOOR = DAY_MS // 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which keys are read: those that some pattern of `include` fits, or all, and none of `exclude`."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def fits(self, key: str) -> bool:
        """Whether an object is to be read."""
        if self.include and not any(fnmatchcase(key, pattern) for pattern in self.include):
            return False
        return not any(fnmatchcase(key, pattern) for pattern in self.exclude)


@dataclass(slots=True)
class Held:
    """A message in hand: it may be deleted when position `behind` is in the lake."""

    receipt: str
    behind: int


@dataclass(slots=True)
class Inbox:
    """The queue's messages, from their receipt to their deletion."""

    queue: Queue
    bucket: Bucket
    wanted: Wanted
    delete_unreadable: bool
    held: dict[str, Held] = field(default_factory=dict)
    _hidden: float = field(default_factory=time.monotonic)

    def receive(self, manifest: Manifest, wait: int) -> tuple[list[Entry], Callable[[], None]]:
        """Return the objects that are new, and what is to be called when they are written down."""
        messages: list[Message] = []
        while len(messages) < _RECEIVES * 10 and (more := self.queue.receive(0 if messages else wait)):
            messages += more
        found: dict[bytes, Entry] = {}
        told = [(message, self._objects(message)) for message in messages]
        for _, entries in told:
            found |= {one.identity(): one for one in entries if one.identity() not in manifest.seen}
        return list(found.values()), lambda: self._hold(told, manifest)

    def _objects(self, message: Message) -> list[Entry]:
        named = notices(message.body)
        if named is None:
            LOG.warning("message %s names no object: %.200s", message.id, message.body)
            return [Entry("", "", "", body=message.body)]
        entries = [self._entry(one) for one in named if self.wanted.fits(one.key) and one.size != 0]
        return [entry for entry in entries if entry is not None]

    def _entry(self, told: Notice) -> Entry | None:
        if told.etag and told.size is not None:
            return Entry(told.bucket, told.key, told.etag, told.version, told.size)
        try:
            etag, size = self.bucket.head(told.bucket, told.key, told.version)
        except GoneError:
            return Entry(told.bucket, told.key, told.etag or "unknown", told.version)
        return Entry(told.bucket, told.key, etag, told.version, size) if size else None

    def _hold(self, told: Sequence[tuple[Message, Sequence[Entry]]], manifest: Manifest) -> None:
        """Keep the messages until their objects are in the lake; those without any are deleted at once."""
        for message, entries in told:
            if any(entry.body for entry in entries) and not self.delete_unreadable:
                continue  # comes again, and goes to the queue's dead letters if it has any
            behind = max((manifest.waiting.get(entry.identity(), 0) for entry in entries), default=0)
            self.held[message.id] = Held(message.receipt, behind)
        self.done(0)

    def done(self, offset: int) -> None:
        """Delete the messages whose objects are in the lake; what cannot be deleted is tried again, or comes again."""
        over = {one.receipt: name for name, one in self.held.items() if one.behind <= offset}
        if not over:
            return
        try:
            left = self.queue.delete(list(over))
        except SourceError as error:
            LOG.warning("messages are not deleted yet: %s", error)
            return
        for receipt in over.keys() - left:
            del self.held[over[receipt]]

    def keep_hidden(self) -> None:
        """Hide the messages in hand from other workers for another while, when half of the last one is over."""
        now = time.monotonic()
        if not self.held or now - self._hidden < self.queue.visibility / 2:
            return
        self._hidden = now
        lost = self.queue.hide([one.receipt for one in self.held.values()])
        if lost:  # they come again with a new receipt
            self.held = {name: one for name, one in self.held.items() if one.receipt not in lost}


@dataclass(slots=True)
class Listing:
    """The pages of some prefixes of a bucket, one after the other, again and again."""

    bucket: Bucket
    name: str
    prefixes: tuple[str, ...]
    wanted: Wanted
    since: int
    until: int
    every: float
    remember_ms: int
    state: dict[str, Any] = field(default_factory=dict)
    passes: int = 0
    _turn: int = 0
    _began: float = field(default_factory=time.monotonic)
    _next: float = 0.0

    def resume(self, listing: Mapping[str, Any]) -> None:
        """Go on where the manifest says that the listing was."""
        self.state = {name: dict(told) for name, told in listing.items()}

    def due(self) -> bool:
        """Whether a page is to be asked for now."""
        return time.monotonic() >= self._next

    def floor(self) -> int:
        """The time before which all objects of all prefixes are known, in ms since 1970; zero before the first pass."""
        return min(int(self._told(prefix).get("floor", 0)) for prefix in self.prefixes)

    def page(self, manifest: Manifest) -> tuple[list[Entry], bool]:
        """Return what is new in the next page, and whether the state is worth writing down without it."""
        prefix = self.prefixes[self._turn]
        told = dict(self._told(prefix))
        if not self._turn and not told.get("after"):
            self._began = time.monotonic()
        if not told.get("after"):
            told["began"] = time.time_ns() // 1_000_000
        listed, more = self.bucket.page(self.name, prefix, told.get("after", ""))
        lowest = max(self.since, told.get("floor", 0))
        new = [
            Entry(self.name, one.key, one.etag, "", one.size)
            for one in listed
            if one.size and lowest <= one.modified < self.until and self.wanted.fits(one.key)
        ]
        told["after"] = listed[-1].key if listed and more else ""
        worth = False
        if not told["after"]:
            worth = self._passed(told)
        self.state[self._key(prefix)] = told
        return [one for one in new if one.identity() not in manifest.seen], worth

    def _passed(self, told: dict[str, Any]) -> bool:
        """Note the end of a pass over one prefix: what was there `remember` before it began is known for good."""
        floor = max(told["began"] - self.remember_ms, 0)
        worth: bool = floor - int(told.get("saved", 0)) > _SAVE_FLOOR
        told["floor"] = floor
        if worth:
            told["saved"] = floor
        self._turn = (self._turn + 1) % len(self.prefixes)
        if not self._turn:
            self.passes += 1
            took = time.monotonic() - self._began
            self._next = time.monotonic() + max(self.every, 2 * took)
        return worth

    def _told(self, prefix: str) -> dict[str, Any]:
        return dict(self.state.get(self._key(prefix), {}))

    def _key(self, prefix: str) -> str:
        return f"{self.name}/{prefix}"
