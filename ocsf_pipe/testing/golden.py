"""A mapping's samples against its goldens.

A sample is `samples/<name>.input.<anything>`; its golden `samples/<name>.expected.ndjson` holds everything that
becomes of it, one JSON object a line in the order of the records: whole OCSF events, `{"_quarantine": {…}}` for a
record that is rejected, `{"_dropped": {…}}` for one that a `drop` rule takes. The clock and the origin are constants,
so the same mapping and sample give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocsf_pipe.decode import FORMATS, json_text
from ocsf_pipe.decode.format import concat
from ocsf_pipe.engine import reference
from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.engine.outcome import Failed
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.schema import Schema, load
from ocsf_pipe.schema.validate import validator
from ocsf_pipe.source import Records, Reject
from ocsf_pipe.testing.differences import differences, label
from ocsf_pipe.testing.events import ocsf_event, ocsf_events

CLOCK = 1_767_225_600_000
"""The processing time of every golden: 2026-01-01T00:00:00Z in milliseconds."""
ORIGIN = "sample"

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """One raw file and the file that holds what must become of it."""

    input: Path
    expected: Path

    @property
    def name(self) -> str:
        """The name without its suffixes."""
        return self.input.name.partition(".input.")[0]


@dataclass(frozen=True, slots=True)
class Made:
    """What becomes of one sample: the lines of its golden, the rules that took records, values that did not convert."""

    lines: tuple[Event, ...]
    rules: Counter[str]
    failed: Counter[Failed]
    disagreements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The result for one mapping; without complaints it passes."""

    mapping: str
    events: int = 0
    rejected: int = 0
    samples: int = 0
    complaints: tuple[str, ...] = ()
    updated: tuple[Path, ...] = ()
    failed: Counter[Failed] = field(default_factory=Counter)


def samples_of(folder: Path, matching: str = "") -> list[Sample]:
    """List the samples beside a mapping whose name contains `matching`, by name."""
    inputs = sorted(path for path in (folder / "samples").glob("*.input.*") if matching in path.name)
    return [Sample(path, path.parent / f"{path.name.partition('.input.')[0]}.expected.ndjson") for path in inputs]


def read_records(plan: Plan, path: Path) -> Records:
    """Read a whole file with the mapping's own format, documents not yet taken apart."""
    with path.open("rb") as stream:
        runs = list(FORMATS[plan.format].read(stream, plan.settings))
    rejects = tuple(reject for run in runs for reject in run.rejects)
    return concat(runs, rejects, runs[-1].end if runs else 0)


def make(plan: Plan, records: Records, schema: Schema, engine: DuckEngine | None = None) -> Made:
    """Run records through both engines; the lines are the reference's, `disagreements` say where DuckDB differs."""
    engine = engine or DuckEngine(plan, threads=1)
    whole = reference.expand(plan, records)
    lines = _Lines(plan, schema)
    rejects = sorted(records.rejects, key=lambda reject: (reject.position, reject.sub))
    for number in range(len(whole)):
        place = (whole.position[number].as_py(), whole.sub[number].as_py())
        while rejects and (rejects[0].position, rejects[0].sub) <= place:
            lines.reject(rejects.pop(0))
        lines.record(one_record(whole, number))
    for reject in rejects:
        lines.reject(reject)
    agreed = tuple(_disagreements(engine, records, lines, schema))
    return Made(tuple(lines.lines), lines.rules, lines.failed, agreed)


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


class _Lines:
    """Collects the lines of a golden, record by record, as the reference interpreter has them."""

    def __init__(self, plan: Plan, schema: Schema) -> None:
        self.plan, self.schema = plan, schema
        self.lines: list[Event] = []
        self.tables: dict[str, list[Event]] = {}
        self.faults: list[tuple[str, str, str]] = []
        self.rules: Counter[str] = Counter()
        self.failed: Counter[Failed] = Counter()

    def reject(self, reject: Reject) -> None:
        """Add a line for bytes that could not be decoded."""
        raw = reject.raw.decode("utf-8", "backslashreplace")
        self.lines.append({"_quarantine": {"reason": reject.reason, "raw": raw}})

    def record(self, record: Records) -> None:
        """Add the lines of one record."""
        told = reference.interpret(self.plan, record, clock=CLOCK, origin=ORIGIN)
        raw = record.raw[0].as_py()
        self.failed.update(told.failed)
        for fault in told.faults:
            self.faults.append((fault.rule, fault.attribute, fault.reason))
            found = {"reason": fault.reason, "attribute": fault.attribute, "rule": fault.rule, "raw": raw}
            self.lines.append({"_quarantine": {name: value for name, value in found.items() if value}})
        self.lines.extend({"_dropped": {"reason": why, "raw": raw}} for why in told.dropped)
        self.rules.update(f"drop: {why}" for why in told.dropped)
        for table, events in told.events.items():
            self.tables.setdefault(table, []).extend(settled(ocsf_event(event, self.schema)) for event in events)
            self.lines.extend(self.tables[table][-len(events) :])
        if told.written:
            self.rules.update(_rules(self.plan, record))


