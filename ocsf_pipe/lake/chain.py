"""The chain of a table: each link binds commits to all that came before, for the table and for each of its days.

`_integrity/<table>/chain/<number>.json` is a link. It holds, by day, what the commits since the link before it claimed;
the day's `head` hashes its own head before with these claims, the link's `head` hashes the whole link with the head of
the link before. Every 64 links are put into one pack, the last of which knows the heads of all days.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from ocsf_pipe.lake.attest import KEY, ROOT, Claim, FileClaim, canonical, day_of
from ocsf_pipe.lake.store import Store

PACK = 64
Link = dict[str, Any]


@dataclass(slots=True)
class Tip:
    """Where a chain stands: the number of its last link (-1: none), that link's head and last version, days' heads."""

    number: int = -1
    head: str = ""
    version: int = -1
    days: dict[str, str] = field(default_factory=dict)

    def forward(self, link: Link) -> None:
        """Go on to the next link."""
        self.number, self.head, self.version = link["number"], link["head"], link["version"]
        self.days.update({day: one["head"] for day, one in link["days"].items()})


@dataclass(frozen=True, slots=True)
class Commit:
    """One version of a table's log: our claim, or the files that another program put in (with rows) and took out."""

    version: int
    claim: Claim | None
    added: tuple[tuple[str, int], ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it moved no file: new columns, a vacuum."""
        return self.claim is None and not self.added and not self.removed


@dataclass(slots=True)
class Chain:
    """The chain of one table of a lake; several processes may seal it at once."""

    store: Store
    table: str
    tip: Tip | None = None

    @property
    def folder(self) -> str:
        """Where the links are."""
        return f"{ROOT}/{self.table}/chain"

    def seal(self, version: int) -> Tip:
        """Bind every commit up to a version of the table that no link has yet; return where the chain stands then."""
        tip = self._current()
        while tip.version < version:
            commits = [commit(self.store, self.table, each) for each in range(tip.version + 1, version + 1)]
            link = link_after(tip, version, [one for one in commits if one is not None])
            if self.store.put_new(f"{self.folder}/{link['number']:012d}.json", canonical(link)):
                tip.forward(link)
                self._pack(tip.number)
            else:  # another process was first: its link may have all of ours
                tip = self._current()
        return tip

    def links(self) -> Iterator[Link]:
        """Return all links in order, those of packs and those by themselves."""
        packs, singles = self._names()
        seen = -1
        for name in packs:
            for line in (self.store.get(f"{self.folder}/{name}") or b"").splitlines():
                link = json.loads(line)
                seen = max(seen, link["number"])
                yield link
        for number in singles:
            found = self.store.get(f"{self.folder}/{number:012d}.json") if number > seen else None
            if found is not None:
                yield json.loads(found)

    def _names(self) -> tuple[list[str], list[int]]:
        names = self.store.names(self.folder)
        return [name for name in names if name.startswith("pack-")], [
            int(name.split(".")[0]) for name in names if not name.startswith("pack-")
        ]

    def _current(self) -> Tip:
        """The tip as it is stored now: what this process knows, brought up to date."""
        packs, singles = self._names()
        tip = self.tip = self.tip or Tip()
        if packs and int(packs[-1][5:].split(".")[0]) > tip.number:
            *_, last = (self.store.get(f"{self.folder}/{packs[-1]}") or b"").splitlines()
            link = json.loads(last)
            tip.days.update(link["heads"])
            tip.forward(link)
        for number in singles:
            found = self.store.get(f"{self.folder}/{number:012d}.json") if number == tip.number + 1 else None
            if found is not None:
                tip.forward(json.loads(found))
        return tip

    def _pack(self, number: int) -> None:
        """Put the last 64 links into one file; killed in between, both forms are there and say the same."""
        if number % PACK != PACK - 1:
            return
        paths = [f"{self.folder}/{each:012d}.json" for each in range(number - PACK + 1, number + 1)]
        links = [self.store.get(path) for path in paths]
        if all(link is not None for link in links):
            self.store.put_new(f"{self.folder}/pack-{number:012d}.jsonl", b"\n".join(link or b"" for link in links))
            for path in paths:
                self.store.delete(path)


def link_after(tip: Tip, version: int, commits: list[Commit]) -> Link:
    """Return the link that binds these commits behind a tip."""
    days: dict[str, Link] = {}
    for one in commits:
        for day, entry in entries(one).items():
            days.setdefault(day, {"before": tip.days.get(day, ""), "entries": []})["entries"].append(entry)
    for found in days.values():
        found["head"] = day_head(found["before"], found["entries"])
    link: Link = {"number": tip.number + 1, "before": tip.head, "version": version, "days": days}
    if link["number"] % PACK == PACK - 1:
        link["heads"] = tip.days | {day: found["head"] for day, found in days.items()}
    return link | {"head": link_head(link)}


def day_head(before: str, found: list[Any]) -> str:
    """Return the head of a day: SHA-256 over its head before and what happened since, in canonical JSON."""
    return sha256(before.encode() + b"\n" + canonical(found)).hexdigest()


def link_head(link: Mapping[str, Any]) -> str:
    """Return the head of a link: SHA-256 over all of it but the head, in canonical JSON."""
    return sha256(canonical({key: value for key, value in link.items() if key != "head"})).hexdigest()


def entries(one: Commit) -> dict[str, dict[str, Any]]:
    """Return what a commit did to each day."""
    claim = one.claim or Claim("foreign", tuple(FileClaim(path, rows, "") for path, rows in one.added), one.removed)
    days = sorted({*(file.day for file in claim.added), *(day_of(path) for path in claim.removed)})
    return {
        day: {
            "version": one.version,
            **Claim(
                claim.kind,
                tuple(file for file in claim.added if file.day == day),
                tuple(path for path in claim.removed if day_of(path) == day),
            ).to_json(),
        }
        for day in days
    }


def commit(store: Store, table: str, version: int) -> Commit | None:
    """Read one version of a table's log; None when it is gone, as logs older than a month may be."""
    found = store.get(f"{table}/_delta_log/{version:020d}.json")
    if found is None:
        return None
    actions = [json.loads(line) for line in found.splitlines() if line.strip()]
    info: Mapping[str, Any] = next((one["commitInfo"] for one in actions if "commitInfo" in one), {})
    if KEY in info:
        return Commit(version, Claim.from_json(info[KEY]))
    added = [one["add"] for one in actions if "add" in one]
    return Commit(
        version,
        None,
        tuple((unquote(one["path"]), int(json.loads(one.get("stats") or "{}").get("numRecords", 0))) for one in added),
        tuple(unquote(one["remove"]["path"]) for one in actions if "remove" in one),
    )
