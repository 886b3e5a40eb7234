"""The command line: one command, one file. Nothing heavy is loaded before a command that needs it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, NoReturn

import typer

from ocsf_pipe.errors import MappingError, OcsfPipeError

COMMANDS = (
    "demo",
    "ingest",
    "run",
    "top",
    "query",
    "shell",
    "quarantine",
    "content",
    "mapping",
    "schema",
    "lake",
    "detect",
    "ai",
)
"""The modules of this folder that hold commands, in the order of the help.

Each has `app`, a Typer: one without a name adds its commands here, one with a name is a group of its own.
"""


def build() -> typer.Typer:
    """Return the whole program with all its commands."""
    app = typer.Typer(
        name="ocsf-pipe",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(program)
    for name in COMMANDS:
        app.add_typer(import_module(f"ocsf_pipe.cli.{name}").app)
    return app


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("ocsf-pipe")
        except PackageNotFoundError:  # run from a checkout
            number = "(not installed)"
        typer.echo(f"ocsf-pipe {number}")
        raise typer.Exit


def program(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Raw security logs to OCSF tables that DuckDB queries."""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the program on `args` (those of the process) and exit: 0 done, 1 not done, 2 wrong usage."""
    try:
        build()(args=args, prog_name="ocsf-pipe")
    except OcsfPipeError as error:
        complain(error)
    except (OSError, UnicodeError) as error:
        complain(OcsfPipeError(str(error)))
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(1)


def complain(error: OcsfPipeError) -> None:
    """Write an error and its hint to standard error; diagnostics of a mapping as they are."""
    lines = [str(error)] if isinstance(error, MappingError) else [f"error: {error}"]
    if error.hint:
        lines.append(f"  hint: {error.hint}")
    sys.stderr.write("\n".join(lines) + "\n")
