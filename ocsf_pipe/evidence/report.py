"""Evidence for the duties of a framework: each duty's queries, their results, what they read, and what is missing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from ocsf_pipe.detect.queries import Query
from ocsf_pipe.detect.views import bounded
from ocsf_pipe.evidence.duties import Asked, Duty, Framework
from ocsf_pipe.evidence.filled import Filled, Share
from ocsf_pipe.evidence.inventory import Inventory
from ocsf_pipe.evidence.silence import Heard, Unnamed, ai_sources, heard, unnamed
from ocsf_pipe.lake import Lake
from ocsf_pipe.lake.attest import canonical
from ocsf_pipe.lake.integrity import Partition
from ocsf_pipe.schema import load

_ROWS = 200
_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave: the statement as it was asked, rows in all, the first of them, and a hash over all of them."""

    asked: Asked
    statement: str
    rows: int
    shown: tuple[Mapping[str, Any], ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing: `kind` is silent, unnamed, empty, nothing, retention or scope."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A duty with its answers, how many events have the fields that it needs, and its gaps."""

    duty: Duty
    answers: tuple[Answer, ...]
    fields: tuple[tuple[str, int, int], ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The evidence for a framework from a lake within `[since, until)` (epoch ms)."""

    framework: Framework
    lake: str
    since: int
    until: int
    made: int
    inventory: Inventory
    sources: tuple[str, ...]
    systems: tuple[Heard, ...]
    unnamed: tuple[Unnamed, ...]
    oldest: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...]
    partitions: tuple[Partition, ...]
    gaps: tuple[Gap, ...]


def report(lake: Lake, framework: Framework, inventory: Inventory, since: int, until: int, made: int) -> Report:
    """Ask every duty's queries of the events of `[since, until)`; `made` is the time to be printed (epoch ms)."""
    filled = Filled(lake, since, until)
    sources = ai_sources(filled.always(), inventory.systems)
    systems = tuple(heard(filled, system) for system in inventory.systems)
    oldest = tuple(_oldest(filled, sources))
    asker = _Asker(filled, sources, since, until)
    scopes = {system.scope for system in inventory.systems}
    strangers = tuple(unnamed(filled, sources, inventory.systems))
    findings = tuple(_finding(asker, duty, oldest, scopes, made) for duty in framework.duties)
    return Report(
        framework=framework,
        lake=lake.where,
        since=since,
        until=until,
        made=made,
        inventory=inventory,
        sources=tuple(sources),
        systems=systems,
        unnamed=strangers,
        oldest=oldest,
        findings=findings,
        partitions=tuple(_partitions(lake, asker.read, since, until)),
        gaps=tuple(_overall(systems, strangers, sources, inventory)),
    )


@dataclass(slots=True)
class _Asker:
    """Asks queries once each, and notes the tables that were read."""

    filled: Filled
    sources: Sequence[str]
    since: int
    until: int
    read: set[str] = field(default_factory=set)
    _known: dict[str, Answer] = field(default_factory=dict)

    def ask(self, asked: Asked) -> Answer:
        if asked.name not in self._known:
            self._known[asked.name] = self._ask(asked)
        return self._known[asked.name]

    def _ask(self, asked: Asked) -> Answer:
        self.read |= set(asked.reads) & set(self.filled.columns)
        sql = bounded(Query(asked.sql, asked.reads), self.filled.columns, load(), self.since, self.until)
        values = {"sources": list(self.sources), "since": self.since, "until": self.until}
        rows = self.filled.ask(sql, {name: value for name, value in values.items() if f"${name}" in sql}).to_pylist()
        plain = [{name: _plain(value) for name, value in row.items()} for row in rows]
        return Answer(asked, sql, len(plain), tuple(plain[:_ROWS]), sha256(canonical(plain)).hexdigest())


def _finding(asker: _Asker, duty: Duty, oldest: Sequence[tuple[str, int]], scopes: set[int], made: int) -> Finding:
    answers = tuple(asker.ask(asked) for asked in duty.queries)
    fields = tuple(_field(asker, path) for path in duty.fields)
    gaps = [Gap("nothing", f"{answer.asked.name}: {answer.asked.empty}") for answer in answers if _is_gap(answer)]
    gaps += [
        Gap("empty", f"`{path}` is empty in all {events:,} events" if events else f"`{path}`: there are no such events")
        for path, events, filled in fields
        if not filled
    ]
    gaps += _retention(duty, oldest, made)
    beyond = sorted(scopes - set(duty.scopes))
    if beyond:
        named = ", ".join(map(str, beyond))
        gaps.append(Gap("scope", f"for systems of scope {named}, logs of one's own do not speak to this duty"))
    return Finding(duty, answers, fields, tuple(gaps))


def _is_gap(answer: Answer) -> bool:
    return not answer.rows and not answer.asked.may_be_empty


def _field(asker: _Asker, path: str) -> tuple[str, int, int]:
    shares: Sequence[Share] = asker.filled.count([path])[path]
    ours = [share for share in shares if share.source in asker.sources]
    return path, sum(share.events for share in ours), sum(share.filled for share in ours)


def _retention(duty: Duty, oldest: Sequence[tuple[str, int]], made: int) -> Iterator[Gap]:
    """How far back each source goes, against the term; whether it was shortened or begun late only the chain knows."""
    for source, time in oldest if duty.days else ():
        age = (made - time) // _DAY
        if age < duty.days:
            day = dt.datetime.fromtimestamp(time / 1000, dt.UTC).date()
            text = (
                f"the oldest record of {source} is of {day}, {age} days old; the term is {duty.days} days (six months)"
            )
            yield Gap("retention", text)
    if duty.days and not oldest:
        yield Gap("retention", f"there is no record at all; the term is {duty.days} days (six months)")


def _oldest(filled: Filled, sources: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The oldest event of every AI source in the whole lake."""
    found: dict[str, int] = {}
    for table, schema in filled.columns.items():
        if {"time", "source"} <= set(schema.names):
            rows = filled.ask(f'select source, min(time) as first from "{table}" where time is not null group by 1')
            for row in rows.to_pylist():
                found[row["source"]] = min(row["first"], found.get(row["source"], row["first"]))
    yield from sorted((source, time) for source, time in found.items() if source in sources)


def _partitions(lake: Lake, tables: set[str], since: int, until: int) -> Iterator[Partition]:
    first, last = (dt.datetime.fromtimestamp(at / 1000, dt.UTC).date() for at in (since, until - 1))
    for table in sorted(tables):
        yield from lake.partitions(table, first, last)


def _overall(
    systems: Sequence[Heard], strangers: Sequence[Unnamed], sources: Sequence[str], inventory: Inventory
) -> Iterator[Gap]:
    if not inventory.systems:
        yield Gap("unnamed", "no inventory was given: which systems ought to be here is not known")
    if not sources:
        yield Gap("nothing", "the lake has no event of an AI source")
    for one in systems:
        if one.events == 0:
            yield Gap("silent", f"{one.system.name} has no event in the period")
        elif one.silent:
            hours = one.quiet / 3_600_000
            yield Gap("silent", f"{one.system.name} was silent for {hours:.1f} hours at a stretch")
    for stranger in strangers if inventory.systems else ():
        who = f"{stranger.source} ({stranger.application})" if stranger.application else stranger.source
        yield Gap("unnamed", f"{who} has {stranger.events:,} events and is in no system of the inventory")


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
