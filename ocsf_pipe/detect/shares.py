"""What one process of several does; it imports nothing that knows rules or mappings, so that it is there at once.

The parts of a table are taken one after the other by whichever process is free.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized

import duckdb

from ocsf_pipe.detect.reading import Found, Reading
from ocsf_pipe.detect.ways import read


@dataclass(slots=True)
class Queue:
    """The number of the next part, shared by all processes."""

    number: Synchronized[int]

    def upto(self, count: int) -> Iterator[int]:
        """Yield numbers below a count that nobody else has taken."""
        while True:
            with self.number.get_lock():
                taken = self.number.value
                self.number.value += 1
            if taken >= count:
                return
            yield taken


@dataclass(slots=True)
class _Process:
    """What this process was started with."""

    queue: Queue | None = None


_HERE = _Process()


def begin(queue: Queue) -> None:
    """Take parts from this queue; what a process that is started does first."""
    _HERE.queue = queue


def ready() -> bool:
    """Say that the process is there."""
    return True


@dataclass(frozen=True, slots=True)
class Share:
    """Readings of a table, whose parts are SQL of some of its rows."""

    readings: Sequence[Reading]
    parts: tuple[str, ...]

    def run(self) -> Found:
        """What the readings find in the parts that are left for this process."""
        assert _HERE.queue is not None  # noqa: S101 - for the types: `begin` comes first
        numbers = _HERE.queue.upto(len(self.parts))
        return read(connection(1), self.readings, (self.parts[number] for number in numbers))


def connection(threads: int) -> duckdb.DuckDBPyConnection:
    """A connection for reading many rows: texts come as views, which polars and pyarrow take without a copy."""
    found = duckdb.connect()
    found.execute(f"set threads = {threads}")
    found.execute("set arrow_output_version = '1.4'")
    found.execute("set produce_arrow_string_view = true")
    return found
