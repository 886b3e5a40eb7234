"""How much of its source a mapping takes, and how much of each class it fills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ocsf_pipe.engine import reference
from ocsf_pipe.engine.evaluate import Row
from ocsf_pipe.plan.nodes import Path, Plan, Route
from ocsf_pipe.schema import EventClass, load
from ocsf_pipe.source import Records
from ocsf_pipe.testing.reading import named_in, paths_read

EMPTY: tuple[Any, ...] = (None, "", [], {})
"""Values that say nothing, so that leaving them is no loss."""


@dataclass(slots=True)
class Fields:
    """Leaf paths of records, lists written `[]`, by how many records have them.

    mapped: read by a value of a rule that took the record. left: named by `leave`. unmapped: what is in `unmapped`.
    """

    records: int = 0
    mapped: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> float:
        """The share of all leaf values that are mapped or left on purpose; 1.0 where there are none."""
        taken = self.mapped.total() + self.left.total()
        total = taken + self.unmapped.total()
        return taken / total if total else 1.0


@dataclass(frozen=True, slots=True)
class Filled:
    """What a rule fills of its class: attributes set and not set among those that OCSF requires and recommends."""

    rule: str
    class_name: str
    required: tuple[str, ...]
    recommended: tuple[str, ...]
    missing_required: tuple[str, ...]
    missing_recommended: tuple[str, ...]


def field_coverage(plan: Plan, runs: Iterable[Records]) -> Fields:
    """Count the leaves of records, envelopes already taken apart; a record that cannot be read is left out."""
    fields = Fields()
    taken = {route.name: _taken(plan, route) for route in plan.routes}
    for records in runs:
        for number in range(len(records)):
            row = reference.row_of(plan, records, number)
            if isinstance(row, Row):
                main = reference.main_route(plan, row)
                _record(row.whole, *(taken[main.name] if main else (set(), set())), fields)
    return fields


def _taken(plan: Plan, route: Route) -> tuple[set[Path], set[Path]]:
    """The paths whose values a rule, or one that runs beside it, uses; and those that it takes out of `unmapped`."""
    read: set[Path] = set()
    for one in (route, *(one for one in plan.routes if one.also)):
        for assign in one.assigns:
            read |= paths_read(assign.value, named_in(plan, one), conditions=False)
    return {_keys(path) for path in read}, {_keys(path) for path in route.consumed}


def _keys(path: Path) -> Path:
    return tuple(step for step in path if step != "*" and not step.isdigit())


def _record(whole: Any, read: set[Path], consumed: set[Path], fields: Fields) -> None:
    fields.records += 1
    seen: dict[str, Counter[str]] = {}
    for path in leaves(whole):
        keys = tuple(step for step in path if step != "[]" and not step.isdigit())
        kind = fields.mapped if _covers(read, keys) else fields.left if _covers(consumed, keys) else fields.unmapped
        seen.setdefault(".".join(path).replace(".[]", "[]"), kind)
    for name, kind in seen.items():
        kind[name] += 1


def _covers(paths: set[Path], keys: Path) -> bool:
    """Whether any of the paths leads to this leaf or to something that holds it."""
    return any(keys[:depth] in paths for depth in range(1, len(keys) + 1))


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every value that says something; `[]` is any element of a list."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from leaves(inner, (*path, str(name)))
    elif isinstance(value, list) and value:
        for inner in value:
            yield from leaves(inner, (*path, "[]"))
    elif value not in EMPTY and path:
        yield path


def class_coverage(plan: Plan) -> list[Filled]:
    """Say for every rule which attributes of its class it can set, derived ones included."""
    schema = load(plan.version)
    return [_filled(route, schema.event_class(route.class_name)) for route in plan.routes]


def _filled(route: Route, kind: EventClass) -> Filled:
    there = {assign.path[0] for assign in (*route.assigns, *route.derived)}
    # what only a profile asks for is asked only where the rule uses that profile
    asked = [a for a in kind.attributes.values() if not a.profiles or set(a.profiles) & set(route.profiles)]
    required = sorted(a.name for a in asked if a.requirement == "required")
    recommended = sorted(a.name for a in asked if a.requirement == "recommended" and not a.deprecated)
    return Filled(
        route.name,
        route.class_name,
        required=tuple(name for name in required if name in there),
        recommended=tuple(name for name in recommended if name in there),
        missing_required=tuple(name for name in required if name not in there),
        missing_recommended=tuple(name for name in recommended if name not in there),
    )
