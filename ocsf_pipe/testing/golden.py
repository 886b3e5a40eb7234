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

from ocsf_pipe.decode import FORMATS, json_text
from ocsf_pipe.decode.format import concat
from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.engine.outcome import Failed
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.schema import load
from ocsf_pipe.schema.validate import validator
from ocsf_pipe.source import Records
from ocsf_pipe.testing.agreement import disagreements
from ocsf_pipe.testing.differences import differences, label
from ocsf_pipe.testing.lines import CLOCK, ORIGIN, Event, Made, make, shape


@dataclass(frozen=True, slots=True)
class Sample:
    """One raw file and the file that holds what must become of it."""

    input: Path
    expected: Path


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


def run_goldens(plan: Plan, folder: Path, *, update: bool = False, matching: str = "") -> Report:
    """Test every sample beside a mapping; with `update`, write its golden first.

    Complaints are: a golden that differs or lacks, an event that OCSF does not allow, engines that disagree, and
    (where all samples run) an event rule or drop that no sample reaches.
    """
    schema = load(plan.version)
    runs = [(sample, make(plan, read_records(plan, sample.input), schema)) for sample in samples_of(folder, matching)]
    updated = [sample.expected for sample, made in runs if update and write_golden(sample, made.lines)]
    complaints = [] if runs or matching else [f"{folder / 'samples'}: no `*.input.*` file"]
    for sample, made in runs:
        complaints += [f"{sample.input.name}: {line}" for line in _complaints(sample, made, plan.version)]
    complaints += [f"the engines disagree, DuckDB / reference: {line}" for line in _engines(plan, runs)]
    if not matching:
        complaints += _completeness(plan, folder, runs)
    lines = [line for _, made in runs for line in made.lines]
    return Report(
        plan.mapping,
        events=sum("class_uid" in line for line in lines),
        rejected=sum("_quarantine" in line for line in lines),
        samples=len(runs),
        complaints=tuple(complaints),
        updated=tuple(updated),
        failed=sum((made.failed for _, made in runs), Counter[Failed]()),
    )


Runs = Sequence[tuple[Sample, Made]]


def _engines(plan: Plan, runs: Runs) -> Iterator[str]:
    """Samples of one shape go through the engine together: planning a query costs more than a few hundred records."""
    engine = DuckEngine(plan, threads=1)
    groups: dict[tuple[bool, tuple[str, ...]], list[Records]] = {}
    for _, made in runs:
        groups.setdefault(shape(made.records), []).append(made.records)
    for group in groups.values():
        yield from disagreements(engine, concat(group, (), 0), clock=CLOCK, origin=ORIGIN)


def _completeness(plan: Plan, folder: Path, runs: Runs) -> Iterator[str]:
    known = {sample.expected for sample, _ in runs}
    orphans = sorted(set((folder / "samples").glob("*.expected.ndjson")) - known)
    yield from (f"{golden.name}: no sample belongs to it" for golden in orphans)
    twice = [path for path, count in Counter(sample.expected for sample, _ in runs).items() if count > 1]
    yield from (f"{golden.name}: more than one sample belongs to it" for golden in twice)
    rules = sum((made.rules for _, made in runs), Counter[str]())
    yield from (f"event rule `{name}` is reached by no sample" for name in unreached(plan, rules) if runs)


def unreached(plan: Plan, rules: Mapping[str, int]) -> list[str]:
    """Name the rules of a plan that took no record, drops as `drop: <why>`, in the order of the file."""
    known = [*(f"drop: {why}" for why, _ in plan.drops), *(route.name for route in plan.routes)]
    return [name for name in known if not rules.get(name)]


def _complaints(sample: Sample, made: Made, version: str) -> Iterator[str]:
    check = validator(version)
    for number, line in enumerate(made.lines, 1):
        if "class_uid" in line:
            for error in check.errors(line):
                yield f"event {number} ({label(line)}) is not valid OCSF: {error}"
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
