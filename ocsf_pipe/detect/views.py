"""The views that a rule in SQL reads: a lake's tables within a time, with every OCSF attribute that the query names.

A lake's table has the columns that batches have set. A query may name any attribute of the class: what no batch has
set is null, as it is for Sigma, so that a rule does not break on a lake that is young.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeAlias

import pyarrow as pa

from ocsf_pipe.detect.queries import Query
from ocsf_pipe.ops.sql_text import name_text, text_literal
from ocsf_pipe.schema import Attribute, Schema

Wanted: TypeAlias = dict[str, "Wanted"]
Columns: TypeAlias = Mapping[str, pa.DataType]
OWN = "ocsf_pipe.detect"
"""The `source` of findings that this program made: rules over `detection_finding` see those of others alone."""
_TYPES = {"integer_t": "BIGINT", "long_t": "BIGINT", "float_t": "DOUBLE", "boolean_t": "BOOLEAN"}
_ASIDE = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_CHAIN = re.compile(r'"?[A-Za-z_]\w*"?(?:\s*\.\s*"?[A-Za-z_]\w*"?)*')
_DEEPEST = 3


def bounded(
    query: Query, tables: Mapping[str, pa.Schema], schema: Schema, since: int | None = None, until: int | None = None
) -> str:
    """The statement that asks a query of the events of `[since, until)` (epoch ms), each bound None for no bound.

    `tables` are those that are there; one that is not is empty.
    """
    views = []
    for name in query.reads:
        there = tables.get(name)
        have = {field.name: field.type for field in there} if there is not None else {}
        views.append(f"{name_text(name)} as not materialized ({_view(name, query, have, schema, since, until)})")
    return f"with {', '.join(views)} select * from (\n{query.sql}\n)"


def class_of(schema: Schema, table: str) -> str | None:
    """The class whose events a table holds; None where no class has it."""
    return _classes(schema).get(table)


@lru_cache(maxsize=4)
def _classes(schema: Schema) -> Mapping[str, str]:
    return {name.rpartition("/")[2]: name for name in sorted(schema.classes, reverse=True)}


def _view(name: str, query: Query, have: Columns, schema: Schema, since: int | None, until: int | None) -> str:
    bounds = [f"source is distinct from {text_literal(OWN)}"] if name == "detection_finding" else []
    bounds += [f'"time" {sign} {at}' for sign, at in ((">=", since), ("<", until)) if at is not None]
    where = f" where {' and '.join(bounds)}" if bounds else ""
    missing = missing_columns(name, query.sql, have, schema)
    empty = ", ".join(f"cast(null as {kind}) as {name_text(column)}" for column, kind in missing.items())
    if not have:
        return f"select * from (select {empty}) where false"
    found = f"select * from main.{name_text(name)}{where}"
    return f"{found} union all by name select * from (select {empty}) where false" if missing else found


def missing_columns(table: str, sql: str, have: Columns, schema: Schema) -> dict[str, str]:
    """The DuckDB types of the columns, or of the parts of columns, that a query names and a table does not have."""
    name = class_of(schema, table)
    if name is None:
        return {}
    attributes = schema.classes[name].attributes
    bare = _ASIDE.sub(" ", sql)
    wanted: Wanted = {"time": {}, "metadata": {"uid": {}}}
    words = {word.strip('"') for chain in _CHAIN.findall(bare) for word in re.split(r"\s*\.\s*", chain)}
    for chain in set(_CHAIN.findall(bare)):
        steps = [step.strip('"') for step in re.split(r"\s*\.\s*", chain)]
        for start in range(min(3, len(steps))):  # an alias, or two, may stand before the attribute
            if steps[start] in attributes:
                _want(wanted, attributes, steps[start:], words, schema)
    missing = _missing(attributes, wanted, have, schema)
    ours = {"source": "VARCHAR", "event_day": "DATE"}
    return missing | {column: kind for column, kind in ours.items() if column not in have}


def _want(
    wanted: Wanted, attributes: Mapping[str, Attribute], steps: list[str], words: Iterable[str], schema: Schema
) -> None:
    """Note a path; below its end every attribute whose name the query has, for lists are looked into by other names."""
    at, inner = wanted, attributes
    for step in steps:
        if step not in inner:
            return
        at = at.setdefault(step, {})
        inner = _inside(inner[step], schema)
    _want_words(at, inner, words, schema, _DEEPEST)


def _want_words(at: Wanted, inner: Mapping[str, Attribute], words: Iterable[str], schema: Schema, depth: int) -> None:
    for word in words:
        if depth and word in inner:
            _want_words(at.setdefault(word, {}), _inside(inner[word], schema), words, schema, depth - 1)


def _inside(attribute: Attribute, schema: Schema) -> Mapping[str, Attribute]:
    return schema.object(attribute.object_type).attributes if attribute.object_type is not None else {}


def _missing(attributes: Mapping[str, Attribute], wanted: Wanted, have: Columns, schema: Schema) -> dict[str, str]:
    found = {}
    for name, inner in wanted.items():
        attribute, there = attributes.get(name), _element(have.get(name))
        if attribute is None:
            continue
        below = _inside(attribute, schema)
        if not below:
            kind = _scalar(attribute, schema) if there is None else None
        elif there is not None and not pa.types.is_struct(there):
            kind = None  # kept as JSON text
        else:
            fields = {field.name: field.type for field in there} if there is not None else {}
            parts = _missing(below, inner, fields, schema)
            if not parts and there is None:
                parts = _missing(below, {next(iter(below)): {}}, {}, schema)
            kind = f"STRUCT({', '.join(f'{name_text(n)} {k}' for n, k in parts.items())})" if parts else None
        if kind is not None:
            found[name] = f"{kind}[]" if attribute.is_array else kind
    return found


def _element(kind: pa.DataType | None) -> pa.DataType | None:
    while kind is not None and (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        kind = kind.value_type
    return kind


def _scalar(attribute: Attribute, schema: Schema) -> str:
    if attribute.object_type is not None:
        return "VARCHAR"
    if attribute.type == "datetime_t":
        return "TIMESTAMPTZ"
    return _TYPES.get(schema.type(attribute.type).base, "VARCHAR")
