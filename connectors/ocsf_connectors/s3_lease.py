"""Which of several workers reads: the one that has the lease; the others wait until it is given back or grows old.

Being polite is all that the lease is for. What keeps records single is that a second worker loses where both write the
same group of objects or the same batch. Ages are measured by the clock of the one who waits: it takes over when the
lease has not changed for a minute. Workers that share a state folder know at once whether the other one lives.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO

from ocsf_pipe.source import Ledger

RENEW = 20.0
TAKE_OVER = 60.0
_LOOK = 5.0
_FREE = b""


class Lease:
    """The right to read one source."""

    def __init__(self, ledger: Ledger, state: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Ask for nothing yet."""
        self._ledger, self._state, self._clock = ledger, state, clock
        self._lock: IO[bytes] | None = None
        self._looked = self._changed = self._renewed = float("-inf")
        self._number = 0
        self._mine = False
        self._worker = b""

    def held(self) -> bool:
        """Whether this worker may read now; takes or renews the lease where it can."""
        now = self._clock()
        if self._locked() and now - self._looked >= _LOOK:
            self._look(now)
            self._looked = now
        return self._mine

    def close(self) -> None:
        """Give the lease back; may be called again, or never, on a crash."""
        if self._mine:
            self._mine = False
            with contextlib.suppress(OSError):
                self._put(_FREE)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _locked(self) -> bool:
        if self._lock is None:
            lock = (self._state / "s3.lock").open("ab")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                return False
            self._lock, self._worker = lock, self._name()
        return True

    def _name(self) -> bytes:
        """The name of the state folder: a worker that comes back after a crash has its lease still."""
        path = self._state / "s3.worker"
        if not path.exists():
            path.write_text(uuid.uuid4().hex)
        return path.read_bytes()

    def _look(self, now: float) -> None:
        number = max(
            (int(name.removeprefix("lease-")) for name in self._ledger.names() if name.startswith("lease-")), default=0
        )
        if number != self._number:
            self._number, self._changed = number, now
        owner = self._ledger.get(f"lease-{number:012d}") if number else _FREE
        if owner == self._worker:
            self._mine = True
            if now - self._renewed >= RENEW:
                self._take(now)
        else:
            self._mine = False
            if owner == _FREE or (owner is not None and now - self._changed >= TAKE_OVER):
                self._take(now)

    def _take(self, now: float) -> None:
        self._mine = self._put(self._worker)
        self._renewed = self._changed = now

    def _put(self, owner: bytes) -> bool:
        if not self._ledger.put_new(f"lease-{self._number + 1:012d}", owner):
            return False
        self._ledger.delete(f"lease-{self._number:012d}")
        self._number += 1
        return True
