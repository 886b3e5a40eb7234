"""A case is sent to, run, kept up and replayed, and killed again and again meanwhile; then its lake is gone through."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ocsf_pipe.lake import Lake
from tests.matrix.cases import Case
from tests.matrix.jobs import KILLED, Done, Zygote
from tests.matrix.sendings import Found, Sent, account

AFTERWARDS = ("compact", "vacuum", "retain", "replay")
GUESS = {"run": 60, "compact": 12, "vacuum": 8, "retain": 10, "replay": 24}
"""Steps of a job as far as nobody has counted them."""
PATIENCE = 60.0


@dataclass(slots=True)
class Tally:
    """What was done to one kind of source, and what came of it."""

    lives: int = 0
    jobs: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    longest: dict[str, int] = field(default_factory=dict)

    def take(self, what: str, done: Done, *, timed: bool) -> None:
        """Count a job; one that came to its end tells how many steps there are to be killed at."""
        self.jobs += 1
        if done.code == KILLED:
            self.kills[f"{done.place or 'the start'}{' or later' if timed else ''}"] += 1
        else:
            self.longest[what] = max(self.longest.get(what, 0), done.steps)


@dataclass(slots=True)
class Torment:
    """One case in the hands of dice. `faulty` is a folder of mappings that refuse every record."""

    zygote: Zygote
    case: Case
    lake: str
    dice: random.Random
    tally: Tally
    faulty: Path | None = None
    upkeep: Sequence[str] = AFTERWARDS
    sent: Sent = field(default_factory=Sent)
    refused: bool = False

    def suffer(self, kills: int) -> None:
        """Be killed at least so many times, or as often as twice as many jobs can be."""
        self.tally.lives += 1
        until = self.tally.kills.total() + kills
        drained = True
        for _ in range(kills * 3):
            if self.tally.kills.total() >= until:
                return
            if drained:
                self.send()
            drained = self.job("run").code == 0
            if drained or self.dice.random() < 0.3:
                self.job(self.dice.choice(self.upkeep))

    def send(self) -> None:
        """Deliver some more."""
        self.case.deliver(self.sent.next())

    def job(self, what: str) -> Done:
        """Do one job that is probably killed."""
        timed = self.dice.random() < 0.2
        when: dict[str, float | int]
        if timed:
            when = {"kill_after": self.dice.random() * 0.8}
        else:
            when = {"die_at": self.dice.randrange(max(4, self.tally.longest.get(what, GUESS[what])))}
        refuse = what == "run" and self.faulty is not None and self.dice.random() < 0.25
        self.refused = self.refused or refuse
        with self.case.arriving():
            done = self.zygote.do(what, self.place(what), mappings=self.faulty if refuse else None, **when)  # type: ignore[arg-type]
        self.tally.take(what, done, timed=timed)
        self.case.arrived()
        assert done.code in (0, KILLED), self.zygote.complaints()
        return done

    def place(self, what: str) -> Path | str:
        """What a job is about."""
        return self.case.pipeline if what == "run" else self.lake

    def whole(self, what: str) -> None:
        """Do one job to its end, and wait for what is still on its way; it may be waiting for the far end a while."""
        until = time.monotonic() + PATIENCE
        while True:
            with self.case.arriving():
                done = self.zygote.do(what, self.place(what))
            self.tally.take(what, done, timed=False)
            if done.code == 0 and not getattr(self.case, "waiting", None):
                return
            assert time.monotonic() < until, self.zygote.complaints()

    def verdict(self, before: Callable[[], None] = lambda: None) -> Found:
        """Let everything come to its end, and compare; `before` is done between the two."""
        self.whole("run")
        before()
        if "replay" in self.upkeep:
            self.whole("replay")
        lake = Lake(self.lake)
        self._forgive()
        earlier = account(lake, self.sent, kept_old=True)
        self.whole("retain")
        after = account(Lake(self.lake), self.sent)
        worst = earlier if not earlier.clean else after
        self.tally.lost += worst.lost.total()
        self.tally.doubled += worst.doubled.total()
        return worst

    def _forgive(self) -> None:
        """Where the sender is told nothing, only what reached the disk has to be there."""
        arrived = self.case.arrived()
        if arrived is not None:
            self.sent.maybe = {*self.sent.good, *self.sent.bad} - arrived


def table(tallies: dict[str, Tally]) -> str:
    """The closing account of a torture, as text."""
    lines = [f"{'source':<14}{'lives':>6}{'runs':>6}{'kills':>6}{'lost':>6}{'doubled':>8}"]
    for name, one in tallies.items():
        lines.append(f"{name:<14}{one.lives:>6}{one.jobs:>6}{one.kills.total():>6}{one.lost:>6}{one.doubled:>8}")
    places = sum((one.kills for one in tallies.values()), Counter[str]())
    lines += ["", "killed at", *(f"{count:>6}  {place}" for place, count in sorted(places.items()))]
    return "\n".join(lines)
