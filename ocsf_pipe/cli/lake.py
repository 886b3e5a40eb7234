"""`ocsf-pipe lake …`: upkeep of the tables."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocsf_pipe.cli.output import print_json, print_table
from ocsf_pipe.cli.place import HERE, LakePlace

if TYPE_CHECKING:
    from ocsf_pipe.lake import Lake

app = typer.Typer(name="lake", no_args_is_help=True, help="See and keep up the tables of a lake.")

Tables = Annotated[list[str] | None, typer.Argument(metavar="[TABLE]...", help="Tables; all if left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


@app.command()
def stats(lake: LakePlace = HERE, as_json: AsJson = False) -> None:
    """Print rows, files, bytes, days and the span of time of every table.

    Example: [bold]ocsf-pipe lake stats --lake /data/lake[/bold]
    """
    found = _open(lake).stats()
    if as_json:
        print_json(asdict(one) for one in found)
        return
    names = ("table", "rows", "files", "bytes", "days", "first", "last")
    rows = [(s.table, s.rows, s.files, s.size, s.days, _when(s.first), _when(s.last)) for s in found]
    print_table(names, rows)


@app.command()
def compact(tables: Tables = None, lake: LakePlace = HERE, as_json: AsJson = False) -> None:
    """Rewrite the small files of each day into few, sorted by time.

    Readers see every row exactly once throughout. The old files stay until `vacuum` deletes them.

    Example: [bold]ocsf-pipe lake compact authentication[/bold]
    """
    opened = _open(lake)
    done = [(name, opened.compact(name)) for name in tables or opened.tables()]
    if as_json:
        print_json({"table": name, **asdict(one)} for name, one in done)
        return
    print_table(("table", "files taken out", "files put in"), [(name, one.removed, one.added) for name, one in done])


@app.command()
def vacuum(
    tables: Tables = None,
    hours: Annotated[int, typer.Option("--hours", min=0, help="Keep what left the table since so many hours.")] = 168,
    lake: LakePlace = HERE,
    as_json: AsJson = False,
) -> None:
    """Delete files that left their table long ago.

    A reader that still holds an older snapshot loses its files: keep more hours than your longest query runs.

    Example: [bold]ocsf-pipe lake vacuum --hours 24[/bold]
    """
    opened = _open(lake)
    done = [(name, opened.vacuum(name, hours)) for name in tables or opened.tables()]
    if as_json:
        print_json({"table": name, "deleted": files} for name, files in done)
        return
    print_table(("table", "files deleted"), [(name, len(files)) for name, files in done])


@app.command()
def retain(
    days: Annotated[int, typer.Option("--days", min=1, help="Keep today and so many days before it.")],
    tables: Tables = None,
    lake: LakePlace = HERE,
    as_json: AsJson = False,
) -> None:
    """Take days that are over out of the tables; `vacuum` then deletes their files.

    Days are those of the events' own time. Tables are named where they differ: AI audit events may have to stay for
    six months and longer.

    Example: [bold]ocsf-pipe lake retain --days 90 dns_activity network_activity[/bold]
    """
    opened = _open(lake)
    done = [(name, opened.retain(name, days)) for name in tables or opened.tables()]
    if as_json:
        print_json({"table": name, **asdict(one)} for name, one in done)
        return
    print_table(("table", "files taken out", "rows taken out"), [(name, one.files, one.rows) for name, one in done])


@app.command()
def verify(
    lake: LakePlace = HERE,
    as_json: AsJson = False,
    integrity: Annotated[
        bool, typer.Option("--integrity", help="Check rows and files against the chain of what was committed.")
    ] = False,
    anchor: Annotated[
        Path | None,
        typer.Option(
            "--anchor", metavar="FILE", help="Heads of the chains, kept outside of the lake; implies --integrity."
        ),
    ] = None,
) -> None:
    """Count every table anew and compare with what all finished batches wrote; exits with 1 on a difference.

    With --integrity, hash every file too, and name the first row of it that was altered, removed or inserted. Whoever
    can write to the lake can also write its chain anew: an anchor on another machine shows that. It is made when FILE
    is not there, and brought up to date when all is well.

    Example: [bold]ocsf-pipe lake verify --integrity --anchor /mnt/worm/lake-heads.json[/bold]
    """
    opened = _open(lake)
    verdicts = opened.verify()
    if as_json:
        print_json({**asdict(one), "holds": one.holds} for one in verdicts)
    else:
        states = ((v.table, v.expected, v.found, _state(v.holds, v.pending)) for v in verdicts)
        print_table(("table", "expected", "found", "state"), states)
    holds = all(one.holds for one in verdicts)
    if integrity or anchor is not None:
        from ocsf_pipe.cli.lake_integrity import check

        holds = check(opened, anchor, as_json=as_json) and holds
    if not holds:
        raise typer.Exit(1)


def _state(holds: bool, pending: bool) -> str:
    if not holds:
        return "differs"
    return "a batch is half done" if pending else "ok"


def _open(place: str) -> Lake:
    from ocsf_pipe.lake import Lake

    return Lake(place)


def _when(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    at = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=milliseconds)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
