"""The page on sessions is true: its one query finds everything behind a prompt, whoever logged it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ocsf_pipe import Lake
from ocsf_pipe.bundled import mappings_dir
from ocsf_pipe.cli import build

PAGE = (Path(__file__).parents[2] / "docs" / "ai-sessions.md").read_text(encoding="utf-8")
SAMPLES = {
    "litellm.standard_payload": ("calls", "guardrail", "mcp"),
    "aws.bedrock_invocation": ("guardrail",),
    "otel.genai": ("retrieval",),
}
EXECUTED = {
    "resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "tool-worker"}}]},
        "scopeSpans": [{"scope": {"name": "worker"}, "spans": [{
            "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331",
            "name": "execute_tool get_weather",
            "kind": 1, "startTimeUnixNano": "1772442904000000000", "endTimeUnixNano": "1772442904500000000",
            "attributes": [
                {"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}},
                {"key": "gen_ai.tool.name", "value": {"stringValue": "get_weather"}},
                {"key": "gen_ai.tool.call.id", "value": {"stringValue": "call_a_of_the_session"}},
            ],
        }]}],
    }]
}  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with a gateway's session, a guardrail's verdicts, and the span of a worker that ran the tool."""
    home = tmp_path_factory.mktemp("sessions")
    (home / "worker.ndjson").write_text(json.dumps(EXECUTED) + "\n", encoding="utf-8")
    for mapping, names in SAMPLES.items():
        files = [home / "worker.ndjson"] if mapping == "otel.genai" else []
        for name in names:
            sample = mappings_dir() / mapping.replace(".", "/") / "samples" / f"{name}.input.ndjson"
            text = sample.read_text(encoding="utf-8").replace('"id": "call_a"', '"id": "call_a_of_the_session"')
            files.append(home / f"{mapping}.{name}.ndjson")
            files[-1].write_text(text, encoding="utf-8")
        told = [*map(str, files), "--lake", str(home / "lake"), "--mapping", mapping]
        done = CliRunner().invoke(build(), ["ingest", *told])
        assert done.exit_code == 0, done.output
    return home / "lake"


def behind(lake: Path, event: str) -> list[dict[str, Any]]:
    """What the page's query answers for an event."""
    (query,) = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    rows: list[dict[str, Any]] = Lake(lake).sql(query.replace("EVENT", event)).to_pylist()
    return rows


def first(lake: Path, condition: str) -> str:
    """The id of one event."""
    found: list[str] = Lake(lake).sql(f"select metadata.uid u from api_activity where {condition}")["u"].to_pylist()
    return found[0]


def test_all_events_of_a_session_are_found_in_order(lake: Path) -> None:
    """Calls, requested tools, the tools of MCP and the findings of every class, of one session and no other."""
    rows = behind(lake, first(lake, "source = 'litellm.standard_payload' and api.request.uid = 'call-2'"))
    assert {row["class"] for row in rows} == {
        "API Activity", "Datastore Activity", "Detection Finding", "Data Security Finding",
    }  # fmt: skip
    assert {"completion", "tool_call", "call_mcp_tool", "Create"} <= {row["activity"] for row in rows}
    assert {"get_weather", "get_issue", "gpt-4o-mini"} <= {row["what"] for row in rows}
    assert [row["happened"] for row in rows] == sorted(row["happened"] for row in rows)
    assert {row["source"] for row in rows} == {"litellm.standard_payload", "otel.genai"}


def test_the_execution_of_a_requested_tool_is_found_by_the_id_of_the_call(lake: Path) -> None:
    """Another source's span of the same call is there, though its trace is another."""
    rows = behind(lake, first(lake, "source = 'litellm.standard_payload' and api.request.uid = 'call-2'"))
    pair = [(row["source"], row["activity"], row["outcome"]) for row in rows if row["call"] == "call_a_of_the_session"]
    assert sorted(pair) == [
        ("litellm.standard_payload", "tool_call", None),
        ("otel.genai", "execute_tool", "Success"),
    ]


def test_the_verdicts_of_a_guardrail_are_behind_the_call_that_they_judged(lake: Path) -> None:
    """One call of Bedrock with its three verdicts of automated reasoning and two finds of sensitive data."""
    uid = first(lake, "source = 'aws.bedrock_invocation' and api.request.uid like '%a1' and activity_name = 'Converse'")
    rows = behind(lake, uid)
    assert [row["class"] for row in rows].count("Compliance Finding") == 3
    assert [row["class"] for row in rows].count("Data Security Finding") == 2
    assert {row["outcome"] for row in rows if row["class"] == "Data Security Finding"} == {"Corrected", "Blocked"}
