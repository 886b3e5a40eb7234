"""`ocsf-pipe top`: a running pipeline, seen through its metrics."""

from __future__ import annotations

import contextlib
import time
from typing import Annotated

import typer

from ocsf_pipe.cli.output import print_json, print_table

app = typer.Typer()

HERE = "http://127.0.0.1:9464"


@app.command()
def top(
    url: Annotated[str, typer.Argument(help="The pipeline's `metrics.listen`.")] = HERE,
    once: Annotated[
        bool, typer.Option("--once", help="Print one look and end; rates are those of one interval.")
    ] = False,
    seconds: Annotated[float, typer.Option("--every", min=0.2, max=3600.0, help="Seconds between two looks.")] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one look as JSON, one object a source.")] = False,
) -> None:
    """Show what a running pipeline does: rates, lag, queue, quarantine, freshness, and why a source waits.

    Example: [bold]ocsf-pipe top 127.0.0.1:9464[/bold]
    """
    from ocsf_pipe.cli.watching import NAMES, cells, watch
    from ocsf_pipe.run.telemetry_view import of_url, rows_of

    def going(pause: float) -> bool:
        time.sleep(pause)
        return True

    if not (once or as_json):
        with contextlib.suppress(KeyboardInterrupt):
            watch(lambda: of_url(url, time.monotonic), seconds, going)
        return
    before = of_url(url, time.monotonic)
    time.sleep(seconds)
    rows = rows_of(of_url(url, time.monotonic), before)
    if as_json:
        print_json({name: getattr(row, name) for name in row.__slots__} for row in rows)
    else:
        print_table(NAMES, [cells(row) for row in rows])
