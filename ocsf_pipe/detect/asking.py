"""A rule in SQL, asked: its findings, or what is wrong with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from ocsf_pipe.detect.firing import Firing
from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.detect.views import bounded, class_of
from ocsf_pipe.ops.sql_text import name_text
from ocsf_pipe.schema import Schema, load

LAST = 253_402_300_800_000
"""The first millisecond of the year 10000: `$until` where nothing bounds the time."""
OWN = ("time", "event_uids", "entity", "key")
"""The columns of a rule's rows that mean something; all others are details of the finding."""


@dataclass(slots=True)
class Asker:
    """Asks rules in SQL of the tables of a connection."""

    connection: duckdb.DuckDBPyConnection
    schema: Schema = field(default_factory=load)
    tables: Mapping[str, pa.Schema] = field(default_factory=dict)

    def fires(self, rule: Rule, since: int | None = None, until: int | None = None) -> list[Firing]:
        """What a rule finds at times of `[since, until)` (epoch ms); raises duckdb.Error, and ValueError for its rows.

        Its views reach back before `since` by the rule's lookback.
        """
        if rule.query is None:
            return []
        begin = None if since is None else since - int(rule.settings.lookback * 1000)
        sql = bounded(rule.query, self.tables, self.schema, begin, until)
        rows = pa.table(self.connection.sql(sql, params=self._values(rule, since, until)).to_arrow_table())
        found = [_firing(rule, row) for row in rows.to_pylist()]
        return [one for one in found if (since is None or one.time >= since) and (until is None or one.time < until)]

    def problem(self, rule: Rule) -> str | None:
        """What is wrong with the query of a rule, found without running it; None for nothing."""
        if rule.query is None:
            return None
        unknown = [name for name in rule.query.reads if class_of(self.schema, name) is None]
        if unknown:
            return f"`reads` names `{unknown[0]}`, which is no class of OCSF {self.schema.version}"
        sql = bounded(rule.query, self.tables, self.schema)
        try:
            shape = self.connection.execute(f"describe {sql}", self._values(rule, None, None)).fetchall()
        except duckdb.Error as error:
            return str(error).splitlines()[0]
        columns = [str(row[0]) for row in shape]
        missing = [name for name in ("time", "event_uids") if name not in columns]
        return f"the query gives no column `{missing[0]}`; it gives {', '.join(columns)}" if missing else None

    def _values(self, rule: Rule, since: int | None, until: int | None) -> dict[str, Any]:
        """The values of `$since`, `$until` and of the rule's placeholders, as far as the query names them."""
        assert rule.query is not None  # noqa: S101 - the callers ask rules that have one
        known: dict[str, Any] = {"since": 0 if since is None else since, "until": LAST if until is None else until}
        known |= {name: list(values) for name, values in rule.settings.placeholders}
        return {name: value for name, value in known.items() if f"${name}" in rule.query.sql}


def schemas_of(connection: duckdb.DuckDBPyConnection) -> dict[str, pa.Schema]:
    """The columns of every table that the connection sees."""
    names = [row[0] for row in connection.execute("select table_name from information_schema.tables").fetchall()]
    return {
        name: connection.sql(f"select * from {name_text(name)} limit 0").to_arrow_table().schema
        for name in sorted(names)
        if not name.startswith("_")
    }


def _firing(rule: Rule, row: Mapping[str, Any]) -> Firing:
    missing = [name for name in ("time", "event_uids") if name not in row]
    if missing:
        raise ValueError(f"the query gives no column `{missing[0]}`")
    events = tuple(dict.fromkeys(_texts(row["event_uids"])))
    entity = None if row.get("entity") is None else str(row["entity"])
    key = row.get("key")
    text = "\n".join((entity or "", *sorted(events))) if key is None else str(key)
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    details = {name: _plain(value) for name, value in row.items() if name not in OWN and value is not None}
    return Firing(rule, _millis(row["time"]), events, digest, entity, tuple(sorted(details.items())))


def _texts(value: Any) -> Iterator[str]:
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    yield from (str(one) for one in values if one is not None)


def _millis(value: Any) -> int:
    """A time as epoch ms; a timestamp without a zone is UTC."""
    if isinstance(value, datetime):
        at = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return round(at.timestamp() * 1000)
    if isinstance(value, int | float):
        return int(value)
    raise ValueError(f"`time` must be epoch milliseconds or a timestamp, got {value!r}")


def _plain(value: Any) -> str:
    """A detail as text: JSON where it is neither text nor number."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False, default=str)
