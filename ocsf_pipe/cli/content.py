"""`ocsf-pipe content …`: texts of prompts and responses, where a lake keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocsf_pipe.cli.output import print_json
from ocsf_pipe.cli.place import HERE, LakePlace

if TYPE_CHECKING:
    from ocsf_pipe.lake import Lake

app = typer.Typer(name="content", no_args_is_help=True, help="See prompts and responses that the lake keeps.")


@app.callback()
def content() -> None:
    """See prompts and responses that the lake keeps."""


@app.command()
def show(
    event: Annotated[str, typer.Argument(metavar="UID|FINGERPRINT", help="An event's metadata.uid, or a text's hash.")],
    lake: LakePlace = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a text.")] = False,
) -> None:
    """Print the texts of an event, or one text by its fingerprint, with the lake's key where they are encrypted.

    Texts are kept where the source was told `content: store`, for a month if nothing else is said.

    Example: [bold]ocsf-pipe content show 5d0f3a9e-6c1b-4a57-9f6e-000000000001[/bold]
    """
    rows = texts(lake, event)
    if as_json:
        print_json(rows)
    for row in rows if not as_json else ():
        typer.echo(f"{row['event_class']} {row['event_uid']} {row['kind']} ({row['path']})\n{row['text']}\n")
    if not rows:
        typer.echo(f"no text is kept for `{event}`", err=True)
        raise typer.Exit(1)


@app.command()
def detectors() -> None:
    """Print what is looked for in texts: our own classes, and the libraries that look for more.

    Example: [bold]ocsf-pipe content detectors[/bold]
    """
    from ocsf_pipe.content.detectors import DETECTORS
    from ocsf_pipe.content.libraries.installed import installed

    typer.echo("\n".join(sorted(one.name for one in DETECTORS)))
    for library in installed():
        typer.echo(f"and the classes of {library.title}")
    if not installed():
        typer.echo("pip install 'ocsf-pipe[detectors]' adds the secrets of some three hundred services", err=True)


def texts(place: str, event: str) -> list[dict[str, Any]]:
    """The texts of one event, or those with one fingerprint, in the order of their paths."""
    from ocsf_pipe.lake import Lake
    from ocsf_pipe.run.pipeline import TEXTS

    lake = Lake(place)
    if TEXTS not in lake.tables():
        return []
    where = "where event_uid = ? or hmac = ? order by time, event_uid, path"
    return [_opened(lake, row) for row in lake.sql(f"select * from {TEXTS} {where}", [event, event]).to_pylist()]


def _opened(lake: Lake, row: dict[str, Any]) -> dict[str, Any]:
    from ocsf_pipe.errors import UsageError
    from ocsf_pipe.run.contents import reading_vault, text_of

    try:
        text = text_of(row, reading_vault(lake))
    except ValueError as error:
        raise UsageError(f"the text of `{row['event_uid']}` cannot be read: {error}", "bring its key back") from error
    said = ("event_uid", "event_class", "source", "path", "kind", "hmac", "time")
    return {**{name: row[name] for name in said}, "text": text}
