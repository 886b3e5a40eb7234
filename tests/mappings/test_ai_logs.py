"""Real logs of AI applications go into a lake as they lie there: nothing is lost, and each goes to its own mapping."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ocsf_pipe.cli import build

REASONS = {"no mapping recognises the record", "the record is not a JSON object"}
KNOWN = {
    "llm_anthropic_audit": {"anthropic.compliance": 1.0},
    "llm_bedrock_invocation": {"aws.bedrock_invocation": 1.0},
    # the others are of another coding agent, or no objects at all
    "llm_claude_code_transcripts": {"anthropic.claude_code_transcript": 0.85},
    "llm_langfuse_traces": {"langfuse.trace": 1.0},
    "llm_m365_copilot": {"microsoft.ediscovery_items": 1.0},
    # the messages among the examples of the specification; the others are parts of messages
    "llm_mcp": {"mcp.jsonrpc": 0.13},
    "llm_openai_audit": {"openai.audit_log": 1.0},
    "llm_openinference": {"otel.genai": 1.0},
    # the others are spans in the notation of another product's tests
    "llm_otel_genai": {"otel.genai": 0.99},
}
"""Of each folder, the mappings that take its records, and what share of them at least."""
SMALL = {"llm_anthropic_audit", "llm_bedrock_invocation", "llm_m365_copilot", "llm_openai_audit"}


def folders(*, small: bool) -> list[Any]:
    """The folders with logs of AI, the big ones apart."""
    return sorted(name for name in KNOWN if (name in SMALL) == small)


def corpora(checkout: Path) -> Path:
    """The folder of real logs: OCSF_PIPE_CORPORA, else beside the checkout; it need not be there."""
    return Path(os.environ.get("OCSF_PIPE_CORPORA") or checkout.parent / "shared" / "corpora")


@pytest.mark.parametrize("name", folders(small=True))
def test_every_record_is_written_or_refused_with_a_reason(name: str, checkout: Path, tmp_path: Path) -> None:
    """Records in = records written + refused; the reason is one that a person understands; each mapping has its own."""
    check(corpora(checkout) / name, tmp_path)


@pytest.mark.heavy
@pytest.mark.parametrize("name", folders(small=False))
def test_every_record_of_the_big_ones_too(name: str, checkout: Path, tmp_path: Path) -> None:
    """The same for traces, messages and spans."""
    check(corpora(checkout) / name, tmp_path)


@pytest.mark.heavy
def test_what_no_mapping_knows_is_kept_with_a_reason(checkout: Path, tmp_path: Path) -> None:
    """Logs of AI that have no mapping yet are whole in quarantine."""
    here = corpora(checkout)
    others = [path for path in sorted(here.glob("llm_*")) if path.name not in KNOWN]
    if not others:
        pytest.skip("there are no real logs of AI here")
    for number, folder in enumerate(others):
        report = ingested(folder, tmp_path / str(number))
        assert report["written"] + report["quarantined"] == report["records"] > 0
        assert set(report["quarantined_by_reason"]) <= REASONS


def check(folder: Path, home: Path) -> None:
    """Ingest one folder without naming a mapping."""
    if not folder.is_dir():
        pytest.skip("there are no real logs of this source here")
    report = ingested(folder, home)
    assert report["records"] == report["written"] + report["quarantined"] + report["dropped"]
    assert report["missing"] == report["dropped"] == 0
    assert set(report["quarantined_by_reason"]) <= REASONS
    shares = {name: count / report["records"] for name, count in report["mappings"].items()}
    assert shares.keys() == KNOWN[folder.name].keys()
    assert all(shares[name] >= share for name, share in KNOWN[folder.name].items())


def ingested(folder: Path, home: Path) -> dict[str, Any]:
    """What `ingest` reports of all files of a folder but those that say what others make of them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "expected" not in path.parts)
    done = CliRunner().invoke(build(), ["ingest", *map(str, files), "--lake", str(home / "lake"), "--json"])
    report: dict[str, Any] = json.loads(done.stdout)
    return report
