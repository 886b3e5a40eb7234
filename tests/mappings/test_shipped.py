"""Every mapping that ships does what its folder says, and stands up to real logs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from ocsf_connectors.file import find, open_stream
from ocsf_pipe.decode import FORMATS
from ocsf_pipe.decode.format import concat
from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.mapping.catalogue import catalogue
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.schema.validate import validator
from ocsf_pipe.source import Records
from ocsf_pipe.testing.events import ocsf_events
from ocsf_pipe.testing.golden import run_goldens
from ocsf_pipe.testing.lines import CLOCK, shape

NAMES = sorted(catalogue())

# the folders of real logs that are of a mapping's source
SOURCES = {
    "anthropic.claude_code_transcript": ("llm_claude_code_transcripts",),
    "anthropic.compliance": ("llm_anthropic_audit",),
    "aws.bedrock_invocation": ("llm_bedrock_invocation",),
    "aws.cloudtrail": ("aws_cloudtrail",),
    "aws.vpc_flow": ("aws_vpc_flow",),
    "github.audit_log": ("github_audit",),
    "langfuse.trace": ("llm_langfuse_traces",),
    "linux.syslog": ("linux_auth", "linux_syslog"),
    "mcp.jsonrpc": ("llm_mcp",),
    "microsoft.sysmon": ("windows_sysmon",),
    "microsoft.windows_application": ("windows_other",),
    "microsoft.windows_channels": ("windows_other",),
    "microsoft.windows_defender": ("windows_defender",),
    "microsoft.windows_powershell": ("windows_powershell",),
    "microsoft.windows_security": ("windows_security", "windows_forwarded"),
    "microsoft.windows_system": ("windows_other",),
    "okta.system_log": ("okta",),
    "openai.audit_log": ("llm_openai_audit",),
    "otel.genai": ("llm_otel_genai", "llm_openinference"),
    "zeek.conn": ("zeek_connection",),
    "zeek.dns": ("zeek_dns",),
    "zeek.http": ("zeek_http",),
    "zeek.ssl": ("zeek_ssl",),
}
FEW = 300
VALIDATED = 500
"""About how many events of a mapping are validated unless all are, of every class some: 2 ms each."""


@pytest.mark.parametrize("name", NAMES)
def test_mapping_has_a_page_for_its_readers(name: str) -> None:
    """Beside every mapping there is a README.md that names the source, and at least one sample."""
    folder = catalogue()[name].path.parent
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("# ")
    assert list((folder / "samples").glob("*.input.*"))


@pytest.mark.parametrize("name", NAMES)
def test_samples_give_their_goldens(name: str) -> None:
    """Each sample gives its golden; events are valid OCSF; both engines agree; every rule takes some sample."""
    listed = catalogue()[name]
    report = run_goldens(listed.plan, listed.path.parent)
    assert report.complaints == ()
    assert report.events > 0


@pytest.mark.parametrize("name", NAMES)
def test_first_real_records_become_valid_events(name: str, checkout: Path) -> None:
    """Of real files, the first records each become valid events, are rejected with a reason, or are dropped by rule."""
    check_real_logs(name, checkout, FEW, VALIDATED)


@pytest.mark.heavy
@pytest.mark.parametrize("name", NAMES)
def test_all_real_records_become_valid_events(name: str, checkout: Path) -> None:
    """The same for every record of every file."""
    check_real_logs(name, checkout, None, None)


def check_real_logs(name: str, checkout: Path, few: int | None, validated: int | None) -> None:
    """Run the files of a mapping's source; every record must be accounted for and every event valid."""
    folders = [corpora(checkout) / folder for folder in SOURCES.get(name, ())]
    folders = [folder for folder in folders if folder.is_dir()]
    if not folders:
        pytest.skip("there are no real logs of this source here")
    plan = catalogue()[name].plan
    engine = DuckEngine(plan, threads=1)
    check = validator(plan.version)
    taken = 0
    wrong: Counter[str] = Counter()
    for records in batches(plan, folders, few):
        whole = engine.expand(records)
        outcome = engine.run(whole, clock=CLOCK, origin="real")
        assert len(whole) == outcome.written + len(outcome.faults) + outcome.dropped.total()
        assert all(fault.reason for fault in outcome.faults)
        rows = sum(table.num_rows for table in outcome.tables.values())
        step = max(1, rows // validated) if validated else 1
        for table in outcome.tables.values():
            events = ocsf_events(table.take(list(range(0, table.num_rows, step))), plan.version)
            wrong.update(f"{event['type_name']}: {line}" for event in events for line in check.errors(event))
        taken += outcome.written
    assert dict(wrong.most_common(20)) == {}
    assert taken > 0


def corpora(checkout: Path) -> Path:
    """The folder of real logs: OCSF_PIPE_CORPORA, else beside the checkout; it need not be there."""
    return Path(os.environ.get("OCSF_PIPE_CORPORA") or checkout.parent / "shared" / "corpora")


def batches(plan: Plan, folders: list[Path], few: int | None) -> Iterator[Records]:
    """The records of the files: with `few` the first of each file, those of one shape together; else run by run."""
    groups: dict[object, list[Records]] = {}
    for path in find([str(folder) for folder in folders]):
        if "expected" in path.parts:
            continue
        for run in runs(plan, path, few):
            if few is None:
                yield run
            elif len(run):
                groups.setdefault(shape(run), []).append(run)
    for group in groups.values():
        yield concat(group, (), 0)


def runs(plan: Plan, path: Path, few: int | None) -> Iterator[Records]:
    """The runs of one file, of the first one `few` records."""
    with open_stream(path) as stream:
        found = FORMATS[plan.format].read(stream, plan.settings)
        if few is None:
            yield from found
        else:
            yield from (first(run, few) for run in islice(found, 1))


def first(run: Records, count: int) -> Records:
    """The first records of a run."""
    columns = None if run.columns is None else run.columns.slice(0, count).combine_chunks()
    json = None if run.json is None else run.json.slice(0, count)
    return Records(
        run.raw.slice(0, count), run.position.slice(0, count), run.sub.slice(0, count), run.end, json, columns
    )
