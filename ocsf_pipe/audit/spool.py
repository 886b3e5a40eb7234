"""What was logged and is not answered for yet: append-only files, one writer each, bounded together.

`append` returns when write(2) did: the kernel has the line, and no end of the process takes it away. A loss of power
may, until fsync: `sealed` (by default) brings lines to disk from the shipper's thread, about every second; `always`
before `append` returns; `never` leaves it to the kernel.
"""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from pathlib import Path

from ocsf_pipe.audit import segments

FSYNC = ("always", "sealed", "never")
_UNSYNCED = 64


class SpoolFullError(Exception):
    """There is as much in the folder as may be."""


class Spool:
    """One process's way into a folder; many threads and forked children may append."""

    def __init__(self, folder: Path, *, max_bytes: int, segment_bytes: int, fsync: str) -> None:
        """Touch nothing yet."""
        self.folder = folder
        self._max_bytes, self._segment_bytes, self._fsync = max_bytes, segment_bytes, fsync
        self.after_fork()

    def after_fork(self) -> None:
        """Forget the parent's segment in a child, and its lock, which another thread may have held."""
        for file in (getattr(self, "_file", -1), *getattr(self, "_unsynced", ()), getattr(self, "_synced_now", -1)):
            with suppress(OSError):  # closed just then by another thread of the parent
                if file >= 0:
                    os.close(file)  # which is not to let go of it: the parent has it
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._file, self._path, self._size = -1, self.folder, 0
        self._unsynced: list[int] = []
        self._synced_now = -1
        self._used = -1  # not counted yet
        self._dirty = False

    def append(self, line: bytes) -> None:
        """Write a line, its end included; raises SpoolFullError or OSError, and then nothing of it stays."""
        with self._lock:
            if os.getpid() != self._pid:  # a fork that Python was not told of
                self.after_fork()
            if self._used < 0:
                self.count()
            if self._used + len(line) > self._max_bytes:
                raise SpoolFullError(f"`{self.folder}` holds {self._used} bytes")
            try:
                self._write(line)
            except OSError:
                begun = self._size
                self.seal()
                if not begun:
                    raise
                self._write_anew(line)  # a file may have reached its limit where another has room
            if self._size >= self._segment_bytes:
                self.seal()

    def seal(self) -> None:
        """Make what was written so far ready to be sent; raises OSError."""
        with self._lock:
            if self._file < 0 or os.getpid() != self._pid:
                return
            file, path, size = self._file, self._path, self._size
            self._file, self._size = -1, 0
            if not size:
                path.unlink(missing_ok=True)
                segments.release(file)
                return
            try:
                path.rename(path.with_suffix(segments.READY))
            finally:
                self._unsynced.append(file)
            if self._fsync != "sealed" or len(self._unsynced) > _UNSYNCED:
                segments.release(self._unsynced.pop(0))

    def sync(self) -> None:
        """Bring to disk what is not there yet, and let go of what is sealed; raises OSError. Appends do not wait."""
        if self._fsync != "sealed":
            return
        with self._lock:
            sealed = self._unsynced[:]
            active = self._synced_now = os.dup(self._file) if self._file >= 0 and self._dirty else -1
            self._dirty = False
        try:
            for file in (*sealed, active):
                if file >= 0:
                    os.fsync(file)
            if sealed or active >= 0:
                segments.sync_folder(self.folder)
        finally:
            with self._lock:
                self._unsynced = [file for file in self._unsynced if file not in sealed]
                for file in sealed:
                    segments.release(file)
                self._synced_now = -1
                if active >= 0:
                    os.close(active)  # the file itself stays open, and held

    def count(self) -> int:
        """Count anew what is in the folder, other processes' segments too, and return its bytes; raises OSError."""
        with self._lock:
            if not self.folder.is_dir():
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._used = segments.used(self.folder)
            return self._used

    def _write(self, line: bytes) -> None:
        if self._file < 0:
            if not self.folder.is_dir():
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file, self._path = segments.begin(self.folder)
            self._size = 0
        done = os.write(self._file, line)
        if done < len(line):
            # A part of a line is behind the last whole one: it is taken away, or else left as the last of its file.
            try:
                os.ftruncate(self._file, self._size)
            except OSError:
                self.seal()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._size += done
        self._used += done
        self._dirty = True
        if self._fsync == "always":
            os.fsync(self._file)

    def _write_anew(self, line: bytes) -> None:
        try:
            self._write(line)
        except OSError:
            self.seal()  # which takes an empty file away
            raise
