"""`ocsf-pipe detect incident`: everything around one finding."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ocsf_pipe.cli.place import HERE, LakePlace

app = typer.Typer()


@app.command("incident")
def incident(
    finding: Annotated[
        str, typer.Argument(metavar="FINDING", help="The id of a finding or an incident, or how it begins.")
    ],
    lake: LakePlace = HERE,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write incident.md, incident.json and manifest.json there.")
    ] = None,
    margin: Annotated[int, typer.Option(min=0, metavar="MINUTES", help="How far around the findings to look.")] = 60,
    most: Annotated[int, typer.Option(min=1, metavar="N", help="Events of the timeline at most.")] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not Markdown.")] = False,
) -> None:
    """Collect the findings of an incident, the timeline of its session, user or device, what was touched, and hashes.

    The evidence leads to other events by session or trace; where it has none, by device; else by user and address.

    Example: [bold]ocsf-pipe detect incident 3f9a1c --lake /data/lake --out case-17[/bold]
    """
    from ocsf_pipe.detect.incident import Collector
    from ocsf_pipe.detect.incident_text import json_text, markdown, write
    from ocsf_pipe.lake import Lake

    bundle = Collector(Lake(lake).connect(), margin * 60_000, most).collect(finding)
    if out is not None:
        for file in write(bundle, out):
            typer.echo(f"wrote {file}")
        return
    typer.echo(json_text(bundle) if as_json else markdown(bundle), nl=False)
