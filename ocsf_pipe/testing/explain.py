"""For one raw record: which rules took it, and where every attribute of its events came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ocsf_pipe.decode import json_text
from ocsf_pipe.engine import reference
from ocsf_pipe.engine.evaluate import Row
from ocsf_pipe.plan.nodes import Assign, Path, Plan, Route
from ocsf_pipe.schema import load
from ocsf_pipe.source import Records
from ocsf_pipe.testing.events import ocsf_event
from ocsf_pipe.testing.lines import CLOCK, ORIGIN, rules_taking
from ocsf_pipe.testing.reading import Named, at, named_in, paths_read, written
from ocsf_pipe.testing.sealing import sealed

DERIVED = "derived"
CONSTANT = "constant"
_WHOLE = frozenset({("raw_data",), ("unmapped",)})


@dataclass(frozen=True, slots=True)
class Line:
    """One attribute: its value, where it came from (source paths, `constant` or `derived`), the mapping's line or 0."""

    attribute: str
    value: Any
    sources: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Explained:
    """One event: the rule, its class and line, the attributes in the order of the mapping, the rest of the record."""

    rule: str
    class_name: str
    line: int
    attributes: tuple[Line, ...]
    unmapped: Any


@dataclass(frozen=True, slots=True)
class Unconverted:
    """A value that is there and did not become what the attribute asks."""

    rule: str
    attribute: str
    expected: str
    sources: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the record is in quarantine: the rule that took it, the attribute, the reason, the mapping's line or 0."""

    rule: str
    attribute: str
    reason: str
    line: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about one record; it has events, or is refused, or dropped by a rule (`dropped` says which)."""

    raw: str
    events: tuple[Explained, ...]
    unconverted: tuple[Unconverted, ...]
    refused: tuple[Refused, ...]
    dropped: tuple[str, ...]


def explain(plan: Plan, record: Records) -> Explanation:
    """Explain the first of `record`, envelopes already taken apart."""
    record = sealed(plan, record)
    told = reference.interpret(plan, record, clock=CLOCK, origin=ORIGIN)
    row = reference.row_of(plan, record, 0, CLOCK, ORIGIN)
    whole = row.whole if isinstance(row, Row) else None
    routes = {route.name: route for route in plan.routes}
    schema = load(plan.version)
    left = {table: iter(events) for table, events in told.events.items()}
    events = []
    for name in rules_taking(plan, record) if told.written else ():
        event = ocsf_event(next(left[routes[name].table]), schema)
        events.append(_event(plan, routes[name], event, whole))
    unconverted = tuple(
        Unconverted(one.rule, one.attribute, one.expected, {written(path): at(whole, path) for path in one.sources})
        for one in told.failed
    )
    refused = tuple(Refused(f.rule, f.attribute, f.reason, _line(routes.get(f.rule), f.attribute)) for f in told.faults)
    return Explanation(record.raw[0].as_py(), tuple(events), unconverted, refused, tuple(told.dropped))


def _event(plan: Plan, route: Route, event: Mapping[str, Any], whole: Any) -> Explained:
    named = named_in(plan, route)
    set_here = (assign for assign in route.assigns if _attribute(event, assign.path) is not None)
    in_order = sorted(set_here, key=lambda assign: assign.span.line if assign.span else 0)
    lines = [_written(assign, event, whole, named) for assign in in_order]
    for assign in route.derived:
        value = _attribute(event, assign.path)
        if value is not None and assign.path not in _WHOLE:
            lines.append(Line(".".join(assign.path), value, (DERIVED,), 0))
    where = route.span.line if route.span else 0
    return Explained(route.name, route.class_name, where, tuple(lines), event.get("unmapped"))


def _written(assign: Assign, event: Mapping[str, Any], whole: Any, named: Named) -> Line:
    read = sorted(paths_read(assign.value, named))
    there = [path for path in read if at(whole, path) is not None] or read
    sources = tuple(written(path) for path in there) or (CONSTANT,)
    value = _attribute(event, assign.path)
    return Line(".".join(assign.path), value, sources, assign.span.line if assign.span else 0)


def _attribute(event: Mapping[str, Any], path: Path) -> Any:
    value: Any = event
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _line(route: Route | None, attribute: str) -> int:
    """The line that sets an attribute or a part of it, else the line of the rule."""
    if route is None:
        return 0
    spans = [a.span for a in route.assigns if ".".join(a.path) == attribute or a.path[0] == attribute]
    found = next((span for span in spans if span is not None), route.span)
    return found.line if found else 0


def shown(value: Any, width: int = 0) -> str:
    """Return a value as text, at most `width` characters of it where that is not 0."""
    text = value if isinstance(value, str) else json_text.dumps(value)
    return f"{text[: width - 1]}…" if width and len(text) > width else text