def _rules(plan: Plan, record: Records) -> list[str]:
    row = reference.row_of(plan, record, 0, CLOCK, ORIGIN)
    return [] if row is None else [route.name for route, _ in reference._events(plan, row) if route is not None]


def settled(event: Event) -> Event:
    """Return the event with sorted keys and as it reads back from its own text."""
    back = json_text.parse(json_text.dumps(_sorted(event)))
    assert isinstance(back, dict)  # noqa: S101 - an object's text is an object
    return back


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _disagreements(engine: DuckEngine, records: Records, lines: _Lines, schema: Schema) -> Iterator[str]:
    outcome = engine.run(engine.expand(records), clock=CLOCK, origin=ORIGIN)
    for table in sorted({*lines.tables, *outcome.tables}):
        got = ocsf_events(outcome.tables[table], schema.version) if table in outcome.tables else []
        for found in differences(lines.tables.get(table, []), [settled(event) for event in got]):
            yield f"the engines disagree (expected: reference, got: DuckDB) in {table}, {found}"
    faults = [(fault.rule, fault.attribute, fault.reason) for fault in outcome.faults]
    if faults != lines.faults:
        yield f"the engines disagree on rejects: the reference says {lines.faults}, DuckDB {faults}"
    if outcome.failed != lines.failed:
        only = (lines.failed - outcome.failed) + (outcome.failed - lines.failed)
        yield f"the engines disagree on values that do not convert: {sorted({one.attribute for one in only})}"


def run_goldens(plan: Plan, folder: Path, *, update: bool = False, matching: str = "") -> Report:
    """Test every sample beside a mapping; with `update`, write its golden first.

    Complaints are: a golden that differs or lacks, an event that OCSF does not allow, engines that disagree, and
    (where all samples run) an event rule or drop that no sample reaches.
    """
    schema = load(plan.version)
    engine = DuckEngine(plan, threads=1)
    found = samples_of(folder, matching)
    complaints = [] if found else [f"{folder.name}/samples: no `*.input.*` file"]
    complaints += [f"{golden.name}: no sample belongs to it" for golden in _orphans(folder, found, matching)]
    updated: list[Path] = []
    rules: Counter[str] = Counter()
    failed: Counter[Failed] = Counter()
    events = rejected = 0
    for sample in found:
        made = make(plan, read_records(plan, sample.input), schema, engine)
        if update and write_golden(sample, made.lines):
            updated.append(sample.expected)
        complaints += [f"{sample.input.name}: {line}" for line in _complaints(sample, made, plan.version)]
        rules.update(made.rules)
        failed.update(made.failed)
        count = sum("class_uid" in line for line in made.lines)
        events, rejected = events + count, rejected + sum("_quarantine" in line for line in made.lines)
    if found and not matching:
        complaints += [f"event rule `{name}` is reached by no sample" for name in unreached(plan, rules)]
    return Report(plan.mapping, events, rejected, len(found), tuple(complaints), tuple(updated), failed)


def unreached(plan: Plan, rules: Mapping[str, int]) -> list[str]:
    """Name the rules of a plan that took no record, drops as `drop: <why>`, in the order of the file."""
    known = [*(f"drop: {why}" for why, _ in plan.drops), *(route.name for route in plan.routes)]
    return [name for name in known if not rules.get(name)]


def _orphans(folder: Path, found: Sequence[Sample], matching: str) -> list[Path]:
    known = {sample.expected for sample in found}
    return [] if matching else sorted(set((folder / "samples").glob("*.expected.ndjson")) - known)


def _complaints(sample: Sample, made: Made, version: str) -> Iterator[str]:
    check = validator(version)
    for number, line in enumerate(made.lines, 1):
        if "class_uid" in line:
            for error in check.errors(line):
                yield f"event {number} ({label(line)}) is not valid OCSF: {error}"
    yield from made.disagreements
    if not sample.expected.exists():
        yield f"`{sample.expected.name}` is not there; `ocsf-pipe mapping test --update` writes it"
        return
    yield from differences(read_golden(sample), made.lines)


def read_golden(sample: Sample) -> list[Event]:
    """Read what must become of a sample."""
    return [json_text.parse(line) for line in sample.expected.read_text(encoding="utf-8").split("\n") if line.strip()]


def write_golden(sample: Sample, lines: Sequence[Event]) -> bool:
    """Write the golden of a sample; False where it already says so."""
    text = "".join(json_text.dumps(line) + "\n" for line in lines)
    if sample.expected.exists() and sample.expected.read_text(encoding="utf-8") == text:
        return False
    sample.expected.write_text(text, encoding="utf-8")
    return True
