"""`ocsf-pipe demo`: the whole way, on bundled records, without a network."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ocsf_pipe.lake import Lake

app = typer.Typer()

SHOWN = (
    "aws.cloudtrail/console_login",
    "aws.cloudtrail/group_and_access",
    "aws.vpc_flow/default_version_2",
    "okta.system_log/sign_in",
    "microsoft.windows_security/logon",
    "microsoft.sysmon/processes",
    "zeek.dns/lookups",
    "aws.bedrock_invocation/converse_tool_use",
    "aws.bedrock_invocation/guardrail",
    "otel.genai/semconv_agent_and_tool",
)
"""The samples that are taken in, few of each mapping, so that what comes of them fits a screen."""
BAD = """\
{"eventVersion":"1.09","eventTime":"2026-02-10T08:15:30Z","eventSource":"iam.amazonaws.com","eventName":"Create
{"eventVersion":"1.09","eventTime":"yesterday","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userIdentity":{"type":"Root","accountId":"111122223333"},"eventID":"b5ad2bb0-7d8c-4a2e-9f52-5c8f2f1d6c01","eventType":"AwsApiCall","recipientAccountId":"111122223333"}
{"eventVersion":"1.09","eventTime":"2026-02-10T08:16:02Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userIdentity":{"type":"IAMUser","accountId":"111122223333","userName":"ann"},"responseElements":{"ConsoleLogin":"Failure"},"errorMessage":"Failed authentication","additionalEventData":{"MFAUsed":"No"},"eventID":"0d3f0c5e-54a4-4a7a-a9a1-6f4b6f5d8e02","eventType":"AwsConsoleSignIn","recipientAccountId":"111122223333"}
"""  # noqa: E501 - a record is one line
QUERY = """\
select source, activity_name, status, count(*) as events, min(user.name) as who, min(src_endpoint.ip) as ip
from authentication
where activity_name = 'Logon'
group by all
order by source, events desc"""


@app.command()
def demo(
    lake: Annotated[
        str | None, typer.Option("--lake", metavar="DIR", help="Keep the lake here; a temporary folder if left out.")
    ] = None,
) -> None:
    """Take in bundled cloud, endpoint and LLM-application logs, some of them broken, and look at what comes out.

    Needs no network and leaves nothing behind unless --lake names a folder.

    Example: [bold]ocsf-pipe demo --lake /tmp/demo[/bold]
    """
    place = Path(lake) if lake else Path(tempfile.mkdtemp(prefix="ocsf-pipe-demo-"))
    raw = Path(tempfile.mkdtemp(prefix="ocsf-pipe-demo-raw-"))
    try:
        _show(place, _records(raw))
    finally:
        shutil.rmtree(raw, ignore_errors=True)
        if lake is None:
            shutil.rmtree(place, ignore_errors=True)


def _records(folder: Path) -> list[str]:
    """Copies of the bundled samples, and one file with a cut-off line and a clock that says `yesterday`."""
    from ocsf_pipe.mapping.catalogue import catalogue

    paths = []
    for shown in SHOWN:
        mapping, sample = shown.split("/")
        (found,) = (catalogue()[mapping].path.parent / "samples").glob(f"{sample}.input.*")
        target = folder / f"{mapping}.{found.name}"
        shutil.copyfile(found, target)
        paths.append(str(target))
    broken = folder / "broken-cloudtrail.ndjson"
    broken.write_text(BAD, encoding="utf-8")
    return [*paths, str(broken)]


def _show(place: Path, paths: list[str]) -> None:
    from ocsf_pipe.cli.ingest import show
    from ocsf_pipe.cli.output import Format, print_arrow
    from ocsf_pipe.lake import Lake
    from ocsf_pipe.run.ingest import Ingest

    lake = Lake(place, create=True)
    typer.secho(f"\n1. {len(paths)} files of raw logs, recognised by their records, into {place}\n", bold=True)
    show(Ingest(lake).run(paths))
    typer.secho(f"\n2. A query over the tables\n\n{QUERY}\n", bold=True)
    print_arrow(lake.sql(QUERY), Format.table)
    typer.secho("\n3. A record that could not be mapped, and why\n", bold=True)
    _refused(lake)
    typer.secho("\nNext: ocsf-pipe ingest YOUR-LOGS --lake ./lake && ocsf-pipe shell --lake ./lake", bold=True)


def _refused(lake: Lake) -> None:
    from ocsf_pipe.cli.quarantine import records

    for row in records(lake, "aws.cloudtrail", "time", limit=1):
        for key, value in row.items():
            typer.echo(f"{key:>9}  {value}")
