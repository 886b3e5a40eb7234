"""Rows of a table → events as OCSF words them: no nulls, nested JSON instead of JSON text, times as RFC 3339."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from ocsf_pipe.decode import json_text
from ocsf_pipe.schema import DEFAULT_VERSION, Attribute, Schema, load

OURS = frozenset({"source", "event_day"})
"""Columns of our tables that are no OCSF attribute."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ocsf_events(table: pa.Table, version: str = DEFAULT_VERSION) -> list[dict[str, Any]]:
    """Return the rows of an engine's or a lake's table as OCSF events, in their order; none is left out."""
    schema = load(version)
    return [ocsf_event(row, schema) for row in table.to_pylist()]


def ocsf_event(row: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return one row as an OCSF event: nulls and our own columns left out, JSON text parsed, times as text.

    The class is that of the row's `class_uid`; a row without a known one raises SchemaError. Takes what the reference
    interpreter says too, where times are milliseconds.
    """
    kind = schema.class_by_uid(row["class_uid"])
    known = {name: value for name, value in row.items() if name not in OURS or name in kind.attributes}
    return _object(known, kind.attributes, schema)


def _object(value: Mapping[str, Any], attributes: Mapping[str, Attribute], schema: Schema) -> dict[str, Any]:
    inner = {name: _value(part, attributes.get(name), schema) for name, part in value.items() if part is not None}
    return {name: part for name, part in inner.items() if part not in ({}, None)}


def _value(value: Any, attribute: Attribute | None, schema: Schema) -> Any:
    if isinstance(value, list):
        return [_value(item, attribute, schema) for item in value]
    if attribute is None:
        return value
    if attribute.object_type is not None and isinstance(value, dict):
        return _object(value, schema.object(attribute.object_type).attributes, schema)
    if isinstance(value, str) and (attribute.object_type is not None or attribute.type == "json_t"):
        return json_text.parse(value)
    if attribute.type == "datetime_t" and not isinstance(value, str):
        return _rfc3339(value)
    return value


def _rfc3339(value: datetime | int) -> str:
    at = _EPOCH + timedelta(milliseconds=value) if isinstance(value, int) else value.astimezone(UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
