"""`ocsf-pipe detect test` and `ocsf-pipe detect rule new`: rules in folders, with settings and tests beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ocsf_pipe.errors import UsageError

app = typer.Typer()
rule = typer.Typer(name="rule", no_args_is_help=True, help="Write rules.")
app.add_typer(rule)


@app.command("test")
def run_tests(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]…", help="Rule files, or folders of them; the shipped ones if left out."),
    ] = None,
    matching: Annotated[str, typer.Option("-k", metavar="TEXT", help="Only tests whose name or path has this.")] = "",
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the outcome as JUnit XML, too.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only what fails.")] = False,
) -> None:
    """Run the tests of rules: raw records, through mappings, into tables; the rule must find what its test expects.

    Tests stand in `tests.yml` beside `rule.yml` or `rule.sql`. Exits with 1 where one fails, and says why.

    Example: [bold]ocsf-pipe detect test rules/identity --junit detections.xml[/bold]
    """
    from ocsf_pipe.bundled import detections_dir
    from ocsf_pipe.testing.detections import run_tests as tests_of
    from ocsf_pipe.testing.junit import write_junit

    ran = []
    for one in tests_of(paths or [detections_dir()], matching):
        ran.append(one)
        if one.problem is not None:
            typer.echo(f"✗ {one.title}: {one.name}\n  {one.problem}")
            for line in one.told:
                typer.echo(f"    {line}")
        elif not quiet:
            typer.echo(f"✓ {one.title}: {one.name}")
    if junit is not None:
        write_junit(ran, junit)
    failed = sum(one.problem is not None for one in ran)
    typer.echo(f"{len(ran)} tests, {failed} failed", err=True)
    if not ran:
        raise UsageError(f"no test has `{matching}` in its name", "leave -k out to run them all")
    raise typer.Exit(1 if failed else 0)


@rule.command("new")
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the rule, which is made.")],
    title: Annotated[str | None, typer.Option(help="The title; from the folder's name if left out.")] = None,
    sql: Annotated[bool, typer.Option("--sql", help="A rule in SQL; otherwise in Sigma.")] = False,
    mapping: Annotated[str, typer.Option(help="The mapping of the records of its tests.")] = "aws.cloudtrail",
) -> None:
    """Draft a rule: the rule itself, its settings, two tests and a playbook; `TODO` marks what is yours to write.

    Example: [bold]ocsf-pipe detect rule new detections/identity/new_admin --sql[/bold]
    """
    from ocsf_pipe.testing.rule_draft import draft

    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"`{folder}` is there already", "name another folder, or empty it")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in draft(title or folder.name.replace("_", " ").capitalize(), mapping, sql=sql).items():
        (folder / name).write_text(text, encoding="utf-8")
        typer.echo(f"wrote {folder / name}")
    typer.echo(f"next: ocsf-pipe detect test {folder}", err=True)
