"""The reference interpreter: a plan, one record at a time, in plain Python. It defines what a plan means."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from ocsf_pipe.decode import json_text
from ocsf_pipe.engine.evaluate import Row, decode, evaluate, holds
from ocsf_pipe.engine.leftover import Taken, leftover, taken_by
from ocsf_pipe.engine.outcome import Failed, Fault
from ocsf_pipe.engine.requirements import missing_reason
from ocsf_pipe.plan.nodes import Assign, ObjectNeeds, Path, Plan, Route, default_of
from ocsf_pipe.source import Records


@dataclass(slots=True)
class Told:
    """What the interpreter says of a batch: events as nested values without nulls, by table, in order."""

    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    failed: Counter[Failed] = field(default_factory=Counter)
    written: int = 0


class Rejected(Exception):  # noqa: N818 - it says what becomes of the event
    """One event cannot be emitted; carries the fault without its row."""

    def __init__(self, attribute: str, reason: str) -> None:
        """Keep the attribute and the reason."""
        super().__init__(reason)
        self.attribute = attribute
        self.reason = reason


def interpret(plan: Plan, records: Records, *, clock: int, origin: str | pa.Array = "") -> Told:
    """Interpret every record; the meaning of the arguments is that of `DuckEngine.run`."""
    told = Told()
    taken = taken_by(plan.routes)
    for number in range(len(records)):
        where = origin if isinstance(origin, str) else origin[number].as_py()
        row = _row(plan, records, number, clock, where)
        if isinstance(row, str):
            told.faults.append(Fault(number, "", "", row))
        else:
            _record(plan, taken, number, row, told)
    return told


def expand(plan: Plan, records: Records) -> Records:
    """Take documents apart into records where the mapping has an envelope, as `DuckEngine.expand` does."""
    keys = [str(step) for step in plan.records if step != "*"]
    if not keys or records.columns is not None:
        return records
    texts, positions, subs = [], [], []
    for number in range(len(records)):
        raw = (records.raw if records.json is None else records.json)[number].as_py()
        for sub, text in enumerate(_inside(raw, keys)):
            texts.append(text)
            positions.append(records.position[number].as_py())
            subs.append(sub)
    return Records(
        raw=pa.array(texts, pa.large_string()),
        position=pa.array(positions, pa.int64()),
        sub=pa.array(subs, pa.int32()),
        end=records.end,
        rejects=records.rejects,
    )


def _inside(raw: str, keys: list[str]) -> list[str]:
    try:
        items = inside(json_text.parse(raw), keys)
    except ValueError:
        return [raw]
    return [raw] if items is None else [json_text.dumps(item) for item in items]


def inside(document: Any, keys: Sequence[str]) -> list[Any] | None:
    """The records in a document; None where it is itself the record."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, list) else None


def _record(plan: Plan, taken: Taken, number: int, row: Row, told: Told) -> None:
    for why, condition in plan.drops:
        if evaluate(condition, row) is True:
            told.dropped[why] += 1
            return
    events: list[tuple[str, dict[str, Any]]] = []
    fault: Fault | None = None
    for route, inner in _events(plan, row):
        if route is None:
            fault = fault or Fault(number, "", "", str(inner))
            continue
        values, failed = _values(route, inner)
        told.failed.update(failed)
        try:
            events.append((route.table, _event(taken, route, inner, values, failed)))
        except Rejected as rejected:
            fault = fault or Fault(number, route.name, rejected.attribute, rejected.reason)
    if fault is not None:
        told.faults.append(fault)
        return
    told.written += 1
    for table, event in events:
        told.events.setdefault(table, []).append(event)


def row_of(plan: Plan, records: Records, number: int, clock: int = 0, origin: str = "") -> Row | None:
    """The row that one record gives; None where it is no JSON object."""
    row = _row(plan, records, number, clock, origin)
    return None if isinstance(row, str) else row


def whole_of(records: Records, number: int) -> dict[str, Any] | str:
    """The object that a record is, or why it is none."""
    if records.columns is not None:
        columns = ((name, records.columns[name][number].as_py()) for name in records.columns.column_names)
        return {name: value for name, value in columns if value is not None}
    try:
        whole = json_text.parse((records.raw if records.json is None else records.json)[number].as_py())
    except ValueError:
        return "the record is not valid JSON"
    return whole if isinstance(whole, dict) else "the record is not a JSON object"


def _row(plan: Plan, records: Records, number: int, clock: int, origin: str) -> Row | str:
    """The row that one record gives, or why it gives none."""
    whole = whole_of(records, number)
    if isinstance(whole, str):
        return whole
    raw = records.raw[number].as_py()
    place = f"{origin}:{records.position[number].as_py()}.{records.sub[number].as_py()}"
    frame: dict[str, Any] = {
        "raw": raw,
        "raw_size": len(raw.encode("utf-8", "surrogatepass")),
        "clock": clock,
        "element": "0",
        "uid": hashlib.md5(f"{place}:{raw}".encode(), usedforsecurity=False).hexdigest(),
    }
    if records.columns is not None:
        frame["text"] = json_text.dumps(whole)
        decoded = {name: whole.get(name) for name, _ in plan.shape.fields}
        return Row(whole, decoded, plan.shape, True, dict(plan.lets), frame)
    frame["text"] = raw if records.json is None else records.json[number].as_py()
    return Row(whole, decode(whole, plan.shape), plan.shape, False, dict(plan.lets), frame)


