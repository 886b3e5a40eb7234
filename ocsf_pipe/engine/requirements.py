"""What events and their objects must hold, as SQL conditions over the `v:` columns of a row."""

from __future__ import annotations

from collections.abc import Iterator

from ocsf_pipe.engine.sql import column, needs_sql
from ocsf_pipe.plan.nodes import Assign, Const, Needs, ObjectNeeds, Path, Route


def holds(route: Route, needs: ObjectNeeds) -> str:
    """The condition that an object is there and whole; `true` where that can be seen in the plan."""
    there = parts(route, needs.path)
    tests = needs_sql(needs.needs, there)
    told = [test for name, test in there.items() if name not in needs.constant]
    if not any(test == "true" for test in told):
        tests.append(" or ".join(told) or "false")
    tests = [test for test in tests if not _surely(test)]
    return " and ".join(f"({test})" for test in tests) or "true"


def parts(route: Route, path: Path) -> dict[str, str]:
    """For each direct part of an object, the condition that it is there."""
    depth = len(path)
    groups: dict[str, list[Assign]] = {}
    for assign in route.assigns:
        if assign.path[:depth] == path and len(assign.path) > depth:
            groups.setdefault(assign.path[depth], []).append(assign)
    return {name: _is_there(route, (*path, name), assigns) for name, assigns in groups.items()}


def _named(route: Route, names: tuple[str, ...]) -> dict[str, str]:
    """For the parts of parts that a constraint names (`device.os.version`), the condition that each is there."""
    found = {}
    for name in names:
        path = tuple(name.split("."))
        assigns = [assign for assign in route.assigns if assign.path[: len(path)] == path]
        if len(path) > 1 and assigns:
            around = [
                holds(route, needs) for needs in route.objects if needs.path and needs.path == path[: len(needs.path)]
            ]
            tests = [test for test in (*around, _is_there(route, path, assigns)) if test != "true"]
            found[name] = " and ".join(f"({test})" for test in tests) or "true"
    return found


def _is_there(route: Route, path: Path, assigns: list[Assign]) -> str:
    """The condition that one part, set by these lines, is there."""
    if len(assigns) == 1 and assigns[0].path == path:
        value = assigns[0].value
        if isinstance(value, Const):
            return "false" if value.value is None else "true"
        return f"{column('v', '.'.join(path))} is not null"
    for needs in route.objects:
        if needs.path == path:
            return holds(route, needs)
    tests = list(parts(route, path).values())
    return "true" if "true" in tests else "(" + " or ".join(tests) + ")"


def missing(route: Route) -> Iterator[tuple[str, str, str]]:
    """For each thing that an event of the rule needs: the condition that it is there, its attribute, the reason.

    What can be seen in the plan to be there is left out.
    """
    needs = next(found.needs for found in route.objects if not found.path)
    there = parts(route, ()) | _named(route, (*needs.any_of, *needs.just_one))
    for name in needs.required:
        test = there.get(name, "false")
        if test != "true":
            yield test, name, missing_reason(route, name)
    for words, names, test in _constraints(needs, there):
        yield test, names[0], f"{words} {', '.join(names)}"


def missing_reason(route: Route, name: str) -> str:
    """Why an event lacks a required attribute, in words."""
    inner = next((needs for needs in route.objects if needs.path == (name,)), None)
    if inner is None or not (inner.needs.required or inner.needs.any_of):
        return f"required attribute `{name}` is null"
    wanted = [*inner.needs.required, *([" or ".join(inner.needs.any_of)] if inner.needs.any_of else [])]
    return f"required attribute `{name}` is null or lacks {', '.join(wanted)}"


def _surely(test: str) -> bool:
    return "true" in test.split(" or ")


def _constraints(needs: Needs, there: dict[str, str]) -> list[tuple[str, tuple[str, ...], str]]:
    found: list[tuple[str, tuple[str, ...], str]] = []
    if needs.any_of:
        test = needs_sql(Needs(any_of=needs.any_of), there)[0]
        if not _surely(test):
            found.append(("none of", needs.any_of, test))
    if needs.just_one:
        found.append(("not exactly one of", needs.just_one, needs_sql(Needs(just_one=needs.just_one), there)[0]))
    return found
