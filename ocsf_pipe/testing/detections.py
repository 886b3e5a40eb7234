"""The tests beside rules: raw records, through their mappings, into tables; the rule over these; findings counted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from ocsf_pipe.detect.backtest import Backtest, connection_of, tables_of
from ocsf_pipe.detect.cases import Case
from ocsf_pipe.detect.convert import Converter
from ocsf_pipe.detect.explain import explain
from ocsf_pipe.detect.fieldmap import FieldMap
from ocsf_pipe.detect.folders import RULES, cases_beside
from ocsf_pipe.detect.round import findings_of
from ocsf_pipe.detect.rules import Rule, load_rules
from ocsf_pipe.detect.watching import NEW, Watch
from ocsf_pipe.errors import OcsfPipeError, UsageError
from ocsf_pipe.lake.shape import conform, lake_schema
from ocsf_pipe.mapping.catalogue import find_mapping
from ocsf_pipe.ops.sql_text import name_text
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.run.normalize import normalize
from ocsf_pipe.schema import load

if TYPE_CHECKING:
    import duckdb

CLOCK = 1_772_323_200_000
"""The processing time of test events: 2026-03-01T00:00:00Z."""
_MOST_TOLD = 10


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of one case; `problem` is None where it holds, `told` are lines that say why it does not."""

    file: str
    title: str
    case: Case | None
    found: int
    problem: str | None
    told: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """The name of the case; of a rule that cannot be tested, `the rule`."""
        return self.case.name if self.case is not None else "the rule"


_Watches: TypeAlias = dict[tuple[str, ...], tuple[Watch, tuple[str, ...]]]
"""The rules of one file, compiled for each set of mappings that its cases go through."""


def rule_files(paths: Sequence[Path]) -> list[Path]:
    """The `rule.yml` and `rule.sql` of files and of folders and all below them; UsageError where there are none."""
    found: dict[Path, None] = {}
    for path in paths:
        inside = [file for name in RULES for file in path.rglob(name)] if path.is_dir() else [path]
        found |= dict.fromkeys(sorted(file for file in inside if file.name in RULES and file.is_file()))
    if not found:
        raise UsageError(
            f"there are no rules with tests at `{', '.join(map(str, paths))}`",
            "tests stand in `tests.yml` beside a `rule.yml` or `rule.sql`; `detect rule new` drafts all three",
        )
    return list(found)


def run_tests(paths: Sequence[Path], matching: str = "") -> Iterator[Ran]:
    """Run the tests of all rules at these paths, those whose name has `matching` in it."""
    for file in rule_files(paths):
        rules = load_rules([file])
        title = next((rule.title for rule in rules if rule.shown), file.parent.name)
        cases, faults = cases_beside(file)
        faults += tuple(rule.fault for rule in rules if rule.fault is not None)
        if faults:
            yield Ran(str(file), title, None, 0, "; ".join(faults))
            continue
        if not cases:
            yield Ran(str(file), title, None, 0, f"{file.parent / 'tests.yml'}: there are no tests")
        asked: _Watches = {}
        for case in cases:
            if matching in case.name or matching in str(file):
                yield _ran(file, title, rules, case, asked)


def _ran(file: Path, title: str, rules: Sequence[Rule], case: Case, asked: _Watches) -> Ran:
    began = time.monotonic()
    try:
        plans = {feed.mapping: find_mapping(feed.mapping).plan for feed in case.feeds}
        tables, refused = _events(case, plans)
    except OcsfPipeError as error:
        return Ran(str(file), title, case, 0, f"{case.place}: {error}", seconds=time.monotonic() - began)
    connection = connection_of(tables)
    try:
        found, problem = _count(connection, _watch(list(plans.values()), rules, asked))
        if refused or problem:
            problem = f"{case.place}: {refused or problem}"
        elif not case.holds(found):
            problem = f"{case.place}: {found} findings, expected {case.expected}"
        told = tuple(_why(connection, list(plans.values()), rules)) if problem else ()
    finally:
        connection.close()
    return Ran(str(file), title, case, found, problem, told, time.monotonic() - began)


def _events(case: Case, plans: Mapping[str, Plan]) -> tuple[list[Mapping[str, pa.Table]], str | None]:
    """The tables that mappings make of the records, shaped as a lake keeps them; and why a record was refused."""
    made, refused = [], None
    for name, plan in plans.items():
        records = [record for feed in case.feeds if feed.mapping == name for record in feed.records]
        found = normalize(records, plan, clock=CLOCK)
        if found.quarantine.num_rows:
            row = found.quarantine.slice(0, 1).to_pylist()[0]
            refused = refused or f"{name} refuses record {row['position'] + 1}: {row['reason']}"
        made.append({table: conform(rows, lake_schema(rows.schema)) for table, rows in found.tables.items()})
    return list(made), refused


def _watch(plans: Sequence[Plan], rules: Sequence[Rule], asked: _Watches) -> tuple[Watch, tuple[str, ...]]:
    """The rules over what some mappings make, with what is wrong with them; compiled once for all cases."""
    key = tuple(plan.mapping for plan in plans)
    if key not in asked:
        errors: list[str] = []

        def note(rule: Rule, why: str) -> None:
            # That no mapping serves a rule is no fault of the rule: a test may look at what it must not touch.
            if rule.query is not None:
                errors.append(f"{rule.title}: {why}")

        asked[key] = Watch(rules, plans, load(), note), tuple(errors)
    return asked[key]


def _count(connection: duckdb.DuckDBPyConnection, asked: tuple[Watch, tuple[str, ...]]) -> tuple[int, str | None]:
    """How many findings the rules make of what the tables hold, and what went wrong."""
    for name in tables_of(connection):
        connection.execute(f"create view {name_text(NEW + name)} as from {name_text(name)}")
    watch, known = asked
    errors = list(known)
    watch.problem = lambda rule, why: errors.append(f"{rule.title}: {why}")
    found = findings_of(watch, connection, watch.fires(connection, watch.able), CLOCK)
    return len(found), errors[0] if errors else None


def _why(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], rules: Sequence[Rule]) -> Iterator[str]:
    """What the records became, and what each rule says of each event."""
    tables = tables_of(connection)
    counts = {name: _one(connection, f'select count(*) from "{name}"') for name in tables}
    yield "events: " + (", ".join(f"{count} in {name}" for name, count in counts.items()) or "none")
    for outcome in Backtest(connection, plans).run(rules):
        if outcome.judged.state != "live":
            yield f"{outcome.rule.title}: {outcome.judged.state}: {'; '.join(outcome.judged.reasons)}"
    converter = Converter(FieldMap(plans), tables)
    for rule in rules:
        for name in tables if rule.tree is not None else ():
            query = f'select metadata.uid from "{name}" order by "time" limit {_MOST_TOLD}'
            for (uid,) in connection.execute(query).fetchall():
                yield from _told(connection, rule, converter, str(uid))


def _told(connection: duckdb.DuckDBPyConnection, rule: Rule, converter: Converter, uid: str) -> Iterator[str]:
    for one in explain(connection, rule, converter, uid):
        word = "fires on" if one.fires else "does not fire on"
        yield f"{rule.title}: {word} {uid} ({one.table}, {one.event_rule})"
        for line in one.lines:
            seen = f"  {line.where} is {'null' if line.value is None else repr(line.value)}" if line.where else ""
            yield f"  {'  ' * line.depth}{'✓' if line.outcome else '✗'} {line.text}{seen}"


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> object:
    row = connection.execute(sql).fetchone()
    return row[0] if row else None
