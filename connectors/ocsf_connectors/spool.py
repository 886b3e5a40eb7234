"""A log of messages on local disk, for sources that cannot be asked again: what is in it is never lost.

`append` returns after the messages are on disk; threads that append at the same time share one fsync. One process
holds the folder. A position is a byte offset in the log since the folder was made; segments are files named by the
position at which they begin, and are deleted once the lake has what is in them. A write that a crash cut short was
never acknowledged, and is cut off on open; damage anywhere else is handed over as `Damage`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import threading
import zlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ocsf_connectors.spool_frames import HEADER_BYTES, Entry, Frame, checksum, frames, header, packed, unpacked
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Cipher

__all__ = ["Cipher", "Damage", "Entry", "Spool", "SpoolFullError", "Stored"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MIN_SEGMENT = 4096


class SpoolFullError(SourceError):
    """The spool or its disk has no room; what was to be appended is not in it, and may be tried again later."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of the log that cannot be read: its bytes as they lie there, and why."""

    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies at a position; the next thing begins at `end`."""

    position: int
    end: int
    entry: Entry | Damage


@dataclass(slots=True, eq=False)
class _Ticket:
    """What one thread wants to append, and what became of it."""

    payloads: list[bytes]
    sums: list[int]
    size: int
    end: int = -1
    errors: list[Exception] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        """Whether it is written or refused."""
        return self.end >= 0 or bool(self.errors)

    def fail(self, error: OSError | SourceError) -> None:
        """Give every thread an exception of its own, since each adds its traceback."""
        if isinstance(error, OSError):
            self.errors.append(OSError(error.errno, error.strerror))
        else:
            self.errors.append(type(error)(str(error), error.hint))


class Spool:
    """Messages on local disk until they are in the lake: append is durable when it returns.

    Any number of threads may append; one reads and forgets. `max_bytes` bounds what is kept, `min_free` what is left
    to others on the disk. `before_delete` is called before segments are deleted: what else is to be known of their
    entries must be on disk when it returns.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        segment_bytes: int = 64 << 20,
        min_free: int = 64 << 20,
        cipher: Cipher | None = None,
        before_delete: Callable[[], None] | None = None,
    ) -> None:
        """Open or make the folder; raises SourceError when another process holds it, OSError when the disk fails."""
        self._folder, self._cipher, self.before_delete = folder, cipher, before_delete
        self._max_bytes, self._min_free = max_bytes, min_free
        # A quarter: room comes back segment by segment, so a spool of one segment would stay full.
        self._segment_bytes = max(_MIN_SEGMENT, min(segment_bytes, max_bytes // 4))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sync_folder(folder.parent)
        self._queue: list[_Ticket] = []
        self._turn, self._writing = threading.Condition(), threading.Lock()
        self._busy = self._torn = self._closed = False
        self._lock = _locked(folder)
        try:
            self.id = _identity(folder)
            self._salt = zlib.crc32(self.id.encode())
            self._begins = sorted(int(path.stem) for path in folder.glob("*.segment"))
            self._file = self._open_last()
            self.end = self._recovered()
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def begin(self) -> int:
        """The first position that is still here."""
        return self._begins[0]

    def append(self, entries: Sequence[Entry]) -> int:
        """Return the position behind the entries once they are on disk.

        Raises SpoolFullError when there is no room, OSError when the disk fails; none of the entries is there then.
        """
        payloads = [packed(entry) for entry in entries]
        if self._cipher is not None:
            payloads = [self._cipher.seal(payload, self.id.encode()) for payload in payloads]
        size = sum(map(len, payloads)) + HEADER_BYTES * len(payloads)
        ticket = _Ticket(payloads, [checksum(payload, self._salt) for payload in payloads], size)
        self._settle(ticket)
        if ticket.errors:
            raise ticket.errors[0]
        return ticket.end

    def read(self, position: int, max_bytes: int) -> list[Stored]:
        """Return what begins at or after a position: about `max_bytes` of it, but at least one thing if there is any.

        Only what is on disk for good is returned. Raises OSError when the disk fails.
        """
        found: list[Stored] = []
        at, end = max(position, self.begin), self.end
        while at < end and (not found or found[-1].end - found[0].position < max_bytes):
            part = self._read_segment(at, end, max_bytes)
            found += part
            at = part[-1].end if part else self._segment_end(at, end)
        return [one for i, one in enumerate(found) if i == 0 or one.end - found[0].position <= max_bytes]

    def forget(self, position: int) -> None:
        """Take note that everything before a position is in the lake; whole segments before it are deleted.

        With a cipher nothing stays on disk that is in the lake: a segment that is done is not waited with until full.
        """
        if self._cipher is not None:
            self._roll(position)
        done = [b for b, after in zip(self._begins, self._begins[1:], strict=False) if after <= position]
        if not done:
            return
        if self.before_delete is not None:
            self.before_delete()
        for begin in done:  # oldest first, so that a crash leaves no hole
            self._path(begin).unlink(missing_ok=True)
        _sync_folder(self._folder)
        with self._writing:
            self._begins = self._begins[len(done) :]

    def _roll(self, position: int) -> None:
        """Begin a new segment where all that was written is in the lake."""
        with self._writing:
            if position >= self.end > self._begins[-1] and not (self._closed or self._torn):
                file = self._create(self.end)
                os.close(self._file)
                self._file, self._begins = file, [*self._begins, self.end]

    def close(self) -> None:
        """Let go of the folder; appends that wait are refused."""
        with self._writing:
            if not self._closed:
                self._closed = True
                os.close(self._file)
                os.close(self._lock)

    def room(self) -> int:
        """Return how many bytes may still be appended; not above zero when the spool or its disk is full."""
        return min(self._max_bytes - (self.end - self.begin), self._free())

    # ------------------------------------------------------------------------------------ writing

    def _free(self) -> int:
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize - self._min_free

    def _settle(self, ticket: _Ticket) -> None:
        """Write a ticket, or have it written: whoever finds nobody at it writes for all who wait."""
        with self._turn:
            self._queue.append(ticket)
            while not ticket.settled and self._busy:
                self._turn.wait()
            if ticket.settled:
                return
            self._busy = True
        try:
            with self._writing:
                self._commit()
        finally:
            with self._turn:
                self._busy = False
                self._turn.notify_all()

    def _commit(self) -> None:
        with self._turn:
            waiting, self._queue = self._queue, []
        why: OSError | SourceError = SourceError("the append was broken off")
        try:
            self._ready()
            self._write(self._with_room(waiting))
        except (OSError, SourceError) as error:
            full = isinstance(error, OSError) and error.errno in _FULL
            why = SpoolFullError("the disk of the spool is full", "make room on it") if full else error
        finally:
            for ticket in waiting:
                if not ticket.settled:
                    ticket.fail(why)

    def _ready(self) -> None:
        """Make the last segment fit to be appended to."""
        if self._closed:
            raise SourceError("the spool is closed")
        if self._torn:  # an earlier write or fsync failed: what it left was never acknowledged
            os.ftruncate(self._file, self.end - self._begins[-1])
            os.fsync(self._file)
            self._torn = False
        if self.end - self._begins[-1] >= self._segment_bytes:
            file = self._create(self.end)
            os.close(self._file)
            self._file, self._begins = file, [*self._begins, self.end]

    def _with_room(self, waiting: list[_Ticket]) -> list[_Ticket]:
        room, free = self.room(), self._free()
        taken: list[_Ticket] = []
        for ticket in waiting:
            if ticket.size <= room:
                room -= ticket.size
                taken.append(ticket)
            else:
                of = "disk of the spool" if free < ticket.size else "spool"
                ticket.fail(SpoolFullError(f"the {of} is full", "wait until the lake has caught up, or give it room"))
        return taken

    def _write(self, taken: list[_Ticket]) -> None:
        if not taken:
            return
        parts: list[bytes] = []
        ends: list[int] = []
        at = self.end
        for ticket in taken:
            for payload, total in zip(ticket.payloads, ticket.sums, strict=True):
                parts += (header(at, len(payload), total, self._salt), payload)
                at += HEADER_BYTES + len(payload)
            ends.append(at)
        self._torn = True
        _write_all(self._file, b"".join(parts), self.end - self._begins[-1])
        os.fdatasync(self._file)
        self._torn = False
        self.end = at
        for ticket, end in zip(taken, ends, strict=True):
            ticket.end = end

    # ------------------------------------------------------------------------------------ reading

    def _segment_end(self, position: int, end: int) -> int:
        after = bisect_right(self._begins, position)
        return self._begins[after] if after < len(self._begins) else end

    def _read_segment(self, position: int, end: int, max_bytes: int) -> list[Stored]:
        """Return what begins in the segment of a position; at least `max_bytes` of it where there is so much."""
        begin = self._begins[bisect_right(self._begins, position) - 1]
        stop = self._segment_end(position, end)
        with self._path(begin).open("rb") as file:
            found = self._parsed(file, begin, position, min(position + max_bytes, stop), stop)
            if not found or any(isinstance(one.entry, Damage) for one in found):
                found = self._parsed(file, begin, position, stop, stop)  # where damage ends shows only behind it
            if isinstance(found[0].entry, Damage):  # or the position is inside of a frame
                found = self._parsed(file, begin, begin, stop, stop)
        return [one for one in found if one.position >= position]

    def _parsed(self, file: BinaryIO, begin: int, start: int, until: int, stop: int) -> list[Stored]:
        file.seek(start - begin)
        data = file.read(until - start)
        found = list(frames(data, start, self._salt))
        at = found[-1].end if found else start
        if until == stop and at < stop:
            found.append(Frame(at, stop, None, f"{stop - start - len(data)} bytes of the segment are missing"))
        return [self._stored(frame, data[frame.start - start : frame.end - start]) for frame in found]

    def _stored(self, frame: Frame, raw: bytes) -> Stored:
        if frame.payload is None:
            return Stored(frame.start, frame.end, Damage(raw, frame.reason))
        try:
            plain = self._cipher.open(frame.payload, self.id.encode()) if self._cipher else frame.payload
            return Stored(frame.start, frame.end, unpacked(plain))
        except ValueError as error:
            return Stored(frame.start, frame.end, Damage(raw, str(error)))

    # ------------------------------------------------------------------------------------ segments

    def _path(self, begin: int) -> Path:
        return self._folder / f"{begin:020d}.segment"

    def _create(self, begin: int) -> int:
        file = os.open(self._path(begin), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        _sync_folder(self._folder)
        return file

    def _open_last(self) -> int:
        if not self._begins:
            self._begins = [0]
            return self._create(0)
        return os.open(self._path(self._begins[-1]), os.O_RDWR | os.O_CLOEXEC)

    def _recovered(self) -> int:
        """Cut off a torn tail, and return the position behind what is left."""
        begin = self._begins[-1]
        data = self._path(begin).read_bytes()
        at = begin
        for frame in frames(data, begin, self._salt):
            at = frame.end
        if at < begin + len(data):
            os.ftruncate(self._file, at - begin)
        os.fsync(self._file)  # what is read now must not be gone after the next crash
        return at


def _write_all(file: int, data: bytes, offset: int) -> None:
    left = memoryview(data)
    while left:
        done = os.pwrite(file, left, offset)
        left, offset = left[done:], offset + done


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _locked(folder: Path) -> int:
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise SourceError(f"the spool `{folder}` is in use", "stop the other process, or name another folder") from None
    return lock


def _identity(folder: Path) -> str:
    """Return the folder's id; one without segments gets a new one, since its positions begin anew."""
    path, segments = folder / "id", any(folder.glob("*.segment"))
    if path.exists() and segments:
        return path.read_text().strip()
    if segments:
        raise SourceError(f"the spool `{folder}` has lost its id", "put the file `id` back, or move the folder away")
    fresh = folder / "id.new"
    with fresh.open("w") as file:
        file.write(secrets.token_hex(16))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync_folder(folder)
    return path.read_text().strip()
