"""`ocsf-pipe mapping test`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ocsf_pipe.mapping.catalogue import Listed
    from ocsf_pipe.testing.golden import Report

app = typer.Typer()


@app.command("test")
def run_samples(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME|PATH]...", help="Mappings, files or folders; all if left out.")
    ] = None,
    update: Annotated[bool, typer.Option("--update", help="Write the goldens anew; read the diff afterwards.")] = False,
    matching: Annotated[str, typer.Option("-k", metavar="TEXT", help="Only samples whose file name has this.")] = "",
    failed: Annotated[bool, typer.Option("--failed", help="Also list the values that did not convert.")] = False,
) -> None:
    """Run the samples of mappings and compare with their goldens.

    Each `samples/X.input.*` must give exactly `samples/X.expected.ndjson`: whole events, rejected records too.
    Every event must be valid OCSF, both engines must agree, and every event rule must take some sample.
    Exits with 1 where any of this does not hold.

    Example: [bold]ocsf-pipe mapping test aws.cloudtrail -k console --update[/bold]
    """
    from ocsf_pipe.cli.mapping.named import named
    from ocsf_pipe.errors import MappingError

    complaints = 0
    for one in _chosen(named(names or []), matching):
        try:
            report = _run(one, update, matching)
        except MappingError as error:
            complaints += len(error.diagnostics)
            typer.echo(str(error))
            continue
        complaints += len(report.complaints)
        _print(one.name, report, failed)
    if complaints:
        typer.echo(f"{complaints} complaint{'s' * (complaints > 1)}", err=True)
        raise typer.Exit(1)


def _chosen(listed: list[Listed], matching: str) -> list[Listed]:
    """Those that have a sample of such a name; UsageError where none has."""
    from ocsf_pipe.errors import UsageError
    from ocsf_pipe.testing.golden import samples_of

    if not matching:
        return listed
    found = [one for one in listed if samples_of(one.path.parent, matching)]
    if not found:
        raise UsageError(f"no sample has `{matching}` in its name", "leave -k out to run them all")
    return found


def _run(one: Listed, update: bool, matching: str) -> Report:
    from ocsf_pipe.testing.golden import run_goldens

    return run_goldens(one.plan, one.path.parent, update=update, matching=matching)


def _print(name: str, report: Report, failed: bool) -> None:
    for complaint in report.complaints:
        typer.echo(complaint)
    for path in report.updated:
        typer.echo(f"wrote {path}")
    if failed:
        for way, count in sorted(report.failed.items(), key=lambda item: (item[0].rule, item[0].attribute)):
            sources = ", ".join(".".join(path) for path in way.sources)
            typer.echo(f"{way.rule}: {way.attribute} from {sources}: {count} not {way.expected}")
    state = f"{len(report.complaints)} complaints" if report.complaints else "ok"
    typer.echo(f"{name}: {report.samples} samples, {report.events} events, {report.rejected} rejected, {state}")
