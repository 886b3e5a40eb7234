"""Is it alive, is it ready: the state of every source, and what follows from it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["opening", "working", "waiting", "stopped"]
PATIENCE = 120.0
GRACE = 10.0
ENDED = frozenset({"finished", "stopped"})
"""Reasons with which a source ends as it should."""


@dataclass(slots=True)
class Condition:
    """How one source is: since when (monotonic), why, when it last went round, when it is tried again."""

    state: State
    since: float
    turned: float
    reason: str = ""
    retry: float | None = None


@dataclass(slots=True)
class Health:
    """The conditions of all sources.

    patience: seconds that a loop may take for one turn; grace: seconds of waiting after which a source is not ready.
    """

    pipeline: str
    patience: float = PATIENCE
    grace: float = GRACE
    clock: Callable[[], float] = time.monotonic
    _conditions: dict[str, Condition] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, source: str, state: State, reason: str = "", retry: float | None = None) -> bool:
        """Put a source into a state; True where it was in another. A source that fails again waits since the first."""
        now = self.clock()
        with self._lock:
            old = self._conditions.get(source)
            same = old is not None and old.state == state
            since = old.since if old is not None and same else now
            self._conditions[source] = Condition(state, since, now, reason, None if retry is None else now + retry)
            return not same

    def turned(self, source: str) -> None:
        """A loop went round."""
        with self._lock:
            if source in self._conditions:
                self._conditions[source].turned = self.clock()

    def alive(self) -> tuple[bool, dict[str, Any]]:
        """Whether every loop still goes round, and for each what it does."""
        now = self.clock()
        with self._lock:
            sources = {name: self._pulse(one, now) for name, one in self._conditions.items()}
        return all(one["alive"] for one in sources.values()), {"pipeline": self.pipeline, "sources": sources}

    def _pulse(self, one: Condition, now: float) -> dict[str, Any]:
        if one.state == "stopped":
            return {"alive": one.reason in ENDED, "state": one.state, "reason": one.reason}
        idle = now - one.turned
        return {"alive": idle <= self.patience, "state": one.state, "idle_seconds": round(idle, 1)}

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Whether every source is open and answers, and for each why not; false before any is known."""
        now = self.clock()
        with self._lock:
            sources = {name: self._readiness(one, now) for name, one in self._conditions.items()}
        body = {"pipeline": self.pipeline, "sources": sources}
        return bool(sources) and all(one["ready"] for one in sources.values()), body

    def _readiness(self, one: Condition, now: float) -> dict[str, Any]:
        ready = one.state == "working" or (one.state == "waiting" and now - one.since < self.grace)
        ready = ready or (one.state == "stopped" and one.reason == "finished")
        body: dict[str, Any] = {"ready": ready, "state": one.state, "seconds": round(now - one.since, 1)}
        if one.reason:
            body["reason"] = one.reason
        if one.retry is not None:
            body["retry_seconds"] = round(max(0.0, one.retry - now), 1)
        return body
