"""Rules over what is new in a lake, and their findings into it: each once, whatever is killed in between."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ocsf_pipe.detect.findings import TABLE, finding_table
from ocsf_pipe.detect.round import findings_of
from ocsf_pipe.detect.watching import Watch
from ocsf_pipe.errors import FencedError
from ocsf_pipe.lake import Lake
from ocsf_pipe.lake.checkpoint import ROOT as CHECKPOINTS
from ocsf_pipe.lake.txn import safe_name
from ocsf_pipe.run.batch import now
from ocsf_pipe.run.cursor import Cursor, Versions

LOG = logging.getLogger("ocsf_pipe.detect")
SOURCE = "detect:rules"
"""No source of a pipeline file can have this name."""
KEEP_EVERY = 60.0
"""Seconds after which a place that has moved without a finding is written down."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Rules that are asked together, `every` so many seconds; 0 is as soon as something is new."""

    name: str
    every: float
    rules: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: the rows it made, and how long it took."""

    pace: Pace
    findings: tuple[Mapping[str, Any], ...]
    seconds: float


@dataclass(slots=True)
class Detecting:
    """The rules of one pipeline over one lake; serves one thread.

    No rule is asked less often than every `at_most` seconds, whatever its settings say; None leaves it to them.
    """

    lake: Lake
    watch: Watch
    pipeline: str
    at_most: float | None = None
    paces: tuple[Pace, ...] = field(init=False)
    _plan: str = field(init=False)
    _places: dict[str, tuple[int, Versions]] = field(default_factory=dict)
    _kept: dict[str, float] = field(default_factory=dict)
    _begun: bool = False

    def __post_init__(self) -> None:
        """Sort the rules by how often they are asked."""
        self.paces = paces_of(self.watch, self.at_most)
        rules = [self.watch.rules[i] for i in self.watch.able]
        self._plan = hashlib.sha256(repr(rules).encode()).hexdigest()[:16]

    def turn(self, pace: Pace, *, keep: bool = False) -> Round | None:
        """Ask the rules of what is new; None where nothing is. `keep` writes the place down whatever was found.

        Another that has the same place is given way to: what it found is found in the lake by the next round.
        """
        began = time.monotonic()
        try:
            if not self._begun:
                self._begin()
            found = self._turn(pace, keep=keep)
        except FencedError:
            self._places.pop(pace.name, None)
            LOG.info("another process asks the rules", extra={"pace": pace.name})
            return None
        return None if found is None else Round(pace, tuple(found), time.monotonic() - began)

    def _turn(self, pace: Pace, *, keep: bool) -> list[dict[str, Any]] | None:
        cursor = Cursor(self.lake, self.pipeline, SOURCE, pace.name, TABLE)
        step, last, written = cursor.at()
        place = self._places.get(pace.name)
        before = place[1] if place is not None and place[0] == last else written
        reads = {table for number in pace.rules for table in self.watch.reads(number)}
        there = [table for table in self.lake.tables() if table in reads]
        versions = {table: self.lake.version(table) for table in there}
        parts = {table: self._added(table, before.get(table), at) for table, at in versions.items()}
        new = any(parts.values())
        rows = self._found(pace, there, parts) if new else []
        stale = time.monotonic() - self._kept.get(pace.name, float("-inf")) > KEEP_EVERY
        if rows or ((keep or stale) and versions != written):
            last = self._write(cursor, step, last, versions, rows)
            self._kept[pace.name] = time.monotonic()
        self._places[pace.name] = last, versions
        return rows if new else None

    def _begin(self) -> None:
        """Note where paces begin that the pipeline never had, all before any is asked.

        That is where every other has been, or else the beginning: a rule whose schedule changed skips nothing, and is
        asked twice of a little.
        """
        folder = f"{CHECKPOINTS}/{safe_name(self.pipeline)}/{safe_name(SOURCE)}"
        known = set(self.lake.store.names(folder))
        new = [pace for pace in self.paces if safe_name(pace.name) not in known]
        places = [Cursor(self.lake, self.pipeline, SOURCE, name, TABLE).at()[2] for name in sorted(known)]
        tables = set.intersection(*(set(place) for place in places)) if places else set()
        versions = {table: min(place[table] for place in places) for table in tables}
        for pace in new:
            self._write(Cursor(self.lake, self.pipeline, SOURCE, pace.name, TABLE), 0, 0, versions, [])
        self._begun = True

    def _added(self, table: str, after: int | None, until: int) -> Sequence[str]:
        if after == until:
            return []
        found = self.lake.added(table, after, until)
        if found is None:
            LOG.warning(
                "files of a table are gone that no rule was asked of: all of it is looked at", extra={"table": table}
            )
            found = self.lake.added(table, None, until)
        return found or []

    def _found(self, pace: Pace, tables: Iterable[str], parts: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
        connection = self.lake.connect({*tables, TABLE}, parts)
        try:
            return findings_of(self.watch, connection, self.watch.fires(connection, pace.rules), now())
        finally:
            connection.close()

    def _write(self, cursor: Cursor, step: int, last: int, versions: Versions, rows: list[dict[str, Any]]) -> int:
        tables = {TABLE: finding_table(rows)} if rows else {}
        counts = {"findings": len(rows), "tables": {name: table.num_rows for name, table in tables.items()}}
        uids = [row["metadata"]["uid"] for row in rows]
        txn = cursor.begin(step, last, versions, counts, self._plan, now(), uids)
        self.lake.commit(txn, tables)
        cursor.finish(txn, counts)
        return txn.end


def paces_of(watch: Watch, at_most: float | None = None) -> tuple[Pace, ...]:
    """Rules over single events at once, each other rule at the pace of its settings, or every `at_most` seconds."""
    found: dict[float, list[int]] = {}
    for number in watch.able:
        schedule = watch.rules[number].settings.schedule
        every = 0.0 if watch.is_single(number) else schedule if at_most is None else min(schedule, at_most)
        found.setdefault(every, []).append(number)
    return tuple(Pace(f"every-{every:g}s", every, tuple(rules)) for every, rules in sorted(found.items()))
