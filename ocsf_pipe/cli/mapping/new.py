"""`ocsf-pipe mapping new`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def new(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A sample of raw records, packed or not; `-` for stdin.")],
    class_name: Annotated[str, typer.Option("--class", "-c", help="The OCSF class of its events.")] = "base_event",
    name: Annotated[str | None, typer.Option("--name", metavar="VENDOR.PRODUCT", help="What to call it.")] = None,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="DIR", help="Write DIR/VENDOR/PRODUCT/mapping.yaml; else print.")
    ] = None,
) -> None:
    """Draft a mapping from a sample: format, paths, types, and attributes guessed by their names.

    The draft compiles. Lines marked `guessed` and `TODO` want your eye; `mapping explain` shows what they do.

    Example: [bold]ocsf-pipe mapping new app.log --class authentication --name acme.portal --into ~/mappings[/bold]
    """
    from ocsf_connectors.file import open_stream
    from ocsf_pipe.errors import UsageError
    from ocsf_pipe.testing.draft import draft
    from ocsf_pipe.testing.source_fields import sample

    called = name or f"my.{_word(Path(file).name)}"
    if not re.fullmatch(r"[a-z0-9_]+\.[a-z0-9_]+", called):
        raise UsageError(f"`{called}` is no name of a mapping", "write `vendor.product`, in lower case letters")
    with open_stream(file) as stream:
        text = draft(sample(stream, file), called, class_name)
    if into is None:
        typer.echo(text, nl=False)
        return
    target = into.joinpath(*called.split("."), "mapping.yaml")
    if target.exists():
        raise UsageError(f"`{target}` is there already", "name another with --name, or take it away")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    typer.echo(f"wrote {target}")
    typer.echo(f"next: ocsf-pipe mapping explain {target.parent} {file}", err=True)


def _word(text: str) -> str:
    """The first part of a file name, as a name of a mapping is spelled."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower().split(".")[0]).strip("_") or "source"
