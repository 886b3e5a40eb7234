"""Applications under OpenInference and OpenLLMetry, as released, report to the pipeline's own OTLP listener.

Nothing is made by hand: the OpenTelemetry SDK exports what the instrumentations of OpenAI, Anthropic, LangChain and MCP
say of calls to a local model server. Their Python is the one that OCSF_PIPE_INSTRUMENTED_PYTHON names, or this one.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from ocsf_pipe.lake import Lake
from ocsf_pipe.schema.validate import validator
from ocsf_pipe.testing.events import ocsf_events
from tests.ai.model_server import COMPLETION_TOKENS, PROMPT_TOKENS, Served, model_server
from tests.architecture.sources import ROOT

pytestmark = pytest.mark.heavy

PYTHON = os.environ.get("OCSF_PIPE_INSTRUMENTED_PYTHON", sys.executable)
NEEDED = (
    "openai, anthropic, langchain_openai, mcp, openinference.instrumentation.mcp, opentelemetry.instrumentation.mcp"
)
PIPELINE = """\
pipeline: listener
lake: {place}/lake
batch: {{seconds: 0.3}}
log: {{format: json}}
sources:
  push: {{connector: http, mapping: [otel.genai, anthropic.claude_code], listen: "127.0.0.1:{port}"}}
"""
Event = dict[str, Any]


@dataclass(frozen=True)
class World:
    """What an application did, step by step, what the model server gave it, and the lake that tells of it."""

    dialect: str
    steps: dict[str, dict[str, Any]]
    served: Served
    lake: Lake

    @cached_property
    def events(self) -> list[Event]:
        """Every event of the lake."""
        names = [name for name in self.lake.tables() if not name.startswith("_")]
        return [event for name in names for event in ocsf_events(self.lake.sql(f"select * from {name}"))]

    def of(self, step: str, activity: str = "") -> list[Event]:
        """The events in the trace of a step, of one activity."""
        trace = self.steps[step]["trace"]
        found = [event for event in self.events if trace in (_trace(event), event["metadata"].get("correlation_uid"))]
        return [event for event in found if not activity or event["activity_name"] == activity]


@pytest.fixture(scope="module", params=["openinference", "openllmetry"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An application that ran to its end, and a pipeline that was told to stop afterwards."""
    if subprocess.run([PYTHON, "-c", f"import {NEEDED}"], capture_output=True, check=False).returncode:
        pytest.skip(
            f"{PYTHON} has no instrumentations: `pip install --group instrumentation-tests` into an environment, and "
            "name its Python in OCSF_PIPE_INSTRUMENTED_PYTHON"
        )
    place = tmp_path_factory.mktemp(request.param)
    with model_server() as served, _pipeline(place) as otlp:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OTEL_"))}
        app = [PYTHON, str(ROOT / "tests/ai/instrumented_app.py"), request.param, served.url, otlp]
        done = subprocess.run(app, env=clean, cwd=place, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(steps) == 21, done.stdout
    return World(request.param, {one["step"]: one for one in steps}, served, Lake(place / "lake"))


class _pipeline:  # noqa: N801 - used as a word
    """A running pipeline with an OTLP listener; it ends with the block, and everything it took is in the lake."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __enter__(self) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        file = self.place / "pipeline.yaml"
        file.write_text(PIPELINE.format(place=self.place, port=port))
        paths = os.pathsep.join([str(ROOT), str(ROOT / "connectors")])
        with (self.place / "log").open("wb") as log:
            command = [sys.executable, "-m", "ocsf_pipe", "run", str(file)]
            self.process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths}, stderr=log)
        deadline = time.monotonic() + 120
        while not _listens(port):
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.process.kill()
                self.process.wait(10)
                pytest.fail((self.place / "log").read_text())
            time.sleep(0.1)
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(120) == 0, (self.place / "log").read_text()
        finally:
            self.process.kill()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _trace(event: Event) -> str:
    return str(event.get("trace", {}).get("uid", ""))


def _uid(event: Event) -> str:
    return str(event.get("api", {}).get("request", {}).get("uid", ""))


def test_every_span_becomes_a_valid_event(world: World) -> None:
    """None is refused, and none breaks the class that it says it is of."""
    check = validator()
    wrong = Counter(f"{event['type_name']}: {line}" for event in world.events for line in check.errors(event))
    assert wrong == {}
    assert [name for name in world.lake.tables() if name.startswith("_quarantine")] == []
    assert len(world.events) > 50


def test_no_text_of_prompts_answers_or_results_is_kept(world: World) -> None:
    """Nowhere in an event, its raw record included: sealed tokens stand in their place."""
    for event in world.events:
        written = json.dumps(event, ensure_ascii=False)
        assert not [text for text in ("Does it rain", "It rains", "About rain") if text in written], event["message"]


def test_every_answer_of_a_model_is_found_by_its_id(world: World) -> None:
    """In the trace of the step that got it, with the model, its provider and a success."""
    told = {_uid(event) for event in world.events if event["activity_name"] == "chat"}
    answers = {answer for answer in world.served.answers if not answer.startswith("emb_")}
    assert answers <= told
    for name, step in world.steps.items():
        for answer in {step.get("answer"), step.get("last")} - {None}:
            found = [event for event in world.of(name, "chat") if _uid(event) == answer]
            assert found, (name, answer)
            assert {event["status"] for event in found} == {"Success"}
            stopped = {event.get("stop_reason") for event in found} - {None}
            wanted = "Tool Use" if "tool_call" in step and answer == step["answer"] else "End of Turn"
            # OpenInference tells none of the Responses API.
            assert stopped == {wanted} or (stopped == set() and name == "openai.responses")
            assert {event["ai_model"]["name"] for event in found} <= {"gpt-4.1-2026", "claude-sonnet-4-2026"}
            assert {event["ai_model"]["ai_provider"] for event in found} == {
                "Anthropic" if name.startswith("anthropic") else "OpenAI"
            }


def test_every_tool_that_a_model_asked_for_is_found_by_its_id(world: World) -> None:
    """With the tool's name. OpenLLMetry tells of the Responses API the id of the item and not that of the call."""
    asked = {
        (_uid(event), event["api"]["operation"]) for event in world.events if event["activity_name"] == "tool_call"
    }
    unknown = set(world.served.tool_calls) - asked
    assert {uid for uid, _ in unknown} <= {world.steps["openai.responses"]["tool_call"]}
    assert [event["api"]["operation"] for event in world.of("openai.responses", "tool_call")] == ["get_weather"]
    if world.dialect == "openinference":
        assert unknown == set()


def test_the_use_of_a_tool_bears_the_id_that_the_model_gave(world: World) -> None:
    """So request and execution are one query; a tool that failed is a failure with its error."""
    wanted = world.steps["langchain.agent"]["tool_call"]
    (used,) = world.of("langchain.agent", "execute_tool")
    assert (_uid(used), used["api"]["operation"], used["status"]) == (wanted, "get_weather", "Success")
    assert wanted in {_uid(event) for event in world.of("langchain.agent", "tool_call")}
    (failed,) = world.of("langchain.tool_failure", "execute_tool")
    assert (failed["status"], failed["status_code"]) == ("Failure", "ValueError")


def test_every_failure_is_a_failure(world: World) -> None:
    """Of the model server and of a client, plain and streamed, by the type of its error."""
    broken = {name: step["error"] for name, step in world.steps.items() if "error" in step}
    assert len(broken) == 5
    assert world.served.failures == [429, 429, 500, 429]
    for name, error in broken.items():
        found = [event for event in world.of(name) if event.get("status") == "Failure"]
        assert found, name
        assert any(event["status_code"].endswith(error) for event in found), (name, error)
    for name in world.steps.keys() - broken.keys() - {"mcp.failure"}:
        assert [event for event in world.of(name) if event.get("status") == "Failure"] == [], name


def test_tokens_are_counted_once_for_each_answer(world: World) -> None:
    """As the page of the mapping says, where several instrumentations tell of one call."""
    query = (
        "select sum(t)::bigint as total from (select any_value(message_context.total_tokens) as t from api_activity "
        "where message_context.total_tokens is not null and activity_name = 'chat' group by api.request.uid)"
    )
    untold = 1  # OpenAI streams say how many only where they are asked for it
    answers = len([answer for answer in world.served.answers if not answer.startswith("emb_")]) - untold
    (row,) = world.lake.sql(query).to_pylist()
    # OpenLLMetry adds the one token that begins each of Anthropic's two streams to their sum, and is not mended here.
    more = 2 if world.dialect == "openllmetry" else 0
    assert row["total"] - answers * (PROMPT_TOKENS + COMPLETION_TOKENS) in range(more + 1)
    (embedded,) = world.of("openai.embeddings", "embeddings")
    assert embedded["message_context"]["total_tokens"] == PROMPT_TOKENS


def test_retrievals_and_agents_are_what_they_are(world: World) -> None:
    """A retriever is a query of a data store; an agent is named."""
    (query,) = [event for event in world.of("langchain.retriever") if event["class_name"] == "Datastore Activity"]
    assert (query["activity_name"], query["database"]["name"]) == ("Query", "Handbook")
    agents = world.of("langchain.agent", "invoke_agent")
    assert any("weather_agent" in event["message"] for event in agents)


def test_what_an_mcp_client_does_is_told(world: World) -> None:
    """By OpenLLMetry, with the server's name; OpenInference joins traces and says nothing of its own."""
    if world.dialect == "openinference":
        assert [event["activity_name"] for event in world.of("mcp.call")] == ["span"]
        return
    (began,) = world.of("mcp.initialize", "initialize")
    assert began["api"]["service"]["name"] == "weather"
    (listed,) = [event for event in world.of("mcp.list", "Read") if event["class_name"] == "API Activity"]
    assert listed["api"]["operation"] == "tools/list"
    (used,) = world.of("mcp.call", "execute_tool")
    assert (used["api"]["operation"], used["status"]) == ("get_weather", "Success")
    (failed,) = world.of("mcp.failure", "execute_tool")
    assert (failed["status"], failed["status_code"]) == ("Failure", "tool_error")
