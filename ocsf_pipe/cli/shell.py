"""`ocsf-pipe shell`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from ocsf_pipe.cli.asking import ask
from ocsf_pipe.cli.output import Format, print_arrow, print_table
from ocsf_pipe.cli.place import HERE, LakePlace
from ocsf_pipe.cli.statements import split_statements
from ocsf_pipe.errors import OcsfPipeError, UsageError, did_you_mean

if TYPE_CHECKING:
    from ocsf_pipe.lake import Lake

app = typer.Typer()

HELP = """\
A statement ends with `;` and may take several lines. It may only read.
  .tables          the tables and their rows
  .schema TABLE    the columns of a table
  .help            this text
  .quit            leave (Ctrl-D too)
"""
COMMANDS = (".tables", ".schema", ".help", ".quit", ".exit")


@app.command()
def shell(
    lake: LakePlace = HERE,
    form: Annotated[Format, typer.Option("--format", "-f", help="How to print results.")] = Format.table,
) -> None:
    """Ask the lake with SQL, one statement after the other; piped SQL is run and the first error ends it.

    Every statement sees the lake as it is at that moment, and may only read.

    Example: [bold]echo "select count(*) from authentication;" | ocsf-pipe shell -f csv[/bold]
    """
    from ocsf_pipe.lake import Lake

    opened = Lake(lake)
    if sys.stdin.isatty():
        _talk(opened, form)
    else:
        _run_piped(opened, form)


def _run_piped(lake: Lake, form: Format) -> None:
    text = ""
    for line in sys.stdin:
        if not text.strip() and line.lstrip().startswith("."):
            if not _command(lake, line):
                return
            continue
        statements, text = split_statements(text + line)
        for statement in statements:
            print_arrow(ask(lake, statement), form)
    if split_statements(text + ";")[0]:
        print_arrow(ask(lake, text.strip()), form)


def _talk(lake: Lake, form: Format) -> None:
    from ocsf_pipe.cli import complain

    _remember()
    typer.echo(f"{lake.where}: {len(lake.tables())} tables; .help says what can be asked")
    for line in _statements():
        try:
            if not line.startswith("."):
                print_arrow(ask(lake, line), form)
            elif not _command(lake, line):
                return
        except OcsfPipeError as error:
            complain(error)
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)


def _statements() -> Iterator[str]:
    """Yield what is typed: whole statements, and dot commands; ends with Ctrl-D. Ctrl-C forgets an unfinished one."""
    text = ""
    while True:
        try:
            line = input("   … " if text.strip() else "ocsf> ")
        except KeyboardInterrupt:
            text = ""
            typer.echo()
            continue
        except EOFError:
            typer.echo()
            return
        if not text.strip() and line.lstrip().startswith("."):
            yield line.strip()
            continue
        statements, text = split_statements(f"{text}{line}\n")
        yield from statements


def _command(lake: Lake, line: str) -> bool:
    """Run a dot command; False where it ends the session."""
    word, *rest = line.split()
    if word in {".quit", ".exit"}:
        return False
    if word == ".help":
        typer.echo(HELP, nl=False)
    elif word == ".tables":
        print_table(("table", "rows"), [(one.table, one.rows) for one in lake.stats()])
    elif word == ".schema":
        _schema(lake, rest)
    else:
        raise UsageError(f"there is no command `{word}`", did_you_mean(word, COMMANDS) or ".help names them")
    return True


def _schema(lake: Lake, names: list[str]) -> None:
    known = lake.tables()
    for name in (one.strip('";') for one in names or known):
        if name not in known:
            near = did_you_mean(name, known) or f"there are: {', '.join(known) or 'none yet'}"
            raise UsageError(f"there is no table `{name}`", near)
        described = ask(lake, f'describe "{name}"')
        typer.echo(f"{name}:")
        print_table(("column", "type"), zip(*(described[i].to_pylist() for i in (0, 1)), strict=True))


def _remember() -> None:
    """Edit lines with readline and keep what was typed for the next session, where the platform can."""
    import atexit
    import os
    from pathlib import Path

    try:
        import readline
    except ImportError:
        return
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    history = state / "ocsf-pipe" / "history"
    try:
        history.parent.mkdir(parents=True, exist_ok=True)
        if history.exists():
            readline.read_history_file(history)
        atexit.register(_write_history, str(history))
    except OSError:
        return  # a shell without a memory is still a shell


def _write_history(history: str) -> None:
    import contextlib
    import readline

    with contextlib.suppress(OSError):
        readline.set_history_length(2000)
        readline.write_history_file(history)
