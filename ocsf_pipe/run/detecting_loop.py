"""Rules that are asked on and on, each at its pace, until they are told to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ocsf_pipe.run.detecting import Detecting, Pace, Round

LOG = logging.getLogger("ocsf_pipe.detect")
LOOK_EVERY = 1.0
LONGEST_WAIT = 30.0
Told = Callable[[Round], None]


@dataclass(slots=True)
class Loop:
    """Asks the rules of one lake. Setting `wake` says that something is new; without it the lake is looked at anyway.

    Whatever goes wrong is told, waited out, and tried again: findings may wait, sources may not. `after` is called
    when rounds are done. `renewed` gives the detection that takes the place of this one, None where it stays. `failed`
    is what the latest round failed with.
    """

    detecting: Detecting
    stop: threading.Event
    told: Told = lambda _round: None
    wake: threading.Event = field(default_factory=threading.Event)
    look_every: float = LOOK_EVERY
    after: Callable[[], None] = lambda: None
    renewed: Callable[[], Detecting | None] = lambda: None
    failures: int = 0
    failed: Exception | None = None
    _asked: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Ask until `stop` is set, then once more of what came last; never raises."""
        while not self.stop.is_set():
            self.detecting = self.renewed() or self.detecting
            self.guarded(self._due())
            self.wake.wait(self._rest())
            self.wake.clear()
        self.guarded(self.detecting.paces, keep=True)

    def guarded(self, paces: tuple[Pace, ...], *, keep: bool = False) -> None:
        """Ask the rules of some paces once; a failure is told, and counts."""
        try:
            for pace in paces:
                found = self.detecting.turn(pace, keep=keep)
                self._asked[pace.name] = time.monotonic()
                if found is not None:
                    self.told(found)
            self.after()
        except Exception as error:  # noqa: BLE001 - told, waited out, and begun anew from the lake
            self.failures, self.failed = self.failures + 1, error
            LOG.warning("rules are not asked: %s", error, extra={"again_in": self._rest()})
        else:
            self.failures, self.failed = 0, None

    def _due(self) -> tuple[Pace, ...]:
        now = time.monotonic()
        paces = self.detecting.paces
        return tuple(pace for pace in paces if now - self._asked.get(pace.name, float("-inf")) >= pace.every)

    def _rest(self) -> float:
        return min(LONGEST_WAIT, self.look_every * 2 ** min(self.failures, 6)) if self.failures else self.look_every


def once(detecting: Detecting) -> Iterator[Mapping[str, Any]]:
    """Ask every rule of all that is new; the findings made."""
    for pace in detecting.paces:
        found = detecting.turn(pace, keep=True)
        yield from found.findings if found is not None else ()
