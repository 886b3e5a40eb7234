"""Sends what is ready, in the order in which it was begun, and deletes what was answered."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from ocsf_pipe.audit import segments
from ocsf_pipe.audit.post import Answer, Client
from ocsf_pipe.audit.spool import Spool

_FIRST_WAIT, _LONGEST_WAIT = 0.25, 30.0


@dataclass(slots=True)
class Tally:
    """What became of records and batches since the process began; read it at any time."""

    written: int = 0
    lost: int = 0
    shipped: int = 0
    refused: int = 0
    attempts: int = 0
    last_error: str = ""
    lost_for: dict[str, int] = field(default_factory=dict)

    def reset(self) -> None:
        """Begin to count anew, in a forked child."""
        self.written = self.lost = self.shipped = self.refused = self.attempts = 0
        self.last_error = ""
        self.lost_for = {}


def ship(folder: Path, client: Client, tally: Tally) -> Answer | None:
    """Send every ready segment once; returns the answer that says to wait, or None. Raises OSError of the folder."""
    for path in segments.waiting(folder):
        with segments.held(path) as file:
            if file is None:  # another process sends it
                continue
            body = segments.whole_lines(file)
            answer = client.post(path.stem, body) if body else Answer(200)
            tally.attempts += 1
            if answer.taken:
                path.unlink()
                tally.shipped += body.count(b"\n")
            elif answer.refused:
                path.rename(path.with_suffix(segments.REFUSED))
                tally.refused += body.count(b"\n")
                tally.last_error = f"{answer.status}: {answer.reason}"
            else:
                tally.last_error = f"{answer.status}: {answer.reason}" if answer.status else answer.reason
                return answer
    return None


class Shipper:
    """The thread behind a log; it starts with the first record, and anew in a forked child."""

    def __init__(self, spool: Spool, client: Client | None, tally: Tally, interval: float) -> None:
        """Start nothing; without a client it only brings to disk."""
        self._spool, self._client, self._tally, self._interval = spool, client, tally, interval
        self.after_fork()

    def after_fork(self) -> None:
        """Forget the parent's thread, and its connection."""
        if self._client is not None:
            self._client.close()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._pass = threading.Lock()
        self._wake, self._stopping = threading.Event(), False
        self._failed, self._not_before, self._asked_until = 0, 0.0, 0.0

    @property
    def ships(self) -> bool:
        """Whether there is somebody to send to."""
        return self._client is not None

    def start(self) -> None:
        """Start the thread unless it runs; raises RuntimeError where there can be no more threads."""
        if self._runs():
            return
        with self._starting:
            if not self._runs():
                self._stopping = False
                thread = threading.Thread(target=self._run, name="ocsf_pipe.audit", daemon=True)
                thread.start()
                self._thread = thread

    def wake(self) -> None:
        """Make a pass now, if there is a thread."""
        self._wake.set()

    def stop(self, timeout: float) -> None:
        """Let the thread make one more pass, and wait for it no longer than told; `start` starts another."""
        if self._thread is not None:
            self._stopping = True
            self._wake.set()
            self._thread.join(timeout)

    def once(self) -> None:
        """Seal, bring to disk, adopt, and send what may be sent now; raises nothing."""
        with self._pass:
            try:
                self._one_pass()
            except Exception as error:  # noqa: BLE001 - a full disk, a folder taken away: the next pass tries again
                self._tally.last_error = str(error) or type(error).__name__

    def _runs(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            self._wake.wait(self._interval)
            self._wake.clear()
            stopping = self._stopping
            self.once()
        if self._client is not None:
            self._client.close()

    def _one_pass(self) -> None:
        if not self._spool.folder.is_dir():
            return
        waits = time.monotonic() < (self._asked_until if self._stopping else self._not_before)
        # While nobody listens, segments grow to their size: one every second would be many small files.
        if self._client is not None and (not self._failed or self._stopping):
            self._spool.seal()
        self._spool.sync()
        if self._client is not None and not waits:
            segments.adopt(self._spool.folder)
            if self._failed and not segments.waiting(self._spool.folder):
                self._spool.seal()
                self._spool.sync()
            answer = ship(self._spool.folder, self._client, self._tally)
            self._failed = self._failed + 1 if answer else 0
            if answer:
                now = time.monotonic()
                self._asked_until, self._not_before = now + answer.wait, now + max(answer.wait, self._backoff())
        self._spool.count()

    def _backoff(self) -> float:
        """Between half and all of a span that doubles, so that many processes do not come back as one."""
        return min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(self._failed, 10)) * random.uniform(0.5, 1)  # noqa: S311
