"""`ocsf-pipe mapping check`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ocsf_pipe.errors import Diagnostic

app = typer.Typer()


@app.command()
def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME|PATH]...", help="Mappings, files or folders; all if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the complaints as JSON, one a line.")] = False,
) -> None:
    """Compile mappings and print everything that is wrong with them.

    Every complaint comes with its place, the line, a caret under the mistake, and what to do about it.
    Exits with 1 where there is any.

    Example: [bold]ocsf-pipe mapping check aws.cloudtrail mappings/okta[/bold]
    """
    from ocsf_pipe.cli.mapping.named import named
    from ocsf_pipe.mapping import render

    listed = named(names or [])
    wrong = 0
    for one in listed:
        source, complaints = _complaints(one.path)
        wrong += len(complaints)
        if as_json:
            for complaint in complaints:
                typer.echo(json.dumps(asdict(complaint)))
        elif complaints:
            typer.echo(render(complaints, source))
        else:
            typer.echo(f"{one.name}: ok")
    if wrong:
        typer.echo(f"{wrong} complaint{'s' * (wrong > 1)} in {len(listed)} mapping{'s' * (len(listed) > 1)}", err=True)
        raise typer.Exit(1)


def _complaints(path: Path) -> tuple[str, tuple[Diagnostic, ...]]:
    """The text of a mapping and what is wrong with it; what is no UTF-8 has one complaint and no text."""
    from ocsf_pipe.errors import MappingError
    from ocsf_pipe.mapping import diagnose, read_text

    try:
        source = read_text(path)
    except MappingError as error:
        return "", error.diagnostics
    return source, tuple(diagnose(source, str(path))[1])
