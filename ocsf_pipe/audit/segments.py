"""The files of a spool folder: `….open` is written to, `….ready` is whole and waits, `….refused` was not taken.

A segment's name is made once and never again, and its bytes never change once it is ready: it is one request, and its
name the request's idempotency key. So it may be sent any number of times, by any process, and counts once.

Who holds the lock of a file owns it, and the lock ends with its process. An open segment that nobody holds was left by
a dead one.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OPEN, READY, REFUSED = ".open", ".ready", ".refused"
_ATTEMPTS = 20
_briefly_open: set[int] = set()


def begin(folder: Path) -> tuple[int, Path]:
    """Make an open segment and hold it; returns its file descriptor and path. Raises OSError."""
    for _ in range(_ATTEMPTS):
        path = folder / f"{time.time_ns():020d}-{os.getpid()}-{os.urandom(16).hex()}{OPEN}"
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            if _hold(file) and os.fstat(file).st_nlink:
                return file, path
        except BaseException:
            os.close(file)
            path.unlink(missing_ok=True)
            raise
        os.close(file)  # another process took it for left behind, before it was held
    raise OSError(f"no segment could be begun in `{folder}`")


def waiting(folder: Path) -> list[Path]:
    """Return the segments that are ready, the oldest first."""
    return sorted(folder.glob(f"*{READY}"))


def adopt(folder: Path) -> int:
    """Make ready what dead processes left open; returns how many segments."""
    adopted = 0
    for path in sorted(folder.glob(f"*{OPEN}")):
        with held(path) as file:
            if file is None:
                continue
            if whole_lines(file):
                path.rename(path.with_suffix(READY))
                adopted += 1
            else:
                path.unlink()
    return adopted


@contextmanager
def held(path: Path) -> Iterator[int | None]:
    """Hold a segment for a block; None where it is gone, or somebody else's."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    _briefly_open.add(file)
    try:
        yield file if _hold(file) and _is_still(path, file) else None
    finally:
        _briefly_open.discard(file)
        release(file)


def release(file: int) -> None:
    """Let go of a segment and close it. A forked child may have the file open too, and would hold it by that."""
    try:
        fcntl.flock(file, fcntl.LOCK_UN)
    finally:
        os.close(file)


def after_fork() -> None:
    """Close in a child what its parent's other threads had open just then; the parent still holds it."""
    while _briefly_open:
        os.close(_briefly_open.pop())


def whole_lines(file: int) -> bytes:
    """Return what is in a segment up to the end of its last whole line: a process killed while writing left a part."""
    size = os.fstat(file).st_size
    pieces, at = [], 0
    while at < size and (piece := os.pread(file, size - at, at)):
        pieces.append(piece)
        at += len(piece)
    data = b"".join(pieces)
    return data[: data.rfind(b"\n") + 1]


def used(folder: Path) -> int:
    """Return the bytes of all segments."""
    total = 0
    for entry in os.scandir(folder):
        if entry.name.endswith((OPEN, READY, REFUSED)):
            try:
                total += entry.stat().st_size
            except FileNotFoundError:  # sent meanwhile
                continue
    return total


def sync_folder(folder: Path) -> None:
    """Bring the names of a folder to disk."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _hold(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(path: Path, file: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(file).st_ino
    except FileNotFoundError:
        return False
