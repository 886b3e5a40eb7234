"""The one partition of an S3 source: objects in the order of the manifest, each read from where the lake stands."""

from __future__ import annotations

import io
import logging
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc

from ocsf_connectors.s3_client import ArchivedError, Bucket, ChangedError, GoneError
from ocsf_connectors.s3_intake import Inbox, Listing
from ocsf_connectors.s3_manifest import Entry, Manifest
from ocsf_connectors.s3_objects import Pieces, unpacked
from ocsf_pipe.source import Batch, Decoder, Offset, Records, Reject

LOG = logging.getLogger(__name__)
ID = "objects"
ENOUGH_AHEAD = 500
"""So many objects ahead, and nothing new is looked for."""
SMALL = 8 << 20
"""An object up to this size is fetched whole, some of them ahead; others piece by piece."""
_BATCH_BYTES = 8 << 20
_BATCH_SECONDS = 0.3
_WAIT = 1
"""Seconds to wait for a message where there is nothing to read."""


@dataclass(slots=True)
class Ahead:
    """The small objects that come next, fetched by some threads while others are read."""

    bucket: Bucket
    readers: int
    _pool: ThreadPoolExecutor = field(init=False)
    _coming: dict[int, Future[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.readers, "s3")

    def fetch(self, entries: Iterator[Entry]) -> None:
        """Begin to fetch the next objects, as many as there are readers."""
        for entry in entries:
            if len(self._coming) >= self.readers:
                return
            if entry.size <= SMALL and not entry.body and entry.start not in self._coming:
                self._coming[entry.start] = self._pool.submit(
                    self.bucket.get, entry.bucket, entry.key, entry.etag, entry.version, None
                )

    def take(self, entry: Entry) -> Future[bytes] | None:
        """Hand over what is fetched of an object."""
        return self._coming.pop(entry.start, None)

    def close(self) -> None:
        """Leave the threads to end what they do."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@dataclass(slots=True)
class S3Partition:
    """See the module; it is used by one thread."""

    bucket: Bucket
    decoder: Decoder
    manifest: Manifest
    inbox: Inbox | None
    listing: Listing | None
    once: bool
    remember_ms: int
    readers: int
    at: int
    id: str = ID
    _entries: deque[Entry] = field(default_factory=deque)
    _runs: Iterator[Records] | None = None
    _stream: BinaryIO | None = None
    _ahead: Ahead = field(init=False)
    _forgot: float = float("-inf")

    def __post_init__(self) -> None:
        self._entries.extend(self.manifest.load(self.at))
        self._ahead = Ahead(self.bucket, self.readers)
        if self.listing is not None:
            self.listing.resume(self.manifest.listing)

    # ------------------------------------------------------------------ the contract

    def next_batch(self) -> Batch | None:
        """Return the next records; None when there are none now; StopIteration when all was listed once and read."""
        if self.inbox is not None:
            self.inbox.keep_hidden()
        if len(self._entries) < ENOUGH_AHEAD:
            self._look()
        self._ahead.fetch(iter(self._entries))
        batch = self._batch()
        if batch is None and self.once and not self._entries and (self.listing is None or self.listing.passes):
            raise StopIteration
        return batch

    def offset(self) -> Offset:
        """Return the first place not yet returned."""
        return Offset(self.at)

    def acknowledge(self, offset: Offset) -> None:
        """Delete the messages whose objects are in the lake, and shorten the manifest."""
        self.manifest.acknowledge(offset.position)
        if self.inbox is not None:
            self.inbox.done(offset.position)
        if time.monotonic() - self._forgot > 3600:
            self._forgot = time.monotonic()
            floor = time.time_ns() // 1_000_000 - self.remember_ms
            self.manifest.forget(floor if self.listing is None else min(floor, self.listing.floor()))

    def lag(self) -> int | None:
        """Return the positions up to the end of the last known object."""
        return self.manifest.end - self.at

    def close(self) -> None:
        """Let go of the objects that are open."""
        self._drop()
        self._ahead.close()

    # ------------------------------------------------------------------ what is new

    def _look(self) -> None:
        """Write new objects down; what the far end told is held on to only then."""
        try:
            if self.inbox is not None:
                found, written = self.inbox.receive(self.manifest, 0 if self._entries else _WAIT)
                if found:
                    self._append(found)
                written()
            if self.listing is not None and self.listing.due() and not (self.once and self.listing.passes):
                found, worth = self.listing.page(self.manifest)
                if found or worth:
                    self._append(found)
        except Exception:
            if self.listing is not None:
                self.listing.resume(self.manifest.listing)
            raise

    def _append(self, found: list[Entry]) -> None:
        state = self.listing.state if self.listing is not None else self.manifest.listing
        self._entries.extend(self.manifest.append(found, state))

    # ------------------------------------------------------------------ reading

    def _batch(self) -> Batch | None:
        start, runs, size = self.at, [], 0
        until = time.monotonic() + _BATCH_SECONDS
        try:
            while self._entries and size < _BATCH_BYTES and time.monotonic() < until:
                run = self._run(self._entries[0])
                if run is not None:
                    runs.append(run)
                    size += run.raw.nbytes
        except Exception:
            self._drop()
            if self.at == start:
                raise
            LOG.debug("the far end failed behind %d runs; it is asked again", len(runs), exc_info=True)
        return Batch(tuple(runs), Offset(start), Offset(self.at)) if self.at > start else None

    def _run(self, entry: Entry) -> Records | None:
        """Return the next run of an object and move on; None behind its last one."""
        try:
            if self._runs is None:
                self._runs = self._opened(entry)
            found = next(self._runs, None)
        except (GoneError, ChangedError, ArchivedError) as error:
            return self._given_up(entry, error)
        if found is None:
            self._finish(entry)
            return None
        run = placed(found, entry)
        if run.end >= entry.end:
            self._finish(entry)
        else:
            self.at = max(run.end, self.at)
        return run

    def _opened(self, entry: Entry) -> Iterator[Records]:
        if entry.body:
            reject = Reject(0, 0, entry.body.encode(), "the message of the queue names no object")
            return iter([_nothing(1, reject)])
        fetched = self._ahead.take(entry)
        if fetched is not None or entry.size <= SMALL:
            data = fetched.result() if fetched is not None else self._get(entry, None)
            packed: BinaryIO = io.BytesIO(data)
        else:
            pieces = Pieces(lambda a, b: self._get(entry, (a, b)), entry.size)
            packed = cast("BinaryIO", io.BufferedReader(pieces, 1 << 16))
        self._stream = unpacked(packed)
        resume_at = max(self.at - entry.start, 0)
        return iter(self.decoder.read(self._stream, entry.key, resume_at=resume_at))

    def _get(self, entry: Entry, span: tuple[int, int] | None) -> bytes:
        return self.bucket.get(entry.bucket, entry.key, entry.etag, entry.version, span)

    def _given_up(self, entry: Entry, error: Exception) -> Records:
        """Say in the quarantine that an object cannot be read; one that was overwritten is taken in as it is now."""
        why = {
            GoneError: "the object was deleted before it was read",
            ChangedError: "the object was overwritten before it was read to its end",
            ArchivedError: "the object is in cold storage; restore it and copy it to be read",
        }[type(error)]
        if isinstance(error, ChangedError):
            self._take_in_anew(entry)
        LOG.warning("%s: %s", entry.place(), why)
        at = max(self.at - entry.start, 0)
        told = f"{entry.place()} etag {entry.etag} version {entry.version or '-'} bytes {entry.size}"
        run = placed(_nothing(at + 1, Reject(at, 0, told.encode(), why)), entry)
        self._finish(entry)
        return run

    def _take_in_anew(self, entry: Entry) -> None:
        try:
            etag, size = self.bucket.head(entry.bucket, entry.key, "")
        except GoneError:
            return
        now = Entry(entry.bucket, entry.key, etag, "", size)
        if size and now.identity() not in self.manifest.seen:
            self._append([now])

    def _finish(self, entry: Entry) -> None:
        self._drop()
        self._entries.popleft()
        self.at = entry.end

    def _drop(self) -> None:
        stream, self._runs, self._stream = self._stream, None, None
        if stream is not None:
            stream.close()


def placed(run: Records, entry: Entry) -> Records:
    """Put a run of an object into the object's span; what would stand behind the span is one reject at its end."""
    last = entry.end - entry.start - 1
    moved = replace(
        run,
        position=pc.add(run.position, entry.start),
        end=entry.start + run.end,
        rejects=tuple(replace(reject, position=reject.position + entry.start) for reject in run.rejects),
    )
    return moved if run.end <= last else _cut(moved, entry, last)


def _cut(run: Records, entry: Entry, last: int) -> Records:
    mask = pc.less(run.position, entry.start + last)
    why = f"the object unpacks to more than {last} bytes; the rest is not read"
    told = Reject(entry.start + last, 0, entry.place().encode(), why)
    kept: dict[str, Any] = {
        name: None if part is None else part.filter(mask)
        for name, part in (
            ("raw", run.raw),
            ("position", run.position),
            ("sub", run.sub),
            ("json", run.json),
            ("columns", run.columns),
        )
    }
    rejects = tuple(reject for reject in run.rejects if reject.position < entry.start + last)
    return replace(run, **kept, end=entry.end, rejects=(*rejects, told))


def _nothing(end: int, reject: Reject) -> Records:
    none = pa.array([], pa.large_string())
    return Records(none, pa.array([], pa.int64()), pa.array([], pa.int32()), end, rejects=(reject,))
