"""`ocsf-pipe ingest`: files into the lake."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ocsf_pipe.cli.output import print_json, print_table
from ocsf_pipe.cli.place import HERE, LakePlace

if TYPE_CHECKING:
    from ocsf_pipe.run.ingest import Progress
    from ocsf_pipe.run.report import Report

app = typer.Typer()


class Tier(StrEnum):
    """What becomes of the text of prompts and responses; the values are those of a pipeline file."""

    seal = "seal"
    store = "store"
    store_plain = "store-plain"


QUARANTINED = 3
MISSING = 4


@app.command()
def ingest(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, quoted globs, or - for standard input.")],
    lake: LakePlace = HERE,
    mapping: Annotated[
        str | None, typer.Option("--mapping", "-m", help="Name or file; left out, the records themselves tell.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Take files in even if the lake has them already.")] = False,
    threads: Annotated[int, typer.Option("--threads", min=1, help="DuckDB threads; each costs memory.")] = 1,
    max_record: Annotated[
        int, typer.Option("--max-record", min=1, metavar="MIB", help="The longest record taken.")
    ] = 16,
    content: Annotated[
        Tier, typer.Option("--content", help="Prompts and responses: seal, store (encrypted), or store-plain.")
    ] = Tier.seal,
    as_json: Annotated[bool, typer.Option("--json", help="Print the account as one JSON object.")] = False,
) -> None:
    """Map raw logs to OCSF events and write them to the lake, every record exactly once.

    gzip, zstd and bzip2 are unpacked. Which mapping a file needs is told from its records. What cannot be mapped goes
    to the table _quarantine with its place and reason. An ingest that was cut off goes on where it stopped.

    Exit code: 0 everything is in tables, 1 it could not be done, 2 wrong usage, 3 some records are in quarantine,
    4 the account does not add up.

    Example: [bold]ocsf-pipe ingest cloudtrail/ 'okta/*.json.gz' --lake /data/lake[/bold]
    """
    from ocsf_pipe.memory import keep_for_now

    keep_for_now()  # before anything loads Arrow
    from ocsf_pipe.cli import complain
    from ocsf_pipe.lake import Lake
    from ocsf_pipe.run.batch import UnaccountedError
    from ocsf_pipe.run.contents import vault_of
    from ocsf_pipe.run.ingest import Ingest

    with _progress(paths) as progress:
        opened = Lake(lake, create=True)
        run = Ingest(opened, mapping, again, max_record << 20, threads=threads, vault=vault_of(opened, content.value))
        if progress is not None:
            run.progress = progress
        try:
            report = run.run(paths)
        except UnaccountedError as error:
            complain(error)
            raise typer.Exit(MISSING) from error
    if as_json:
        print_json([_object(report)])
    else:
        show(report)
    raise typer.Exit(exit_code(report))


def exit_code(report: Report) -> int:
    """The exit code that tells the truth about a run that came to its end."""
    return QUARANTINED if report.quarantined else 0


def _progress(paths: list[str]) -> AbstractContextManager[Progress | None]:
    """A bar over the bytes of all files, on a terminal only."""
    return nullcontext() if "-" in paths or not sys.stderr.isatty() else _Bar(paths)


class _Bar:
    """A progress bar on standard error."""

    def __init__(self, paths: list[str]) -> None:
        from ocsf_connectors.file import find

        self._paths = list(find(paths))
        self._done: dict[str, int] = {}

    def __enter__(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("ingest", total=sum(path.stat().st_size for path in self._paths))
        self._bar.start()
        return self._show

    def _show(self, file: str, done: int, report: Report) -> None:
        self._done[file] = done
        text = f"{report.records:,} records, {report.quarantined.total():,} refused"
        self._bar.update(self._task, completed=sum(self._done.values()), description=text)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _object(report: Report) -> dict[str, object]:
    return {
        **report.counts(),
        "files": report.files,
        "skipped_files": report.skipped,
        "gone_files": report.gone,
        "events": dict(report.events),
        "mappings": dict(report.mappings),
        "quarantined_by_reason": dict(report.quarantined),
        "dropped_by_reason": dict(report.dropped),
        "not_converted": not_converted(report),
        "missing": report.missing,
        "seconds": round(report.seconds, 3),
    }


def not_converted(report: Report) -> list[dict[str, object]]:
    """Values that did not convert, most frequent first."""
    return [
        {
            "rule": way.rule,
            "attribute": way.attribute,
            "from": [".".join(path) for path in way.sources],
            "expected": way.expected,
            "values": count,
        }
        for way, count in report.failed.most_common()
    ]


def show(report: Report) -> None:
    """Print what came of the records, for eyes."""
    rows: list[tuple[str, object]] = [("records", report.records)]
    rows += [(f"  by {name}", count) for name, count in report.mappings.most_common()]
    rows += [(f"events in {name}", count) for name, count in sorted(report.events.items())]
    rows += [(f"quarantined: {reason}", count) for reason, count in report.quarantined.most_common()]
    rows += [(f"dropped: {reason}", count) for reason, count in report.dropped.most_common()]
    rows += [(f"not converted: {f['attribute']} ({f['expected']})", f["values"]) for f in not_converted(report)[:10]]
    if report.skipped:
        rows.append(("files the lake has already", report.skipped))
    if report.gone:
        rows.append(("files that were gone before they were read", report.gone))
    rate = round(report.records / report.seconds) if report.seconds else 0
    rows += [("files", report.files), ("seconds", f"{report.seconds:.2f}"), ("records per second", rate)]
    print_table(("what", "count"), rows)
    if report.quarantined:
        sys.stderr.write("some records are in quarantine: see `ocsf-pipe quarantine show`\n")
