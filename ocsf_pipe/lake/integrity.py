"""Whether a table still holds what was committed: its chain, the files of the chain, and in a file the first row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pyarrow as pa

from ocsf_pipe.lake.attest import Claim, FileClaim
from ocsf_pipe.lake.chain import Chain, Commit, Link, commit, day_head, entries, link_head
from ocsf_pipe.lake.rowcheck import Break, first_difference
from ocsf_pipe.lake.store import Store
from ocsf_pipe.lake.write import Writer

Anchor = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Integrity:
    """What was found of one table.

    `rows` are attested and in place, `unattested` are those that were there before attestation began or were written
    with it switched off; `open` commits are in the table's log and in no link yet. `number` and `head` are of the last
    link, to be kept elsewhere. It holds when nothing broke.
    """

    table: str
    days: int
    rows: int
    unattested: int
    open: int
    number: int
    head: str
    breaks: tuple[Break, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was altered, removed or inserted."""
        return not self.breaks


@dataclass(frozen=True, slots=True)
class Partition:
    """One day of a table as it is on disk: `sha256` is over the paths and SHA-256 of its files, in the paths' order.

    `head` is that of the day's chain, empty where it has none; `attested` says that every file is what was committed.
    """

    table: str
    day: str
    files: int
    rows: int
    sha256: str
    head: str
    attested: bool


@dataclass(slots=True)
class _Held:
    """A table as its chain tells it: the files that should be there, every file that ever was, what broke so far."""

    table: str
    live: dict[str, FileClaim] = field(default_factory=dict)
    known: dict[str, FileClaim] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    breaks: list[Break] = field(default_factory=list)
    unattested: int = 0
    attesting: bool = False

    def fault(self, day: str, what: str, text: str) -> None:
        """Note a break that is about no row."""
        self.breaks.append(Break(self.table, day, what, text))


def check(writer: Writer, name: str, anchor: Anchor | None = None) -> Integrity:
    """Check one table against its chain, and the chain against a head that was kept elsewhere."""
    held = _Held(name)
    chain = Chain(writer.store, name)
    links = list(_linked(held, chain, anchor))
    version = links[-1]["version"] if links else -1
    table = writer.table(name)
    if version > table.version():
        held.fault("", "removed", f"commits {table.version() + 1} to {version} are gone from the table's log")
    logged = (commit(writer.store, name, each) for each in range(version + 1, table.version() + 1))
    later = [one for one in logged if one is not None]
    for one in (*_commits(held, links, writer.store), *later):
        _apply(held, one)
    _compare(held, {file["path"]: file for file in pa.table(table.get_add_actions()).to_pylist()})
    rows = sum(_check_file(held, writer.store, file) for file in held.live.values())
    return Integrity(
        table=name,
        days=len({file.day for file in held.live.values()}),
        rows=rows,
        unattested=held.unattested,
        open=sum(not one.empty for one in later),
        number=links[-1]["number"] if links else -1,
        head=links[-1]["head"] if links else "",
        breaks=tuple(sorted(held.breaks, key=lambda one: (one.day, one.row or 0))),
    )


def partitions(writer: Writer, name: str, first: str, last: str) -> list[Partition]:
    """Hash the days of a table from one to another, both included, as ISO dates; each file is read once."""
    held = _told(writer, name)
    links = Chain(writer.store, name).links()
    heads = {day: one["head"] for link in links for day, one in link["days"].items()}
    table = writer.table(name)
    days: dict[str, list[Mapping[str, Any]]] = {}
    for file in pa.table(table.get_add_actions()).to_pylist():
        day = str(file["partition"]["event_day"])
        if first <= day <= last:
            days.setdefault(day, []).append(file)
    return [_partition(held, writer.store, day, files, heads.get(day, "")) for day, files in sorted(days.items())]


def forget(writer: Writer, name: str) -> int:
    """Delete the row digests that no row of the table is compared with any more; return how many files of them.

    They are those of files that left with a retention, or with all that was made of them. What a writer has stored and
    not yet committed is in no claim, and stays.
    """
    held = _told(writer, name)
    needed: set[str] = set()
    waiting = list(held.live.values())
    while waiting:
        file = waiting.pop()
        needed |= {one.path for one in (file.digests, file.taken) if one is not None}
        waiting += [held.known[path] for path in file.made_of if path in held.known]
    claimed = {one.path for file in held.known.values() for one in (file.digests, file.taken) if one is not None}
    gone = [path for path in sorted(claimed - needed) if writer.store.names(path.rpartition("/")[0])]
    for path in gone:
        writer.store.delete(path)
    return len(gone)


def _told(writer: Writer, name: str) -> _Held:
    """The table as its links and its log tell it, unchecked."""
    held, version = _Held(name), -1
    for link in Chain(writer.store, name).links():
        version = link["version"]
        for one in _bound([link]):
            _apply(held, one)
    for each in range(version + 1, writer.table(name).version() + 1):
        later = commit(writer.store, name, each)
        if later is not None:
            _apply(held, later)
    return held


def _partition(held: _Held, store: Store, day: str, files: list[Mapping[str, Any]], head: str) -> Partition:
    hashes = {file["path"]: _sha256(store, f"{held.table}/{file['path']}") for file in files}
    whole = sha256("".join(f"{path} {digest}\n" for path, digest in sorted(hashes.items())).encode()).hexdigest()
    claims = {path: held.live[path].sha256 if path in held.live else "" for path in hashes}
    rows = sum(file["num_records"] or 0 for file in files)
    return Partition(held.table, day, len(files), rows, whole, head, attested=claims == hashes)


