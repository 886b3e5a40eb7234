"""The attributes that a query names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ocsf_pipe.detect.queries import Query
from ocsf_pipe.detect.views import class_of
from ocsf_pipe.schema import Attribute, Schema

_ASIDE = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_CHAIN = re.compile(r'"?[A-Za-z_]\w*"?(?:\s*\.\s*"?[A-Za-z_]\w*"?)*')
_ALWAYS = {"time", "metadata", "source", "event_day", "activity_id", "class_uid", "type_uid"}


def named_paths(query: Query, schema: Schema) -> list[str]:
    """Return the attributes that a query names, as `table.path`, sorted; those that every event has are left out.

    A name that several of the query's tables have counts for each of them: whose it is, only the engine knows.
    """
    found = set()
    for chain in _CHAIN.findall(_ASIDE.sub(" ", query.sql)):
        steps = [step.strip('" ') for step in chain.split(".")]
        for table in query.reads:
            name = class_of(schema, table)
            if name is not None:
                found |= {f"{table}.{path}" for path in _of_class(steps, schema.classes[name].attributes, schema)}
    return sorted(found)


def _of_class(steps: Sequence[str], known: Mapping[str, Attribute], schema: Schema) -> Iterator[str]:
    for start in range(min(2, len(steps))):  # an alias may stand before the attribute
        if steps[start] in known and steps[start] not in _ALWAYS:
            yield ".".join(_walked(steps[start:], known, schema))
            return


def _walked(steps: Sequence[str], attributes: Mapping[str, Attribute], schema: Schema) -> Iterator[str]:
    for step in steps:
        attribute = attributes.get(step)
        if attribute is None:
            return
        yield step
        attributes = schema.object(attribute.object_type).attributes if attribute.object_type else {}
