"""One finding → all around it: its incident, the timeline of session, user or device, what was touched, hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from ocsf_pipe.detect.backtest import tables_of
from ocsf_pipe.detect.convert import Tables
from ocsf_pipe.detect.evidence import without_nulls
from ocsf_pipe.detect.findings import TABLE
from ocsf_pipe.detect.telling import message_of
from ocsf_pipe.errors import UsageError
from ocsf_pipe.ops.sql_text import name_text

SHORTEST = 6
PIVOTS: Mapping[str, tuple[str, ...]] = {
    "session": ("metadata.correlation_uid", "actor.session.uid", "session.uid"),
    "device": ("device.uid", "device.hostname"),
    "user": tuple(f"{place}.{part}" for place in ("actor.user", "user") for part in ("uid", "email_addr", "name")),
    "address": ("src_endpoint.ip",),
}
"""What joins events: those of one session; else of one device; else of one user or address."""
DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Step:
    """One event of the timeline; `sha256` is that of its raw record, or of the event where that was not kept."""

    time: int
    table: str
    uid: str
    what: str
    who: str
    source: str
    sha256: str
    is_evidence: bool


@dataclass(frozen=True, slots=True)
class Touched:
    """One observable of the timeline: how many events have it, and whether any of the 30 days before has."""

    kind: str
    value: str
    events: int
    first: int
    last: int
    known_before: bool


@dataclass(frozen=True, slots=True)
class Bundle:
    """What there is to know; times in epoch ms. `more` counts events of the timeline that it has no room for."""

    findings: tuple[Mapping[str, Any], ...]
    first: int
    last: int
    pivots: Mapping[str, tuple[str, ...]]
    timeline: tuple[Step, ...]
    more: int
    touched: tuple[Touched, ...]


@dataclass(slots=True)
class Collector:
    """Collects bundles from the tables of a lake; `margin` is in ms, `most` the length of a timeline."""

    connection: duckdb.DuckDBPyConnection
    margin: int = 3_600_000
    most: int = 1000
    tables: Tables = field(init=False)

    def __post_init__(self) -> None:
        """Look at what tables there are."""
        self.tables = tables_of(self.connection)

    def collect(self, name: str) -> Bundle:
        """The bundle of a finding or an incident, by its id or the beginning of it; raises UsageError."""
        findings = self._findings(name)
        first = min(one.get("start_time", one["time"]) for one in findings) - self.margin
        last = max(one.get("end_time", one["time"]) for one in findings) + self.margin
        evidence = {str(piece["uid"]) for one in findings for piece in one.get("evidences", ()) if "uid" in piece}
        evidence |= {
            str(e["uid"]) for one in findings for e in one["finding_info"].get("related_events", ()) if "uid" in e
        }
        pivots = self._pivots(evidence)
        rows = sorted(
            self._rows(pivots, evidence, first, last), key=lambda row: (row[1]["time"], row[1]["metadata"]["uid"])
        )
        kept = self._kept(rows, evidence)
        return Bundle(
            findings=tuple(message_of(one) for one in findings),
            first=first,
            last=last,
            pivots=pivots,
            timeline=tuple(_step(table, row, evidence) for table, row in kept),
            more=len(rows) - len(kept),
            touched=tuple(self._touched([row for _, row in rows], first)),
        )

    def _findings(self, name: str) -> list[dict[str, Any]]:
        if len(name) < SHORTEST:
            raise UsageError(f"`{name}` is too short for an id", f"give {SHORTEST} characters of it at least")
        rows = self._asked(TABLE, "starts_with(metadata.uid, $name)", {"name": name}) if TABLE in self.tables else []
        if len({row["metadata"]["uid"] for row in rows}) > 1:
            raise UsageError(f"`{name}` begins the ids of {len(rows)} findings", "give more of it")
        incident = rows[0]["metadata"].get("correlation_uid") if rows else name
        has = ("metadata", "correlation_uid") in self.tables.get(TABLE, {})
        together = (
            self._asked(TABLE, "metadata.correlation_uid = $name", {"name": incident}) if incident and has else []
        )
        if not rows and not together:
            raise UsageError(
                f"there is no finding `{name}`", f'`ocsf-pipe query "select metadata.uid, message from {TABLE}"`'
            )
        return together or rows

    def _asked(self, table: str, where: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        query = f'select * from {name_text(table)} where {where} order by "time"'
        return [without_nulls(row) for row in self.connection.sql(query, params=params).to_arrow_table().to_pylist()]

    def _others(self) -> list[str]:
        return [table for table in self.tables if table != TABLE]

    def _pivots(self, evidence: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The values that the evidence has of what joins events; the narrowest kind; users and addresses together."""
        found: dict[str, set[str]] = {}
        for table in self._others():
            for row in self._asked(table, "metadata.uid in (select unnest($uids))", {"uids": sorted(evidence)}):
                for kind, paths in PIVOTS.items():
                    found.setdefault(kind, set()).update(v for path in paths if (v := _value(row, path)) is not None)
        kinds = [kind for kind in PIVOTS if found.get(kind)]
        chosen = kinds[:1] if kinds[:1] in (["session"], ["device"]) else kinds
        return {kind: tuple(sorted(found[kind])) for kind in chosen}

    def _rows(
        self, pivots: Mapping[str, tuple[str, ...]], evidence: Iterable[str], first: int, last: int
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        params: dict[str, Any] = {"uids": sorted(evidence), "first": first, "last": last}
        for table in self._others():
            joins = []
            used = dict(params)
            for kind, values in pivots.items():
                paths = [p for p in PIVOTS[kind] if tuple(p.split(".")) in self.tables[table]]
                if paths:
                    used[kind] = list(values)
                    joins += [f"{_sql(path)} in (select unnest(${kind}))" for path in paths]
            around = f'("time" between $first and $last and ({" or ".join(joins) or "false"}))'
            if not joins:
                used = {"uids": used["uids"]}
                around = "false"
            for row in self._asked(table, f"(metadata.uid in (select unnest($uids)) or {around})", used):
                yield table, row

    def _kept(self, rows: list[tuple[str, dict[str, Any]]], evidence: set[str]) -> list[tuple[str, dict[str, Any]]]:
        """As many as there is room for: the evidence, then what is nearest to it in time."""
        if len(rows) <= self.most:
            return rows
        times = [row["time"] for _, row in rows if row["metadata"]["uid"] in evidence] or [rows[0][1]["time"]]

        def far(one: tuple[str, dict[str, Any]]) -> tuple[bool, int]:
            at = one[1]["time"]
            return one[1]["metadata"]["uid"] not in evidence, min(abs(at - time) for time in times[:100])

        nearest = sorted(rows, key=far)[: self.most]
        return sorted(nearest, key=lambda row: (row[1]["time"], row[1]["metadata"]["uid"]))

    def _touched(self, rows: Iterable[Mapping[str, Any]], first: int) -> list[Touched]:
        found: dict[tuple[str, str], list[int]] = {}
        for row in rows:
            for one in {(o.get("type", "Other"), o.get("value")) for o in row.get("observables", ())}:
                if one[1]:
                    found.setdefault((str(one[0]), str(one[1])), []).append(row["time"])
        before = self._before({value for _, value in found}, first)
        return [
            Touched(kind, value, len(times), min(times), max(times), value in before)
            for (kind, value), times in sorted(found.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1]))
        ]

    def _before(self, values: set[str], first: int) -> set[str]:
        """Those values that an event of the 30 days before has as an observable."""
        found: set[str] = set()
        params = {"values": sorted(values), "from": first - 30 * DAY, "to": first}
        for table in self._others() if values else ():
            if ("observables",) in self.tables[table]:
                query = (
                    f"select distinct o.value from (select unnest(observables) as o from {name_text(table)} "
                    'where "time" >= $from and "time" < $to) where o.value in (select unnest($values))'
                )
                found |= {row[0] for row in self.connection.execute(query, params).fetchall()}
        return found


