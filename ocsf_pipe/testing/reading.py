"""Which parts of the record a value reads, elements of lists included: `target[*].id`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ocsf_pipe.plan.nodes import Each, Get, LetRef, Node, Path, Plan, Read, Route, Var
from ocsf_pipe.plan.passes.consumed import children, valued

Named = Mapping[str, Node]


def named_in(plan: Plan, route: Route) -> Named:
    """Return what a rule can refer to by name: the lets, and the variable of its `for_each`."""
    return {**dict(plan.lets), **dict(route.locals), **dict([route.for_each] if route.for_each else [])}


def paths_read(value: Node, named: Named, *, conditions: bool = True) -> set[Path]:
    """Return the paths that a value reads; with `conditions`, those it only tests too. A `*` is every element."""
    return set(_walk(value, named, {}, conditions=conditions))


def _walk(value: Node, named: Named, bound: Mapping[str, Path], *, conditions: bool) -> Iterator[Path]:
    path = _path(value, named, bound)
    if path is not None:
        yield path
    elif isinstance(value, Each):
        items = _path(value.items, named, bound)
        if items is None:
            yield from _walk(value.items, named, bound, conditions=conditions)
            inner = bound
        else:
            inner = {**bound, value.name: (*items, "*")}
        for part in (value.value, value.where if conditions else None):
            if part is not None:
                yield from _walk(part, named, inner, conditions=conditions)
    elif isinstance(value, LetRef | Var):
        if value.name in named:
            yield from _walk(named[value.name], named, bound, conditions=conditions)
    else:
        for part in children(value) if conditions else valued(value):
            yield from _walk(part, named, bound, conditions=conditions)


def _path(value: Node, named: Named, bound: Mapping[str, Path]) -> Path | None:
    """The path that a node is; None where it computes something."""
    if isinstance(value, Read):
        return tuple(str(step) for step in value.steps) or None
    if isinstance(value, Var) and value.name in bound:
        return bound[value.name]
    if isinstance(value, Var) and value.name in named:
        items = _path(named[value.name], named, bound)
        return (*items, "*") if items and items[-1] != "*" else items
    if isinstance(value, LetRef) and value.name in named:
        return _path(named[value.name], named, bound)
    if isinstance(value, Get):
        of = _path(value.of, named, bound)
        return None if of is None else (*of, value.name)
    return None


def written(path: Path) -> str:
    """Return a path as an author writes it: `target[*].id`."""
    return ".".join(path).replace(".*", "[*]")


def at(value: Any, path: Path) -> Any:
    """Return what stands at a path of a record, of a list every element; None for nothing."""
    for i, step in enumerate(path):
        if isinstance(value, list) and step == "*":
            inner = [at(item, path[i + 1 :]) for item in value]
            return [item for item in inner if item is not None] or None
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            return None
    return value
