"""What becomes of records, one line each: OCSF events, `{"_quarantine": {…}}`, `{"_dropped": {…}}`.

The lines are the reference interpreter's, so they come in the order of the records. The clock and the origin are
constants: the same mapping and records give the same lines.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from ocsf_pipe.decode import json_text
from ocsf_pipe.engine import reference
from ocsf_pipe.engine.evaluate import Row, evaluate
from ocsf_pipe.engine.outcome import Failed
from ocsf_pipe.plan.nodes import Plan, Route
from ocsf_pipe.schema import Schema
from ocsf_pipe.source import Records, Reject
from ocsf_pipe.testing.events import ocsf_event
from ocsf_pipe.testing.sealing import sealed

CLOCK = 1_767_225_600_000
"""The processing time of every golden: 2026-01-01T00:00:00Z in milliseconds."""
ORIGIN = "sample"

Event = dict[str, Any]


@dataclass(slots=True)
class Made:
    """What becomes of one run of records.

    lines: everything, in order. rules: how many records each rule took, drops as `drop: <why>`. failed: values that
    did not convert.
    """

    records: Records
    lines: list[Event] = field(default_factory=list)
    rules: Counter[str] = field(default_factory=Counter)
    failed: Counter[Failed] = field(default_factory=Counter)


def make(plan: Plan, records: Records, schema: Schema) -> Made:
    """Interpret records, documents not yet taken apart; what could not be decoded stands where it stood."""
    made = Made(records)
    whole = sealed(plan, reference.expand(plan, records))
    rejects = sorted(records.rejects, key=lambda reject: (reject.position, reject.sub), reverse=True)
    for number in range(len(whole)):
        place = (whole.position[number].as_py(), whole.sub[number].as_py())
        while rejects and (rejects[-1].position, rejects[-1].sub) <= place:
            made.lines.append(_rejected(rejects.pop()))
        _record(plan, one_record(whole, number), schema, made)
    made.lines += [_rejected(reject) for reject in reversed(rejects)]
    return made


def one_record(records: Records, number: int) -> Records:
    """Return one record as a run of its own, without the rejects."""
    return Records(
        raw=records.raw.slice(number, 1),
        position=records.position.slice(number, 1),
        sub=records.sub.slice(number, 1),
        end=records.end,
        json=None if records.json is None else records.json.slice(number, 1),
        columns=None if records.columns is None else records.columns.slice(number, 1),
    )


def _rejected(reject: Reject) -> Event:
    raw = reject.raw.decode("utf-8", "backslashreplace")
    return {"_quarantine": {"raw": raw, "reason": reject.reason}}


def _record(plan: Plan, record: Records, schema: Schema, made: Made) -> None:
    told = reference.interpret(plan, record, clock=CLOCK, origin=ORIGIN)
    raw = record.raw[0].as_py()
    made.failed.update(told.failed)
    for fault in told.faults:
        found = {"attribute": fault.attribute, "raw": raw, "reason": fault.reason, "rule": fault.rule}
        made.lines.append({"_quarantine": {name: value for name, value in found.items() if value}})
    for why in told.dropped:
        made.lines.append({"_dropped": {"raw": raw, "reason": why}})
        made.rules[f"drop: {why}"] += 1
    for events in told.events.values():
        made.lines += [settled(ocsf_event(event, schema)) for event in events]
    if told.written:
        made.rules.update(set(rules_taking(plan, record)))


def settled(event: Event) -> Event:
    """Return the event with sorted keys and as it reads back from its own text."""
    back: Event = json_text.parse(json_text.dumps(_sorted(event)))
    return back


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def shape(records: Records) -> tuple[bool, tuple[str, ...]]:
    """What runs of records must have in common so that they can be joined into one."""
    columns = records.columns.column_names if records.columns is not None else ()
    return records.json is None, tuple(columns)


def rules_taking(plan: Plan, record: Records) -> list[str]:
    """Name the rules that make an event of one record, each as often as it makes one."""
    row = reference.row_of(plan, record, 0, CLOCK, ORIGIN)
    if not isinstance(row, Row):
        return []
    main = reference.main_route(plan, row)
    also = [route for route in plan.routes if route.also and (route.when is None or evaluate(route.when, row) is True)]
    routes = [route for route in (main, *also) if route is not None]
    return [route.name for route in routes for _ in range(_elements(route, row))]


def _elements(route: Route, row: Row) -> int:
    if route.for_each is None:
        return 1
    inner = replace(row, lets={**row.lets, **dict(route.locals)}, known={})
    return len(evaluate(route.for_each[1], inner) or [])
