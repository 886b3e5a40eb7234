"""Random lives of log files: whatever is done to them, each line arrives once.

The model is honest about what cannot be had: lines written between the copy and the cut of a copy-truncate, and lines
that were not in the lake when the last copy of them was removed, may come or not, but never twice.
"""

from __future__ import annotations

import gzip
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ocsf_connectors import file_partition, file_scan
from tests.connectors.file_follower import Follower, append, joined, lines

REST = 6.0
HEADER = ['{"Software":"x"}', '{"Fields":"' + "date time " * 500 + '"}']


@dataclass
class Clock:
    """The clock of the connector, which can be put forward."""

    ahead: float = 0.0

    def monotonic(self) -> float:
        """Return seconds."""
        return time.monotonic() + self.ahead

    def time(self) -> float:
        """Return seconds since 1970."""
        return time.time() + self.ahead


@dataclass
class Old:
    """A rotated file: where it is and what is in it."""

    path: Path
    lines: list[str]
    packed: bool = False
    copied: bool = False


@dataclass
class World:
    """One log that is written, rotated and cut at random, and the follower."""

    folder: Path
    pick: random.Random
    clock: Clock
    follower: Follower
    header: bool
    listed: bool
    live: list[str] = field(default_factory=list)
    partial: str = ""
    olds: list[Old] = field(default_factory=list)
    must: set[str] = field(default_factory=set)
    may: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)
    number: int = 0

    @property
    def log(self) -> Path:
        """The file that is written."""
        return self.folder / "a.log"

    def step(self) -> None:
        """Let one thing happen."""
        steps: list[tuple[int, Callable[[], None]]] = [
            (8, self.append), (8, self.turn), (4, self.commit), (2, self.crash), (1, self.stop), (2, self.rest),
            (2, self.rename), (2, self.copy_truncate), (2, self.pack), (2, self.move), (1, self.remove),
            (1, self.late), (1, self.evict),
        ]  # fmt: skip
        [(_, chosen)] = self.pick.choices(steps, [weight for weight, _ in steps])
        self.told.append(chosen.__name__)
        chosen()

    def append(self) -> None:
        """Write some lines, the last of them not whole at times."""
        some = lines(self.pick.randint(1, 30), self.pick.choice([0, 10, 300]))
        if not self.live:
            self.live = list(HEADER) if self.header else []
            append(self.log, self.live)
        with self.log.open("ab") as out:
            out.write(f"{self.partial}\n".encode() if self.partial else b"")
            self.partial = ""
            out.write(joined(some))
            if self.pick.random() < 0.3:
                [last] = lines(1, 20)
                cut = self.pick.randint(1, len(last) - 1)
                out.write(last[:cut].encode())
                some, self.partial = [*some, last], last[cut:]
        self.touch(self.log)
        self.live += some
        self.must |= set(some)

    def touch(self, path: Path) -> None:
        """Date a file by the clock that was put forward."""
        os.utime(path, (self.clock.time(), self.clock.time()))

    def finish_line(self) -> None:
        """Have the writer end its line."""
        if self.partial:
            append(self.log, [self.partial])
            self.touch(self.log)
            self.partial = ""

    def turn(self) -> None:
        """Read on."""
        self.follower.turn()

    def commit(self) -> None:
        """Bring what was read into the lake."""
        self.follower.commit()

    def crash(self) -> None:
        """Kill the process."""
        self.follower.crash()

    def stop(self) -> None:
        """End the process in order."""
        self.follower.stop()

    def rest(self) -> None:
        """Let nobody write for a while."""
        self.clock.ahead += REST
        self.follower.turn()
        self.follower.turn()

    def evict(self) -> None:
        """Take away the open files."""
        self.follower.source._shelf.most = self.pick.choice([1, 2, 128])
        for part in self.follower.parts.values():
            if part.may_close() and part.idle:  # type: ignore[attr-defined]
                part.release()  # type: ignore[attr-defined]

    def seen(self) -> None:
        """A file that leaves the paths before anybody looked was never there."""
        if not self.listed:
            self.follower.turn()  # that the old text is gone
            self.follower.turn()  # what the new one is

    def rename(self) -> None:
        """Rotate, with the next file to come."""
        if self.live:
            self.finish_line()
            self.seen()
            self.number += 1
            path = self.folder / f"a.log.{self.number}"
            self.log.rename(path)
            self.olds.append(Old(path, self.live))
            self.live = []

    def late(self) -> None:
        """Write to a file that was rotated already."""
        plain = [old for old in self.olds if not old.packed and not old.copied]
        if plain:
            old, some = plain[-1], lines(3)
            append(old.path, some)
            self.touch(old.path)
            old.lines += some
            self.must |= set(some)

    def copy_truncate(self) -> None:
        """Copy, then cut; what is written in between is lost unless it was read."""
        if not self.live:
            return
        self.finish_line()
        self.seen()
        self.number += 1
        path = self.folder / f"a.log.{self.number}"
        shutil.copyfile(self.log, path)
        self.touch(path)
        self.olds.append(Old(path, self.live, copied=True))
        if self.pick.random() < 0.3:
            some = lines(3)
            append(self.log, some)
            self.touch(self.log)
            self.may |= set(some)
            if not self.listed:  # more than the copy has may be read, and a crash may come before it is in the lake
                self.may |= set(self.live) - set(self.follower.got)
        if self.pick.random() < 0.5:
            self.follower.turn()
        os.truncate(self.log, 0)
        self.touch(self.log)
        self.live = []
        if self.pick.random() < 0.5:
            self.append()

    def pack(self) -> None:
        """Pack a rotated file, as gzip does: the file goes when its copy is whole."""
        plain = [old for old in self.olds if not old.packed]
        if not plain:
            return
        old = self.pick.choice(plain)
        packed, path = gzip.compress(old.path.read_bytes()), old.path.with_name(f"{old.path.name}.gz")
        with path.open("wb", buffering=0) as out:
            out.write(packed[: len(packed) // 2])
            self.touch(path)
            if self.pick.random() < 0.5:
                self.follower.turn()
            out.write(packed[len(packed) // 2 :])
        self.touch(path)
        if self.pick.random() < 0.5:
            self.follower.turn()
        old.path.unlink()
        old.path, old.packed = path, True

    def move(self) -> None:
        """Give a rotated file another name."""
        if self.olds:
            old = self.pick.choice(self.olds)
            self.number += 1
            path = self.folder / f"a.log.{self.number}{'.gz' if old.packed else ''}"
            old.path.rename(path)
            old.path = path

    def remove(self) -> None:
        """Remove a rotated file; what is not in the lake may be lost."""
        if self.olds:
            old = self.olds.pop(self.pick.randrange(len(self.olds)))
            old.path.unlink()
            self.may |= set(old.lines) - set(self.follower.got)

    def end(self) -> None:
        """Let everything come to rest, and check what arrived."""
        self.finish_line()
        for _ in range(4):
            self.clock.ahead += REST
            self.follower.take()
        got = Counter(self.follower.got)
        for line in HEADER:
            del got[line]
        assert [line[:12] for line, count in got.items() if count > 1] == [], f"doubled after {self.told}"
        assert self.must - self.may - got.keys() == set(), f"lost after {self.told}"
        assert got.keys() <= self.must | self.may, f"never written, after {self.told}"


def live(folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch, steps: int = 80) -> None:
    """Live one life."""
    pick, clock = random.Random(seed), Clock()
    monkeypatch.setattr(file_scan, "time", clock)
    monkeypatch.setattr(file_partition, "time", clock)
    logs = folder / f"logs-{seed}"
    logs.mkdir()
    listed = pick.random() < 0.5
    paths = str(logs / ("*" if listed else "*.log"))
    follower = Follower(folder / f"own-{seed}", paths, settle=5.0, complete_after=1e9)
    world = World(logs, pick, clock, follower, pick.random() < 0.5, listed)
    for _ in range(steps):
        world.step()
    world.end()
    follower.source.close()


@pytest.mark.parametrize("seeds", [range(10 * i, 10 * i + 10) for i in range(6)], ids=str)
def test_each_line_arrives_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seeds: range) -> None:
    """Over appends, partial lines, rotations, copies, cuts, packing, moves, removals, crashes and restarts."""
    for seed in seeds:
        live(tmp_path, seed, monkeypatch)


@pytest.mark.heavy
def test_each_line_arrives_once_in_many_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, for long."""
    for seed in range(1000, 1500):
        live(tmp_path, seed, monkeypatch, 150)
