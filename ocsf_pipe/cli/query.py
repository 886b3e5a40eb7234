"""`ocsf-pipe query`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ocsf_pipe.cli.asking import ask
from ocsf_pipe.cli.output import Format, print_arrow
from ocsf_pipe.cli.place import HERE, LakePlace

app = typer.Typer()


@app.command()
def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One select over the tables; `-` reads it from stdin.")],
    lake: LakePlace = HERE,
    form: Annotated[Format, typer.Option("--format", "-f", help="How to print the result.")] = Format.table,
) -> None:
    """Ask the lake with SQL: every OCSF class is a table, its attributes are columns.

    The statement may only read, and sees nothing but the lake. `show tables` and `describe authentication`
    say what there is.

    Example: [bold]ocsf-pipe query "select actor.user.name, count(*) from authentication group by all" -f csv[/bold]
    """
    from ocsf_pipe.lake import Lake

    text = sys.stdin.read() if sql == "-" else sql
    print_arrow(ask(Lake(lake), text.strip().rstrip(";")), form)