def main_route(plan: Plan, row: Row) -> Route | None:
    """The first rule that takes the record and is not an `also` rule."""
    mains = (route for route in plan.routes if not route.also)
    return next((route for route in mains if route.when is None or evaluate(route.when, row) is True), None)


def _events(plan: Plan, row: Row) -> Iterator[tuple[Route | None, Any]]:
    """Every event of a record as its rule and row; a reason in place of the row where there is none."""
    main = main_route(plan, row)
    if main is None:
        yield None, "no event rule takes the record"
    else:
        rows = list(_elements(main, row))
        if not rows:
            yield None, "the list of `for_each` is empty"
        yield from ((main, inner) for inner in rows)
    for route in plan.routes:
        if route.also and (route.when is None or evaluate(route.when, row) is True):
            yield from ((route, inner) for inner in _elements(route, row))


def _elements(route: Route, row: Row) -> Iterator[Row]:
    lets = {**row.lets, **dict(route.locals)}
    if route.for_each is None:
        yield replace(row, lets=lets, known={})
        return
    name, items = route.for_each
    for n, element in enumerate(evaluate(items, row) or [], 1):
        frame = {**row.frame, "element": str(n)}
        yield replace(row, lets=lets, frame=frame, variables={**row.variables, name: element}, known={})


def _values(route: Route, row: Row) -> tuple[dict[Path, Any], list[Failed]]:
    values = {assign.path: evaluate(assign.value, row) for assign in route.assigns}
    failed = [
        Failed(route.name, ".".join(a.path), a.sources, a.expected)
        for a in route.assigns
        if a.failed is not None and evaluate(a.failed, row) is True
    ]
    return values, failed


def _event(taken: Taken, route: Route, row: Row, values: dict[Path, Any], failed: list[Failed]) -> dict[str, Any]:
    """The whole event; raises Rejected where it lacks what it needs."""
    missing = {needs.path for needs in route.objects if needs.path and not _whole(route, needs, values)}
    _check(route, values)
    kept = {path for path, value in values.items() if any(path[:i] in missing for i in range(1, len(path)))}
    attributes = {path: None if path in kept else value for path, value in values.items()}
    back = {failure.attribute for failure in failed}
    flags: dict[Path, bool] = {}
    for assign in route.assigns:
        default = default_of(assign)
        nothing = None if default is None else default.value
        lost = assign.path in kept and values[assign.path] not in (None, nothing)
        if lost or ".".join(assign.path) in back:
            flags.update(dict.fromkeys(assign.sources, True))
    rest = leftover(row.whole, row.frame["text"], route.name, flags, taken)
    frame = {**row.frame, "unmapped": rest}
    inner = replace(row, attributes=attributes, frame=frame)
    derived = {assign.path: evaluate(assign.value, inner) for assign in route.derived}
    return _nested({**attributes, **derived})


def _whole(route: Route, needs: ObjectNeeds, values: dict[Path, Any]) -> bool:
    """Whether an object is there and has what it needs."""
    there = _parts(route, needs.path, values)
    told = any(is_there for name, is_there in there.items() if name not in needs.constant)
    return told and holds(needs.needs, there)


def _parts(route: Route, path: Path, values: dict[Path, Any]) -> dict[str, bool]:
    depth = len(path)
    names = {assign.path[depth] for assign in route.assigns if _below(assign, path)}
    return {name: _there(route, (*path, name), values) for name in names}


def _below(assign: Assign, path: Path) -> bool:
    return assign.path[: len(path)] == path and len(assign.path) > len(path)


def _there(route: Route, path: Path, values: dict[Path, Any]) -> bool:
    if path in values:
        return values[path] is not None
    for needs in route.objects:
        if needs.path == path:
            return _whole(route, needs, values)
    return any(_parts(route, path, values).values())


def _check(route: Route, values: dict[Path, Any]) -> None:
    needs = next(found.needs for found in route.objects if not found.path)
    there = _parts(route, (), values) | _named(route, (*needs.any_of, *needs.just_one), values)
    for name in needs.required:
        if not there.get(name, False):
            raise Rejected(name, missing_reason(route, name))
    if needs.any_of and not any(there.get(name, False) for name in needs.any_of):
        raise Rejected(needs.any_of[0], f"none of {', '.join(needs.any_of)}")
    if needs.just_one and sum(there.get(name, False) for name in needs.just_one) != 1:
        raise Rejected(needs.just_one[0], f"not exactly one of {', '.join(needs.just_one)}")


def _named(route: Route, names: tuple[str, ...], values: dict[Path, Any]) -> dict[str, bool]:
    """Whether the parts of parts that a constraint names (`device.os.version`) are there."""
    found = {}
    for path in (tuple(name.split(".")) for name in names if "." in name):
        around = [needs for needs in route.objects if needs.path and needs.path == path[: len(needs.path)]]
        found[".".join(path)] = _there(route, path, values) and all(_whole(route, one, values) for one in around)
    return found


def _nested(flat: dict[Path, Any]) -> dict[str, Any]:
    """Dotted paths → nested values, nulls left out at every depth."""
    event: dict[str, Any] = {}
    for path, value in flat.items():
        if value is None:
            continue
        at = event
        for key in path[:-1]:
            at = at.setdefault(key, {})
        at[path[-1]] = pruned(value)
    return event


def pruned(value: Any) -> Any:
    """The value without null members of objects."""
    if isinstance(value, dict):
        return {key: pruned(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [pruned(item) for item in value]
    return value


__all__ = ["Told", "inside", "interpret", "main_route", "pruned", "row_of", "whole_of"]
