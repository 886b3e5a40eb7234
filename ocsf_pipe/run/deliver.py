"""Findings of the lake, told to others: each to each target, in order, once as far as this end can see to it.

The table `detection_finding` is the outbox: what a target has been told is a place in its versions. A finding is
claimed before it is sent, and noted as sent before the next one is, so that two processes send none twice, and one that
is killed leaves at most the one in hand to be sent again, under the same key.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Protocol

from ocsf_pipe.detect.findings import TABLE
from ocsf_pipe.detect.telling import message_of
from ocsf_pipe.detect.views import OWN
from ocsf_pipe.errors import FencedError, OcsfPipeError
from ocsf_pipe.lake import Lake
from ocsf_pipe.lake.txn import app_id
from ocsf_pipe.run.batch import now
from ocsf_pipe.run.claims import Claims
from ocsf_pipe.run.cursor import Cursor
from ocsf_pipe.run.worker import backoff

LOG = logging.getLogger("ocsf_pipe.detect")
NOTES = "_manifests/delivered"
PARTITION = "findings"
LEVELS = ("informational", "low", "medium", "high", "critical")


class RefusedError(OcsfPipeError):
    """The far end will never take this finding; it is told in the log and left out."""


class Sender(Protocol):
    """The way to one target. Raises RefusedError for what will never work, OSError and OcsfPipeError else."""

    def send(self, uid: str, message: Mapping[str, Any]) -> None:
        """Hand over one finding; when this returns, the far end has it. `uid` is its idempotency key."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(slots=True)
class Outbox:
    """What one target of a pipeline has been told; findings below the level `at_least` are left out."""

    lake: Lake
    pipeline: str
    name: str
    sender: Sender
    at_least: str = "informational"
    _seen: int | None = None
    _owner: str = field(default_factory=lambda: token_hex(8))

    @property
    def _cursor(self) -> Cursor:
        return Cursor(self.lake, self.pipeline, f"deliver:{self.name}", PARTITION)

    def open(self) -> None:
        """Note where a target begins that was never told anything: behind the findings that are there."""
        step, last, _ = self._cursor.at()
        if not step:
            self._move(step, last, self._version(), 0)

    def turn(self) -> int:
        """Send what is new; how many findings the target took. Raises what the sender raises."""
        step, last, versions = self._cursor.at()
        until = self._version()
        before = versions.get(TABLE)
        if until < 0 or until in {before, self._seen}:
            return 0
        claims = Claims(self.lake.store, self._notes, self._owner)
        paths = self.lake.added(TABLE, before if before is not None and before >= 0 else None, until)
        if paths is None:
            paths = self.lake.added(TABLE, None, until) or []
        taken = self._send(paths, claims, last) if paths else 0
        if paths:
            self._move(step, last, until, taken)
            claims.clear()
        self._seen = until
        return taken

    def _send(self, paths: list[str], claims: Claims, last: int) -> int:
        taken = 0
        done = claims.done()
        for uid, message in self._messages(paths):
            if uid in done:
                continue
            claims.take(uid)
            # another process may have sent all of it, and cleared its notes, since the place was read
            if self._cursor.at()[1] != last:
                claims.clear()
                raise FencedError("another process has told the target meanwhile", "what comes next is waited for")
            try:
                self.sender.send(uid, message)
            except RefusedError as error:
                LOG.error("a finding is refused: %s", error, extra={"target": self.name, "finding": uid})  # noqa: TRY400
            except Exception:
                claims.drop(uid)
                raise
            else:
                taken += 1
            claims.sent(uid)
        return taken

    def _messages(self, paths: list[str]) -> list[tuple[str, dict[str, Any]]]:
        connection = self.lake.connect([TABLE], {TABLE: paths})
        try:
            query = (
                f"select * from _new_{TABLE} where source = $own and status_id = 1 and severity_id >= $least "
                'order by "time", metadata.uid'
            )
            params = {"own": OWN, "least": LEVELS.index(self.at_least) + 1}
            rows = connection.sql(query, params=params).to_arrow_table().to_pylist()
        finally:
            connection.close()
        return [(row["metadata"]["uid"], message_of(row)) for row in rows]

    def _version(self) -> int:
        """The version of the findings' table; -1 where there is none yet."""
        return self.lake.version(TABLE) if TABLE in self.lake.tables() else -1

    def _move(self, step: int, last: int, until: int, taken: int) -> None:
        counts = {"delivered": taken}
        cursor = self._cursor
        cursor.finish(cursor.begin(step, last, {TABLE: until}, counts, "", now()), counts)

    @property
    def _notes(self) -> str:
        return f"{NOTES}/{app_id(self.pipeline, f'deliver:{self.name}', PARTITION)}"


@dataclass(slots=True)
class Delivery:
    """One outbox that is emptied on and on; a target that does not answer is waited for, and hinders nobody."""

    outbox: Outbox
    stop: threading.Event
    told: Callable[[str, int], None] = lambda _target, _findings: None
    wake: threading.Event = field(default_factory=threading.Event)
    look_every: float = 1.0

    def run(self) -> None:
        """Send until `stop` is set, then once more; never raises."""
        waits = backoff()
        while not self.stop.is_set():
            rest = self.look_every
            if self.once():
                waits = backoff()
            else:
                rest = next(waits)
            self.wake.clear()
            self.wake.wait(rest)
        self.once()
        self.outbox.sender.close()

    def once(self) -> bool:
        """Send what is new; whether that went well."""
        try:
            taken = self.outbox.turn()
        except FencedError as error:
            LOG.debug("another process delivers: %s", error, extra={"target": self.outbox.name})
            return True
        except Exception as error:  # noqa: BLE001 - told, waited out, and sent again under the same key
            LOG.warning("findings wait for a target: %s", error, extra={"target": self.outbox.name})
            return False
        if taken:
            self.told(self.outbox.name, taken)
        return True
