"""A source of files as the runtime drives it, in a process that may be killed at any time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ocsf_connectors.file import FileSource, connect
from ocsf_pipe.source import Offset, Partition
from ocsf_pipe.testing.connectors import FakeDecoder, MemoryLedger, context, texts

SETTLE = 0.06
NUMBERS = itertools.count()


def lines(count: int, size: int = 0) -> list[str]:
    """Lines that no other line is like."""
    return [f'{{"n":{next(NUMBERS)},"pad":"{"x" * size}"}}' for _ in range(count)]


def joined(some: list[str]) -> bytes:
    """The lines as they stand in a file."""
    return "".join(f"{line}\n" for line in some).encode()


def append(path: Path, some: list[str]) -> None:
    """Write lines to the end of a file."""
    with path.open("ab") as out:
        out.write(joined(some))


class Follower:
    """What is committed is in `offsets` and `got`; what was read and is not, in `held`, and a crash forgets it."""

    def __init__(self, folder: Path, *paths: str, decoder: FakeDecoder | None = None, **settings: Any) -> None:
        """Follow the paths."""
        self.settings = {"paths": list(paths), "poll": 0, "settle": SETTLE, "complete_after": 60, **settings}
        self.context = context(folder / "own", decoder=decoder or FakeDecoder(), ledger=MemoryLedger())
        self.offsets: dict[str, Offset] = {}
        self.got: list[str] = []
        self.held: dict[str, list[str]] = {}
        self.parts: dict[str, Partition] = {}
        self.source: FileSource = connect(self.settings, self.context)

    def turn(self) -> int:
        """Go round once: open and read; return how many records came."""
        names = self.source.partitions()
        for name in self.parts.keys() - set(names):
            self.parts.pop(name).close()
            self.held.pop(name, None)
        for name in names:
            if name not in self.parts:
                self.parts[name] = self.source.open(name, self.offsets.get(name, Offset()))
        return sum(self._read(name, part) for name, part in list(self.parts.items()))

    def _read(self, name: str, part: Partition) -> int:
        try:
            batch = part.next_batch()
        except StopIteration:
            return 0
        if batch is None:
            return 0
        found = texts([batch])
        self.held.setdefault(name, []).extend(found)
        return len(found)

    def commit(self) -> None:
        """Bring everything that is held into the lake."""
        for name, found in self.held.items():
            self.got += found
            self.offsets[name] = self.parts[name].offset()
        for name in self.held:
            self.parts[name].acknowledge(self.offsets[name])
        self.held = {}

    def take(self, seconds: float = 0.0) -> list[str]:
        """Read and commit until nothing came for a while; return what is new."""
        before, quiet, turns = len(self.got), time.monotonic(), 0
        while turns < 3 or time.monotonic() - quiet <= seconds:
            turns += 1
            if self.turn():
                quiet, turns = time.monotonic(), 0
            self.commit()
        return self.got[before:]

    def crash(self) -> None:
        """Begin anew in another process: nothing was closed, and what was held is gone."""
        self.parts, self.held = {}, {}
        self.source = connect(self.settings, self.context)

    def stop(self) -> None:
        """End in an orderly way, and begin anew."""
        self.commit()
        self.source.close()
        self.crash()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A folder for logs."""
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def follow(tmp_path: Path, logs: Path) -> Iterator[Callable[..., Follower]]:
    """Follow `*.log` of the folder, or what is said."""
    made: list[Follower] = []

    def begin(*patterns: str, **settings: Any) -> Follower:
        paths = [str(logs / pattern) for pattern in patterns or ("*.log",)]
        made.append(Follower(tmp_path, *paths, **settings))
        return made[-1]

    yield begin
    for follower in made:
        follower.source.close()
