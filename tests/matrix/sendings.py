"""What is sent, and what must be in the lake afterwards."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.lake import QUARANTINE, Lake
from ocsf_pipe.lake.write import read_file
from tests.run.acme import line

FORGOTTEN = dt.date(2021, 1, 1)
"""Retention takes out what is from before this day; all other records are from later."""
_NAME = re.compile(rb'"who": ?"(\w+)"|((?:nobody|old|p)\d+)\s*$')


@dataclass(slots=True)
class Sent:
    """Records made so far: `good` ones, `bad` ones that belong into the quarantine, `old` ones for retention.

    maybe: good ones of which the sender cannot know whether they arrived; they may be in the lake once, or not at all.
    """

    each: int = 12
    good: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    old: list[str] = field(default_factory=list)
    maybe: set[str] = field(default_factory=set)

    def next(self) -> list[bytes]:
        """Make the next records: some good ones, a bad one, and an old one."""
        first = len(self.good)
        numbers = range(first, first + self.each)
        self.good += [f"p{number}" for number in numbers]
        self.bad.append(f"nobody{first}")
        self.old.append(f"old{first}")
        bad = {"door": "north", "kind": "open", "who": self.bad[-1], "at": "never"}
        old = line(first, kind="open", who=self.old[-1], at="2020-03-01T00:00:00Z")
        return [*map(line, numbers), json.dumps(bad).encode() + b"\n", old]


@dataclass(frozen=True, slots=True)
class Found:
    """The account of a lake against what was sent. Empty counters and lists are as they should be."""

    lost: Counter[str]
    doubled: Counter[str]
    strange: Counter[str]
    wrong: list[str]

    @property
    def clean(self) -> bool:
        """Whether nothing is lost, doubled, or not of ours, and every count agrees."""
        return not (self.lost or self.doubled or self.strange or self.wrong)


def account(lake: Lake, sent: Sent, *, kept_old: bool = False) -> Found:
    """Compare a lake with what was sent: ids as multisets, rows with the checkpoints, record uids among themselves.

    Old records must be gone, or with `kept_old` may be there, once.
    """
    rows = every_row(lake)
    have = Counter(name for name, _ in rows)
    optional = {*sent.maybe, *(sent.old if kept_old else ())}
    wanted = Counter(name for name in (*sent.good, *sent.bad) if name not in optional)
    doubled = Counter({name: count - 1 for name, count in have.items() if count > 1})
    doubled.update({f"uid {uid}": n - 1 for uid, n in Counter(uid for _, uid in rows).items() if n > 1})
    strange = Counter({name: count for name, count in have.items() if name not in wanted and name not in optional})
    return Found(wanted - have, doubled, strange, misplaced(lake, sent) + miscounted(lake))


def every_row(lake: Lake) -> list[tuple[str, str]]:
    """The name and the uid of every row of every table, from the files themselves."""
    return [row for table in lake.tables() for row in rows_of(lake, table)]


def rows_of(lake: Lake, table: str) -> list[tuple[str, str]]:
    """The name and the uid of every row of a table."""
    found: list[tuple[str, str]] = []
    for path in pa.table(lake.writer.table(table).get_add_actions())["path"].to_pylist():
        rows = read_file(lake.store, table, path)
        if table == QUARANTINE:
            found += zip(map(nobody, rows["raw"].to_pylist()), rows["record_uid"].to_pylist(), strict=True)
            continue
        uids = pc.struct_field(rows["metadata"], "uid").to_pylist()
        if table == "authentication":
            names = pc.struct_field(rows["user"], "name").to_pylist()
        else:
            names = [f"p{text[1:]}" for text in rows["message"].to_pylist()]
        found += zip(names, uids, strict=True)
    return found


def nobody(raw: bytes) -> str:
    """The name in a record that was refused: a JSON record, or a syslog message that is a name."""
    named = _NAME.search(raw)
    return "?" if named is None else (named[1] or named[2]).decode()


def misplaced(lake: Lake, sent: Sent) -> list[str]:
    """What is in the quarantine and should not be, and the other way round."""
    if QUARANTINE not in lake.tables():
        return []
    refused = {name for name, _ in rows_of(lake, QUARANTINE)}
    return [f"{name} is in quarantine" for name in sorted(refused - set(sent.bad))]


def miscounted(lake: Lake) -> list[str]:
    """The tables whose rows are not those that finished batches wrote."""
    return [f"{one.table}: {one.expected} expected, {one.found} found" for one in lake.verify() if not one.holds]
