"""`ocsf-pipe mapping list`."""

from __future__ import annotations

from typing import Annotated

import typer

from ocsf_pipe.cli.output import print_json, print_table

app = typer.Typer()


@app.command("list")
def list_mappings(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """List the mappings: those that ship, and those below the folders of OCSF_PIPE_MAPPINGS.

    Example: [bold]OCSF_PIPE_MAPPINGS=~/mappings ocsf-pipe mapping list[/bold]
    """
    from ocsf_pipe.mapping.catalogue import catalogue

    found = [
        {
            "name": listed.name,
            "title": listed.syntax.title,
            "format": listed.syntax.input.format,
            "classes": sorted({rule.class_name for rule in listed.syntax.rules}),
            "rules": [rule.name for rule in listed.syntax.rules],
            "path": str(listed.path),
        }
        for listed in catalogue().values()
    ]
    if as_json:
        print_json(found)
        return
    rows = [(one["name"], one["format"], len(one["rules"]), one["title"], ", ".join(one["classes"])) for one in found]
    print_table(("name", "format", "rules", "title", "classes"), rows)
