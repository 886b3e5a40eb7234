"""Fires of rules → the findings that a lake does not have yet."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from ocsf_pipe.detect.backtest import tables_of
from ocsf_pipe.detect.convert import Tables
from ocsf_pipe.detect.evidence import events_of
from ocsf_pipe.detect.findings import INCIDENT, TABLE, Finder, Incident
from ocsf_pipe.detect.firing import Firing
from ocsf_pipe.detect.grouping import Group, Known, groups
from ocsf_pipe.detect.views import OWN
from ocsf_pipe.detect.watching import Watch, reach_of
from ocsf_pipe.ops.sql_text import name_text

LOG = logging.getLogger("ocsf_pipe.detect")
MOST_FIRES, MOST_FINDINGS = 20_000, 1_000
"""Of one rule in one round: what is beyond them is counted by its last finding."""
Row = Mapping[str, Any]


def findings_of(
    watch: Watch, connection: duckdb.DuckDBPyConnection, fires: Sequence[Firing], clock: int
) -> list[dict[str, Any]]:
    """The findings of fires as nested values; those that stand in the connection's `detection_finding` are left out."""
    own = Own(connection, tables_of(connection))
    numbers = {id(rule): number for number, rule in enumerate(watch.rules)}
    found: list[dict[str, Any]] = []
    for number in sorted({numbers[id(fire.rule)] for fire in fires}):
        mine = [fire for fire in fires if numbers[id(fire.rule)] == number]
        mine.sort(key=lambda one: (one.time, one.key))
        found += _of_rule(watch, own, mine, watch.reads(number), clock)
    return found


def _of_rule(watch: Watch, own: Own, fires: Sequence[Firing], reads: Iterable[str], clock: int) -> list[dict[str, Any]]:
    rule, seen, connection = fires[0].rule, fires[:MOST_FIRES], own.connection
    said = rule.settings
    wanted = [*said.entity, *said.keys, *(path for quiet in said.suppress for path, _ in quiet.where)]
    schemas = {
        table: connection.sql(f"select * from main.{name_text(table)} limit 0").to_arrow_table().schema
        for table in sorted(reads)
        if table in own.tables
    }
    uids = {uid for fire in seen for uid in fire.events}
    more, reach = {path.split(".")[0] for path in wanted}, reach_of(rule, watch.rules) + 1
    near = fires[0].time - reach, fires[-1].time + reach
    events = events_of(connection, schemas, uids, watch.schema, more, near)
    if far := uids - events.keys():  # a query may name events from farther than its windows reach
        events |= events_of(connection, schemas, far, watch.schema, more)
    span = int(said.window * 1000)
    first, last = fires[0].time - max(span, INCIDENT), fires[-1].time + max(span, INCIDENT)
    made = list(groups(seen, events, own.known(rule.id, first, last) if span else ()))
    there = own.uids([group.uid for group in made])
    fresh = _folded([group for group in made if group.uid not in there], fires[MOST_FIRES:])
    rows = Finder(watch.schema, events, clock).rows(fresh, own.incidents(first, last))
    own.add(rows)
    return rows


def _folded(found: list[Group], beyond: Sequence[Firing]) -> list[Group]:
    """No more findings than a person can want of one rule in one round: the last one counts the rest."""
    if not found or (len(found) <= MOST_FINDINGS and not beyond):
        return found
    LOG.warning("a rule fires very often: its last finding counts the rest", extra={"rule": found[0].first.rule.id})
    kept, rest = found[:MOST_FINDINGS], found[MOST_FINDINGS:]
    kept[-1].fires += [*(fire for group in rest for fire in group.fires), *beyond]
    return kept


@dataclass(slots=True)
class Own:
    """The findings that this program made: those that the connection shows, and those of the round so far."""

    connection: duckdb.DuckDBPyConnection
    tables: Tables
    fresh: list[Incident] = field(default_factory=list)

    def _rows(self, columns: str, where: str, params: Row) -> list[tuple[Any, ...]]:
        paths = self.tables.get(TABLE, {})
        if ("finding_info", "uid_alt") not in paths or ("unmapped",) not in paths:
            return []
        query = f"select {columns} from main.{TABLE} where source = $own and {where}"
        return self.connection.execute(query, {"own": OWN, **params}).fetchall()

    def uids(self, uids: Sequence[str]) -> set[str]:
        """Those of some ids that are there."""
        rows = self._rows("metadata.uid", "metadata.uid in (select unnest($uids))", {"uids": uids})
        return {row[0] for row in rows}

    def known(self, rule: str, first: int, last: int) -> list[Known]:
        """The windows of a rule's findings between two times."""
        where = 'finding_info.analytic.uid = $rule and "time" between $first and $last'
        rows = self._rows('finding_info.uid_alt, "time"', where, {"rule": rule, "first": first, "last": last})
        return [Known(*row) for row in rows]

    def incidents(self, first: int, last: int) -> list[Incident]:
        """The incidents with a finding between two times."""
        columns = "unmapped ->> '$.entity', metadata.correlation_uid, \"time\""
        rows = self._rows(columns, '"time" between $first and $last', {"first": first, "last": last})
        return [*(Incident(*row) for row in rows if row[0] is not None), *self.fresh]

    def add(self, rows: Iterable[Row]) -> None:
        """Take in findings of the round, whose incidents later ones may join."""
        for row in rows:
            entity = json.loads(row["unmapped"]).get("entity")
            if entity is not None:
                self.fresh.append(Incident(entity, row["metadata"]["correlation_uid"], row["time"]))
