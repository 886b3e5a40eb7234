"""`ocsf-pipe ai tools …`: the contracts of tools, pinned in a lockfile."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocsf_pipe.cli.output import print_json
from ocsf_pipe.errors import UsageError

if TYPE_CHECKING:
    from ocsf_pipe.contracts.compare import Difference
    from ocsf_pipe.contracts.sightings import Listing

app = typer.Typer(
    name="tools", no_args_is_help=True, help="Pin what tools promise, and see what changed, is new or has two owners."
)

Files = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[FILE]...", help="Logs or answers with lists of tools, `-` for standard input; the lake if left out."
    ),
]
FromLake = Annotated[
    str | None, typer.Option("--lake", metavar="DIR", envvar="OCSF_PIPE_LAKE", help="A folder or an object store URL.")
]
LockFile = Annotated[Path, typer.Option("--lockfile", metavar="FILE", help="The lockfile.")]
OfServer = Annotated[str, typer.Option("--server", metavar="NAME", help="Whose the lists are that do not say so.")]
Since = Annotated[datetime | None, typer.Option(help="Only events of the lake from this time on (UTC).")]
HERE = Path("ai-tools.lock.json")


@app.command()
def lock(
    files: Files = None,
    lake: FromLake = None,
    lockfile: LockFile = HERE,
    server: OfServer = "",
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="SERVER", help="Approve these servers; all if left out.")
    ] = None,
    share: Annotated[
        list[str] | None, typer.Option("--share", metavar="TOOL", help="Approve that several servers have this name.")
    ] = None,
    since: Since = None,
) -> None:
    """Approve the tools that were seen: write their contracts to the lockfile, and print what changes in it.

    A contract is the SHA-256 of a tool's canonical JSON (RFC 8785): name, title, description, schemas and hints. Keep
    the lockfile under version control and review what changes in it as you review code.

    Example: [bold]ocsf-pipe ai tools lock --lake lake[/bold]
    """
    from ocsf_pipe.contracts.compare import differences, told
    from ocsf_pipe.contracts.lockfile import Lock, dump, load

    before = load(lockfile) if lockfile.exists() else Lock()
    found = [one for one in _found(files, lake, server, since) if not only or one.server in only]
    if not found:
        hint = "give files with results of `tools/list`, such as logs of MCP, or ingest those into the lake first"
        raise UsageError("no list of tools was found", hint)
    for one in differences(before, found):
        typer.echo(told(one))
    after = before.taking(found, share or ())
    lockfile.write_text(dump(after), encoding="utf-8")
    tools = sum(len(one.tools) for one in after.servers.values())
    sys.stderr.write(f"{lockfile}: {tools} tools of {len(after.servers)} servers are approved\n")


@app.command()
def diff(
    files: Files = None,
    lake: FromLake = None,
    lockfile: LockFile = HERE,
    server: OfServer = "",
    since: Since = None,
    findings: Annotated[
        bool, typer.Option("--findings/--no-findings", help="Write what differs to the lake that `--lake` names.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each difference.")] = False,
) -> None:
    """Compare the tools that were seen with the lockfile; exits 1 where anything differs.

    What differs: a changed contract, a tool that is new or gone, a server that is not approved, a name that tools of
    several servers have. With `--lake` each becomes a finding in detection_finding, once, however often it is seen.

    Example: [bold]ocsf-pipe ai tools diff tools.json --server weather[/bold]
    """
    from ocsf_pipe.contracts.compare import differences, told
    from ocsf_pipe.contracts.lockfile import load

    found = differences(load(lockfile), _found(files, lake, server, since))
    if as_json:
        print_json(map(_row, found))
    else:
        for one in found:
            typer.echo(told(one))
    said = f"{len(found)} difference{'' if len(found) == 1 else 's'}"
    if lake is not None and findings:
        said += f", {_write(lake, found)} new findings"
    sys.stderr.write(f"{said}\n")
    raise typer.Exit(1 if found else 0)


def _found(files: list[Path] | None, lake: str | None, server: str, since: datetime | None) -> list[Listing]:
    from ocsf_pipe.run.tool_findings import file_listings, lake_listings

    if files:
        return file_listings((_read(path) for path in files), server)
    if lake is None:
        raise UsageError("there is nothing to read", "name files, or a lake with `--lake`")
    from ocsf_pipe.lake import Lake

    after = since.replace(tzinfo=UTC) if since is not None and since.tzinfo is None else since
    return lake_listings(Lake(lake), after, server)


def _read(path: Path) -> bytes:
    return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()


def _write(lake: str, found: list[Difference]) -> int:
    from ocsf_pipe.lake import Lake
    from ocsf_pipe.run.tool_findings import write_findings

    return write_findings(Lake(lake), found)


def _row(one: Difference) -> dict[str, Any]:
    return {
        "what": one.what,
        "server": one.server,
        "tool": one.tool or None,
        "changed": list(one.parts),
        "other_servers": list(one.others),
        "found": one.found.contract if one.found else None,
        "locked": one.locked.contract if one.locked else None,
        "event": one.event,
    }
