"""The events behind a fire: found by their ids, and copied, attribute by attribute, into a finding's evidence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from ocsf_pipe.ops.sql_text import name_text
from ocsf_pipe.schema import Attribute, Schema

Row = Mapping[str, Any]
_BESIDE = ("time", "metadata", "message", "observables", "class_uid", "category_uid", "class_name", "source", "cloud")
_AT_LEAST = frozenset(
    "actor api connection_info data database databucket device dst_endpoint email file process query src_endpoint url "
    "user job script reg_key reg_value win_service".split()
)
"""Attributes of which OCSF wants one in each piece of evidence."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a table, nulls left out."""

    uid: str
    table: str
    time: int
    row: Row

    def value(self, path: str) -> str | None:
        """The value at a dotted path as text; of a list its first, None where there is none."""
        at: Any = self.row
        for step in path.split("."):
            at = at[0] if isinstance(at, list) and at else at
            at = at.get(step) if isinstance(at, Mapping) else None
        at = at[0] if isinstance(at, list) and at else at
        return None if at is None or isinstance(at, Mapping | list) else str(at)


def events_of(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, pa.Schema],
    uids: Iterable[str],
    schema: Schema,
    more: Iterable[str] = (),
    within: tuple[int, int] | None = None,
) -> dict[str, Event]:
    """The events with these ids, by id; `tables` are the relations to look in, `more` further columns that are wanted.

    An id that no table has is left out; one that two tables have is the first's. `within` are the first and last time
    to look at, which spares most of a large table.
    """
    wanted = pa.table({"uid": pa.array(sorted(set(uids)), pa.string())})
    names = {*_BESIDE, *schema.object("evidences").attributes, *more}
    found: dict[str, Event] = {}
    connection.register("_asked_uids", wanted)
    for table, columns in tables.items() if wanted.num_rows else ():
        if "metadata" not in columns.names or "time" not in columns.names:
            continue
        chosen = ", ".join(name_text(name) for name in columns.names if name in names)
        bounds = f' and "time" between {within[0]} and {within[1]}' if within is not None else ""
        wish = f'"metadata"."uid" in (select uid from _asked_uids){bounds}'
        query = f"select {chosen} from {name_text(table)} where {wish}"
        for row in connection.sql(query).to_arrow_table().to_pylist():
            bare = without_nulls(row)
            uid = str(bare["metadata"]["uid"])
            found.setdefault(uid, Event(uid, table, int(bare.get("time", 0)), bare))
    connection.unregister("_asked_uids")
    return found


def without_nulls(value: Any) -> Any:
    """The value without nulls, and without what is empty for it."""
    if isinstance(value, Mapping):
        parts = {key: without_nulls(inner) for key, inner in value.items()}
        return {key: inner for key, inner in parts.items() if inner is not None and inner not in ({}, [])}
    if isinstance(value, list):
        return [inner for inner in map(without_nulls, value) if inner is not None]
    return value


def profiles_of(events: Iterable[Event], schema: Schema) -> list[str]:
    """The profiles that a finding may claim for what it copies: those of its events that its class has."""
    known = schema.event_class("detection_finding").profiles
    claimed = {name for event in events for name in event.row["metadata"].get("profiles", ())}
    # what these ask of a finding (`cloud.provider`, `osint`) stands on the event, not on the finding
    return sorted(claimed.intersection(known) - {"cloud", "osint", "incident", "security_control"})


def evidence(event: Event, schema: Schema, profiles: Sequence[str]) -> dict[str, Any]:
    """One event as a piece of evidence, its objects as they are, without what the finding's profiles do not have."""
    kind = schema.object("evidences").attributes
    copied = {name: value for name, value in _fitted(event.row, kind, schema, profiles) if name not in {"uid", "name"}}
    if not _AT_LEAST & copied.keys():
        said = event.row.get("message") or event.row.get("class_name") or event.table
        copied["data"] = json.dumps({"message": said}, ensure_ascii=False)
    return {"uid": event.uid, "name": event.table, **copied}


def _fitted(
    value: Row, attributes: Mapping[str, Attribute], schema: Schema, profiles: Sequence[str]
) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        attribute = attributes.get(name)
        if attribute is None or (attribute.profiles and not set(attribute.profiles) & set(profiles)):
            continue
        fitted = _fit(inner, attribute, schema, profiles)
        if fitted not in ({}, []):
            yield name, fitted


def _fit(value: Any, attribute: Attribute, schema: Schema, profiles: Sequence[str]) -> Any:
    if isinstance(value, list):
        return [_fit(item, attribute, schema, profiles) for item in value]
    if isinstance(value, Mapping) and attribute.object_type is not None:
        return dict(_fitted(value, schema.object(attribute.object_type).attributes, schema, profiles))
    return value
