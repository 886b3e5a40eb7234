"""`ocsf-pipe detect …`: Sigma rules over the lake."""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocsf_pipe.cli import detect_incident, detect_rules, detect_run
from ocsf_pipe.cli.output import print_json, print_table
from ocsf_pipe.cli.place import HERE, LakePlace
from ocsf_pipe.errors import UsageError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from ocsf_pipe.detect.backtest import Outcome
    from ocsf_pipe.detect.convert import Converter
    from ocsf_pipe.detect.rules import Rule
    from ocsf_pipe.detect.states import Judged
    from ocsf_pipe.plan.nodes import Plan

app = typer.Typer(
    name="detect", no_args_is_help=True, help="Run rules in Sigma and SQL over the lake, and see what they reach."
)
app.add_typer(detect_rules.app)
app.add_typer(detect_run.app)
app.add_typer(detect_incident.app)

Rules = Annotated[list[Path], typer.Argument(metavar="RULES…", help="Rule files, or folders of them.")]
MaybeRules = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[RULES…]", help="Rule files, or folders of them; the shipped ones if left out."),
]
Fill = Annotated[
    Path | None,
    typer.Option("--placeholders", metavar="FILE", help="YAML or JSON: the values of each %placeholder%."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_MOST_WORKERS = 4
MaybeLake = Annotated[str | None, typer.Option("--lake", metavar="DIR", help="Judge by what this lake holds.")]


@app.command()
def lint(rules: Rules, placeholders: Fill = None) -> None:
    """Check that rules can be read, converted, and reach something; exits 1 where one cannot.

    Looks at the settings and tests beside rules too, at the columns that a rule in SQL names, and at ids used twice.

    Example: [bold]ocsf-pipe detect lint rules/windows[/bold]
    """
    from ocsf_pipe.detect.lint import complaints_about

    loaded = _load(rules, placeholders)
    found = _judged(loaded, _converter(_plans()))
    complaints = complaints_about(loaded)
    bad = [rule for rule, judged in found if rule.fault or (rule.query is not None and judged.state == "blind")]
    for rule, judged in found:
        if judged.state == "blind":
            typer.echo(f"{rule.path}: {rule.title}: {'; '.join(judged.reasons)}")
    for complaint in complaints:
        typer.echo(complaint)
    _totals(found)
    raise typer.Exit(1 if bad or complaints else 0)


@app.command()
def convert(rules: Rules, placeholders: Fill = None, lake: MaybeLake = None) -> None:
    """Print each rule as SQL over the tables of the lake; `ocsf-pipe query` runs it.

    Example: [bold]ocsf-pipe detect convert rules/windows/process_creation[/bold]
    """
    connection = _connect(lake) if lake else None
    converter = _converter(_plans(), connection)
    loaded = _load(rules, placeholders)
    for rule, judged in _judged(loaded, converter, connection):
        typer.echo(f"-- {rule.title} ({rule.id}): {judged.state}")
        for reason in judged.reasons:
            typer.echo(f"--   {reason}")
        for sql in _statements(rule, loaded, converter):
            typer.echo(f"{sql};")


@app.command("list")
def list_rules(
    rules: MaybeRules = None, placeholders: Fill = None, lake: MaybeLake = None, as_json: AsJson = False
) -> None:
    """Say of each rule whether it is live, degraded or blind, and why.

    Live: every field that it tests is an attribute. Degraded: one is read from `unmapped` or the raw record. Blind: no
    mapping serves its logsource, or with `--lake`, the lake holds no events of it.

    Example: [bold]ocsf-pipe detect list rules --lake lake[/bold]
    """
    connection = _connect(lake) if lake else None
    found = _judged(_load(rules or [], placeholders), _converter(_plans(), connection), connection)
    if as_json:
        print_json(_row(rule, judged) | {"path": rule.path} for rule, judged in found)
        return
    rows = [(judged.state, rule.level, rule.title, "; ".join(judged.reasons)) for rule, judged in found]
    print_table(("state", "level", "title", "why"), rows)
    _totals(found)


@app.command()
def backtest(
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", metavar="PATH…", help="Rule files, or folders of them; the shipped ones if left out."),
    ] = None,
    more: Annotated[list[Path] | None, typer.Argument(metavar="[PATH…]", help="More of them.")] = None,
    lake: LakePlace = HERE,
    since: Annotated[datetime | None, typer.Option(help="Only events from this time on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only events before this time (UTC).")] = None,
    placeholders: Fill = None,
    as_json: AsJson = False,
    timing: Annotated[
        bool, typer.Option("--timing", help="Say of each rule how long it took, the slowest first.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that share a big table; by default one a core, up to 4."),
    ] = None,
) -> None:
    """Count how often each rule fires on what the lake holds.

    Example: [bold]ocsf-pipe detect backtest --lake lake --rules rules/windows --since 2026-02-01 --timing[/bold]
    """
    from ocsf_pipe.cli.detect_progress import progress
    from ocsf_pipe.detect.backtest import Backtest
    from ocsf_pipe.detect.workers import cores
    from ocsf_pipe.lake import Lake

    loaded = _load([*(rules or []), *(more or [])], placeholders)
    with progress() as told:
        place = Lake(lake)
        run = Backtest(place.connect(), _plans(), _utc(since), _utc(until), progress=told)
        run.split, run.workers = place.split, workers or min(_MOST_WORKERS, cores())
        outcomes = run.run(loaded)
    if as_json:
        found = [
            {"id": one.rule.id, "title": one.rule.title, "state": one.judged.state, "fires": one.fires}
            for one in outcomes
        ]
        typer.echo(json.dumps({"rules": found}))
        return
    _print_outcomes(outcomes, run.seconds, timing=timing)


@app.command()
def coverage(
    rules: MaybeRules = None,
    lake: MaybeLake = None,
    layer: Annotated[Path | None, typer.Option(help="Write an ATT&CK Navigator layer to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the rules reach with the events of this lake, by logsource, and as an ATT&CK Navigator layer.

    Example: [bold]ocsf-pipe detect coverage rules --lake lake --layer layer.json[/bold]
    """
    from ocsf_pipe.detect.coverage import layer as layer_of

    connection = _connect(lake) if lake else None
    found = _judged(_load(rules or [], None), _converter(_plans(), connection), connection)
    if layer is not None:
        layer.write_text(json.dumps(layer_of(found, "ocsf-pipe"), indent=1) + "\n", encoding="utf-8")
    if as_json:
        print_json(_row(rule, judged) for rule, judged in found)
        return
    counts: dict[str, Counter[str]] = {}
    for rule, judged in found:
        name = " ".join(value for _, value in rule.logsource) or "correlation"
        counts.setdefault(name, Counter())[judged.state] += 1
    rows = [(name, *(one[state] for state in ("live", "degraded", "blind"))) for name, one in counts.items()]
    print_table(("logsource", "live", "degraded", "blind"), sorted(rows, key=lambda row: -sum(map(int, row[1:]))))
    _totals(found)


@app.command()
def explain(
    rule: Annotated[Path, typer.Argument(metavar="RULE", help="A Sigma file.")],
    event: Annotated[
        str,
        typer.Argument(
            metavar="EVENT",
            help="A file with raw records, `-` for standard input, or the `metadata.uid` of an event of the lake.",
        ),
    ],
    lake: LakePlace = HERE,
    mapping: Annotated[str | None, typer.Option(help="The mapping of the raw records.")] = None,
    placeholders: Fill = None,
) -> None:
    """Show why a rule fires on an event, or does not: its condition with what each leaf compared.

    Example: [bold]ocsf-pipe detect explain rule.yml record.json[/bold]
    """
    from ocsf_pipe.detect.backtest import connection_of

    loaded = _load([rule], placeholders)
    if event == "-" or Path(event).is_file():
        plans = _plans()
        chosen = [plan for plan in plans if mapping is None or plan.mapping == mapping.replace("/", ".")]
        raw = sys.stdin.buffer.read() if event == "-" else Path(event).read_bytes()
        tables, uids = _events_of(raw, chosen)
        connection = connection_of(tables)
    else:
        connection, uids, plans = _connect(lake), [event], _plans()
    if not _show(connection, loaded, _converter(plans, connection), uids):
        raise UsageError(
            f"`{event}` is no event of the logsource of {rule}", "`--mapping` names the mapping of a record"
        )


def _events_of(raw: bytes, plans: list[Plan]) -> tuple[list[dict[str, pa.Table]], list[str]]:
    """The events that mappings make of raw records, and their ids, without those of mappings that know none of them."""
    from ocsf_pipe.run.normalize import normalize

    made = [normalize([raw], plan).tables for plan in plans]
    known = [tables for tables in made if set(tables) - {"base_event"}] or made
    uids = [
        uid
        for tables in known
        for rows in tables.values()
        for uid in rows["metadata"].combine_chunks().field("uid").to_pylist()
    ]
    return known, uids


def _show(connection: duckdb.DuckDBPyConnection, rules: list[Rule], converter: Converter, uids: list[str]) -> bool:
    """Print what each rule says of each event; whether any event is of any rule's logsource."""
    from ocsf_pipe.detect.explain import explain as explained

    found = False
    for rule in rules:
        for uid in uids:
            for told in explained(connection, rule, converter, uid):
                found = True
                word = "fires on" if told.fires else "does not fire on"
                typer.echo(f"{rule.title}: {word} {uid} ({told.table}, from {told.mapping}, rule {told.event_rule})")
                for line in told.lines:
                    seen = (
                        ""
                        if not line.where
                        else f"  {line.where} is {'null' if line.value is None else repr(line.value)}"
                    )
                    typer.echo(f"  {'  ' * line.depth}{'✓' if line.outcome else '✗'} {line.text}{seen}")
    return found


def _print_outcomes(outcomes: list[Outcome], seconds: float, *, timing: bool) -> None:
    """Print what each rule took, or what those found that fire."""
    if timing:
        slowest = sorted(outcomes, key=lambda one: -one.seconds)
        print_table(
            ("seconds", "fires", "state", "title"),
            [(f"{one.seconds:.3f}", one.fires, one.judged.state, one.rule.title) for one in slowest],
        )
        sys.stderr.write(f"{len(outcomes)} rules; {seconds:.1f} s\n")
        return
    fired = sorted((one for one in outcomes if one.fires), key=lambda one: -one.fires)
    print_table(
        ("fires", "level", "state", "title"), [(o.fires, o.rule.level, o.judged.state, o.rule.title) for o in fired]
    )
    _totals([(one.rule, one.judged) for one in outcomes])
    sys.stderr.write(f"{sum(bool(one.fires) for one in outcomes)} rules fire; {seconds:.1f} s\n")


def _plans() -> list[Plan]:
    from ocsf_pipe.mapping.catalogue import sigma_plans

    return sigma_plans()


def _converter(plans: list[Plan], connection: duckdb.DuckDBPyConnection | None = None) -> Converter:
    from ocsf_pipe.detect.backtest import tables_of
    from ocsf_pipe.detect.convert import Converter
    from ocsf_pipe.detect.fieldmap import FieldMap
    from ocsf_pipe.schema import load

    versions = {plan.version for plan in plans}
    schema = load(versions.pop()) if len(versions) == 1 else None
    return Converter(FieldMap(plans), tables_of(connection) if connection is not None else None, schema)


def _connect(lake: str) -> duckdb.DuckDBPyConnection:
    from ocsf_pipe.lake import Lake

    return Lake(lake).connect()


def _load(paths: list[Path], placeholders: Path | None) -> list[Rule]:
    """The rules at some paths; those that ship where there are none."""
    from ocsf_pipe.bundled import detections_dir
    from ocsf_pipe.detect.rules import load_rules
    from ocsf_pipe.run.placeholders import values_of

    return load_rules(paths or [detections_dir()], values_of(placeholders))


def _judged(
    rules: list[Rule], converter: Converter, connection: duckdb.DuckDBPyConnection | None = None
) -> list[tuple[Rule, Judged]]:
    from ocsf_pipe.detect.backtest import judge_all, sources_of

    sources = sources_of(connection, converter.tables or ()) if connection is not None else None
    return [
        (rule, judged) for rule, judged in zip(rules, judge_all(rules, converter, sources), strict=True) if rule.shown
    ]


def _statements(rule: Rule, rules: list[Rule], converter: Converter) -> list[str]:
    from ocsf_pipe.detect.backtest import correlation_sql

    if rule.correlation is not None:
        return [correlation_sql(rule, rules, converter)]
    if rule.query is not None:
        return [rule.query.sql]
    return [f"select * from {part.table} where {part.condition}" for part in converter.parts(rule)]


def _row(rule: Rule, judged: Judged) -> dict[str, Any]:
    return {"id": rule.id, "title": rule.title, "state": judged.state, "reasons": list(judged.reasons)}


def _totals(found: list[tuple[Rule, Judged]]) -> None:
    counts = Counter(judged.state for _, judged in found)
    said = ", ".join(f"{counts[state]} {state}" for state in ("live", "degraded", "blind"))
    sys.stderr.write(f"{len(found)} rules: {said}\n")


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