def _sql(path: str) -> str:
    return ".".join(name_text(part) for part in path.split("."))


def _value(row: Mapping[str, Any], path: str) -> str | None:
    at: Any = row
    for step in path.split("."):
        at = at.get(step) if isinstance(at, Mapping) else None
    return None if at is None or isinstance(at, Mapping | list) else str(at)


def _step(table: str, row: Mapping[str, Any], evidence: set[str]) -> Step:
    uid = str(row["metadata"]["uid"])
    named = ("message", "api.operation", "process.cmd_line", "file.path", "query.hostname", "url.url_string")
    said = next((value for path in named if (value := _value(row, path)) is not None), "")
    what = " ".join(f"{row.get('class_name', table)}: {row.get('activity_name', '')} {said}".split())
    who = (
        "actor.user.email_addr",
        "actor.user.name",
        "user.email_addr",
        "user.name",
        "device.hostname",
        "src_endpoint.ip",
    )
    raw = row.get("raw_data")
    text = raw if isinstance(raw, str) else json.dumps(message_of(row), sort_keys=True, ensure_ascii=False, default=str)
    return Step(
        time=row["time"],
        table=table,
        uid=uid,
        what=what,
        who=next((value for path in who if (value := _value(row, path)) is not None), ""),
        source=str(row.get("source", "")),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        is_evidence=uid in evidence,
    )