def vanished(name: str, anchor: Anchor) -> Integrity:
    """Return the finding that a table which an anchor knows is not in the lake at all."""
    gone = Break(name, "", "removed", f"the table is gone, with a chain of {anchor['number'] + 1} links")
    return Integrity(name, 0, 0, 0, 0, -1, "", (gone,))


def _linked(held: _Held, chain: Chain, anchor: Anchor | None) -> Iterator[Link]:
    """The links of the chain, each checked against the one before and against itself."""
    number, head, days = -1, "", dict[str, str]()
    for link in chain.links():
        if link["number"] != number + 1:
            held.fault("", "removed", f"links {number + 1} to {link['number'] - 1} of the chain are gone")
        elif link["before"] != head:
            held.fault("", "altered", f"link {link['number']} of the chain does not follow on link {number}")
        if link_head(link) != link["head"]:
            held.fault("", "altered", f"link {link['number']} of the chain was altered")
        for day, one in link["days"].items():
            if one["before"] != days.get(day, "") or day_head(one["before"], one["entries"]) != one["head"]:
                held.fault(day, "altered", f"the chain of the day breaks at link {link['number']}")
            days[day] = one["head"]
        number, head = link["number"], link["head"]
        if anchor is not None and anchor["number"] == number and anchor["head"] != head:
            held.fault("", "altered", f"the chain is another than that of the anchor: link {number} differs")
        yield link
    if anchor is not None and anchor["number"] > number:
        held.fault("", "removed", f"the anchor knows {anchor['number'] + 1} links, the chain has {number + 1}")


def _commits(held: _Held, links: Iterable[Link], store: Store) -> Iterator[Commit]:
    """The commits that the links bind; the log must say the same where it still is."""
    for version, days in _by_version(links):
        logged = commit(store, held.table, version)
        if logged is not None and entries(logged) != days:
            held.fault(min(days), "altered", f"commit {version} in the table's log is not what the chain has of it")
        yield _joined(version, list(days.values()))


def _bound(links: Iterable[Link]) -> Iterator[Commit]:
    """The commits that the links bind, put together from their days."""
    return (_joined(version, list(days.values())) for version, days in _by_version(links))


def _by_version(links: Iterable[Link]) -> list[tuple[int, dict[str, Any]]]:
    found: dict[int, dict[str, Any]] = {}
    for link in links:
        for day, one in link["days"].items():
            for entry in one["entries"]:
                found.setdefault(entry["version"], {})[day] = entry
    return sorted(found.items())


def _joined(version: int, parts: list[dict[str, Any]]) -> Commit:
    claims = [Claim.from_json(part) for part in parts]
    added = tuple(file for claim in claims for file in claim.added)
    removed = tuple(path for claim in claims for path in claim.removed)
    if claims[0].kind == "foreign":
        return Commit(version, None, tuple((file.path, file.rows) for file in added), removed)
    return Commit(version, Claim(claims[0].kind, added, removed))


def _apply(held: _Held, one: Commit) -> None:
    if one.claim is None:
        _apply_foreign(held, one)
        return
    held.attesting = held.attesting or any(file.sha256 for file in one.claim.added)
    for path in one.claim.removed:
        held.live.pop(path, None)
    for file in one.claim.added:
        held.live[file.path] = held.known[file.path] = file
        held.versions[file.path] = one.version


def _apply_foreign(held: _Held, one: Commit) -> None:
    """A commit of another program: before the first of ours it is the past, after it somebody else's hand."""
    for path in one.removed:
        gone = held.live.pop(path, None)
        if held.attesting and gone is not None:
            text = f"commit {one.version}, of another program, took out a file of {gone.rows:,} rows"
            held.breaks.append(Break(held.table, gone.day, "removed", text, file=path, row=1))
    for path, rows in one.added:
        file = FileClaim(path, rows, "")
        held.live[path] = held.known[path] = file
        held.versions[path] = one.version
        if held.attesting and rows:
            text = f"commit {one.version}, of another program, put in a file of {rows:,} rows"
            held.breaks.append(Break(held.table, file.day, "inserted", text, file=path, row=1))


def _compare(held: _Held, active: Mapping[str, Mapping[str, Any]]) -> None:
    """What the table's log takes for its files must be what the chain does."""
    for path in sorted(set(held.live) - set(active)):
        file = held.live.pop(path)
        text = f"a file of {file.rows:,} rows is no longer in the table's log"
        held.breaks.append(Break(held.table, file.day, "removed", text, file=path, row=1))
    for path in sorted(set(active) - set(held.live)):
        rows = active[path]["num_records"] or 0
        if not held.attesting:
            held.unattested += rows
            continue
        text = f"a file of {rows:,} rows is in the table's log and in no commit"
        held.breaks.append(Break(held.table, str(active[path]["partition"]["event_day"]), "inserted", text, path, 1))


def _check_file(held: _Held, store: Store, file: FileClaim) -> int:
    """Compare one file with its claim, its rows with theirs; return the rows that are attested and in place."""
    if not file.sha256:
        held.unattested += file.rows
        return 0
    whole = _sha256(store, f"{held.table}/{file.path}")
    if whole == file.sha256 and not file.made_of:
        return file.rows
    broken = first_difference(store, held.table, file, held.known, bytes_differ=whole != file.sha256)
    if broken is None:
        return file.rows
    held.breaks.append(broken)
    return 0


def _sha256(store: Store, path: str) -> str:
    """The SHA-256 of a file's bytes; empty when it is gone."""
    found = store.get(path)
    return "" if found is None else sha256(found).hexdigest()
