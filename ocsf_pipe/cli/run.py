"""`ocsf-pipe run`: a pipeline file, running."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocsf_pipe.errors import OcsfPipeError

if TYPE_CHECKING:
    from ocsf_pipe.run.pipeline import Pipeline
    from ocsf_pipe.run.report import Report
    from ocsf_pipe.run.telemetry import Telemetry

app = typer.Typer()

BAD_FILE = 2
QUARANTINED = 3


@app.command()
def run(
    file: Annotated[Path, typer.Argument(metavar="PIPELINE.yaml", help="The pipeline file.")],
    check: Annotated[bool, typer.Option("--check", help="Say what is wrong with the file, and start nothing.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show what the pipeline does; the log goes to no terminal.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="Read what is there, then end.")] = False,
) -> None:
    """Run a pipeline: its sources into its lake, every record exactly once, until it is told to stop.

    SIGTERM and Ctrl-C finish the batches in hand; a second one ends at once, and nothing is lost by it. Mappings are
    read anew when their files change, or on SIGHUP; ones that do not compile leave the old ones at work.

    Exit code: 0 it ended as it was told, 1 it could not go on, 2 the pipeline file is wrong, 3 with --once: some
    records are in quarantine.

    Example: [bold]ocsf-pipe run pipeline.yaml --check && ocsf-pipe run pipeline.yaml[/bold]
    """
    pipeline = _loaded(file)
    if check:
        typer.echo(
            f"{file}: ok, {len(pipeline.sources)} source{'s' * (len(pipeline.sources) != 1)} into {pipeline.lake}"
        )
        return
    report = _run(pipeline, watch=watch, once=once)
    if once:
        from ocsf_pipe.cli.ingest import show

        show(report)
        raise typer.Exit(QUARANTINED if report.quarantined else 0)


def _loaded(file: Path) -> Pipeline:
    from ocsf_pipe.errors import PipelineError
    from ocsf_pipe.run.pipeline import load_pipeline

    try:
        return load_pipeline(file)
    except PipelineError as error:
        count = len(error.diagnostics)
        sys.stderr.write(f"{error}\n{count} complaint{'s' * (count > 1)} about {file}\n")
        raise typer.Exit(BAD_FILE) from error


def _run(pipeline: Pipeline, *, watch: bool, once: bool) -> Report:
    from ocsf_pipe.cli import complain
    from ocsf_pipe.run.logs import secrets_of, start_logging, without
    from ocsf_pipe.run.telemetry import Telemetry

    secrets = secrets_of(pipeline)
    watch = watch and sys.stdout.isatty()
    start_logging(pipeline.log, secrets, silent=watch and sys.stderr.isatty())
    telemetry = Telemetry(pipeline.name, secrets)
    server = telemetry.serve(pipeline.metrics) if pipeline.metrics is not None else None
    if server is not None:
        server.start()
    try:
        telemetry.started(len(pipeline.sources), pipeline.lake, server.url if server is not None else None)
        return _guarded(pipeline, telemetry, watch=watch, once=once)
    except (OcsfPipeError, OSError) as error:
        # What a client library says of a failed login may hold the password.
        hint = getattr(error, "hint", None)
        complain(OcsfPipeError(without(str(error), secrets), without(hint, secrets)))
        raise typer.Exit(1) from error
    finally:
        if server is not None:
            server.stop()


def _guarded(pipeline: Pipeline, telemetry: Telemetry, *, watch: bool, once: bool) -> Report:
    """Run between signals, beside whoever looks for changed files, and the view where it is asked for."""
    from ocsf_pipe.run.pipeline_changes import Changes
    from ocsf_pipe.run.pipeline_signals import Signals
    from ocsf_pipe.run.running import run_pipeline

    stop, reload = threading.Event(), threading.Event()
    viewer = threading.Thread(target=_view, args=(telemetry, stop), name="view", daemon=True)
    with Signals(stop, reload), Changes(pipeline, reload):
        if watch:
            viewer.start()
        began = time.monotonic()
        try:
            report = run_pipeline(pipeline, telemetry=telemetry, stop=stop, reload=reload, once=once)
        finally:
            ended = stop.is_set()
            stop.set()
            if watch:
                viewer.join(5)
    report.seconds = report.seconds or time.monotonic() - began
    telemetry.ended("stopped" if ended else "finished", report)
    return report


def _view(telemetry: Telemetry, stop: threading.Event) -> None:
    from ocsf_pipe.cli.watching import watch
    from ocsf_pipe.run.telemetry_view import of_telemetry

    watch(lambda: of_telemetry(telemetry, time.monotonic()), 1.0, lambda seconds: not stop.wait(seconds))
