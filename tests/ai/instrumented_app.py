"""An application that calls models, tools and an MCP server under real instrumentation, and says what it did.

Run by the Python that has the instrumentations: `instrumented_app.py openinference|openllmetry MODELS OTLP`. It writes
one line of JSON for each thing that it did, with the trace that the thing was within.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

INSTRUMENTATIONS = {
    "openinference": [
        ("openinference.instrumentation.openai", "OpenAIInstrumentor"),
        ("openinference.instrumentation.anthropic", "AnthropicInstrumentor"),
        ("openinference.instrumentation.langchain", "LangChainInstrumentor"),
        ("openinference.instrumentation.mcp", "MCPInstrumentor"),
    ],
    "openllmetry": [
        ("opentelemetry.instrumentation.openai", "OpenAIInstrumentor"),
        ("opentelemetry.instrumentation.anthropic", "AnthropicInstrumentor"),
        ("opentelemetry.instrumentation.langchain", "LangchainInstrumentor"),
        ("opentelemetry.instrumentation.mcp", "McpInstrumentor"),
    ],
}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "The weather of a city.", "parameters": PARAMETERS}
CHAT_TOOL = {"type": "function", "function": FUNCTION}
ASKED = [{"role": "user", "content": "Does it rain in Bern?"}]
BROKEN = [{"role": "user", "content": "please rate limit"}]
MCP_SERVER = """
import sys
from mcp.server.fastmcp import FastMCP
server = FastMCP("weather")
@server.tool()
def get_weather(city: str) -> str:
    "The weather of a city."
    if city == "Atlantis":
        raise ValueError("no such city")
    return f"It rains in {city}."
server.run()
"""


@contextmanager
def step(name: str) -> Iterator[dict[str, Any]]:
    """One thing that the application does, in a trace of its own; what is put into the result is told."""
    done: dict[str, Any] = {"step": name}
    with trace.get_tracer("instrumented-app").start_as_current_span(name) as span:
        done["trace"] = f"{span.get_span_context().trace_id:032x}"
        try:
            yield done
        except Exception as error:  # noqa: BLE001 - a failure is what some steps are for
            done["error"] = type(error).__name__
    sys.stdout.write(json.dumps(done) + "\n")
    sys.stdout.flush()


def openai(url: str) -> None:
    """Chat, plain and streamed and with a tool; the Responses API; embeddings; failures."""
    client = importlib.import_module("openai").OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
    with step("openai.chat") as done:
        done["answer"] = client.chat.completions.create(model="gpt-4.1", messages=ASKED).id
    with step("openai.stream") as done:
        options = {"include_usage": True}
        chunks = list(
            client.chat.completions.create(model="gpt-4.1", messages=ASKED, stream=True, stream_options=options)
        )
        done["answer"] = chunks[0].id
    with step("openai.tools") as done:
        answer = client.chat.completions.create(model="gpt-4.1", messages=ASKED, tools=[CHAT_TOOL])
        call = answer.choices[0].message.tool_calls[0]
        result = {"role": "tool", "tool_call_id": call.id, "content": "It rains."}
        messages = [*ASKED, answer.choices[0].message.model_dump(exclude_none=True), result]
        last = client.chat.completions.create(model="gpt-4.1", messages=messages, tools=[CHAT_TOOL])
        done |= {"answer": answer.id, "tool_call": call.id, "last": last.id}
    with step("openai.stream_tools") as done:
        chunks = list(client.chat.completions.create(model="gpt-4.1", messages=ASKED, tools=[CHAT_TOOL], stream=True))
        calls = [chunk.choices[0].delta.tool_calls for chunk in chunks if chunk.choices]
        done |= {"answer": chunks[0].id, "tool_call": next(found[0].id for found in calls if found)}
    with step("openai.responses") as done:
        response = client.responses.create(model="gpt-4.1", input="Rain?", tools=[{"type": "function", **FUNCTION}])
        done |= {"answer": response.id, "tool_call": response.output[0].call_id}
    with step("openai.embeddings"):
        client.embeddings.create(model="text-embedding-3-small", input=["rain"])
    with step("openai.rate_limit"):
        client.chat.completions.create(model="gpt-4.1", messages=BROKEN)
    with step("openai.broken_stream"):
        list(client.chat.completions.create(model="gpt-4.1", messages=BROKEN, stream=True))


def anthropic(url: str) -> None:
    """Messages, plain and streamed and with a tool; a failure."""
    client = importlib.import_module("anthropic").Anthropic(base_url=url, api_key="none", max_retries=0)
    about: dict[str, Any] = {"model": "claude-sonnet-4", "max_tokens": 50}
    tools = [{"name": "get_weather", "description": "The weather of a city.", "input_schema": PARAMETERS}]
    with step("anthropic.messages") as done:
        done["answer"] = client.messages.create(messages=ASKED, **about).id
    with step("anthropic.stream") as done:
        events = list(client.messages.create(messages=ASKED, stream=True, **about))
        done["answer"] = events[0].message.id
    with step("anthropic.tools") as done:
        answer = client.messages.create(messages=ASKED, tools=tools, **about)
        call = answer.content[0]
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "It rains."}
        asked = {"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}
        messages = [*ASKED, {"role": "assistant", "content": [asked]}, {"role": "user", "content": [result]}]
        last = client.messages.create(messages=messages, tools=tools, **about)
        done |= {"answer": answer.id, "tool_call": call.id, "last": last.id}
    with step("anthropic.stream_tools") as done:
        events = list(client.messages.create(messages=ASKED, tools=tools, stream=True, **about))
        done |= {"answer": events[0].message.id, "tool_call": events[1].content_block.id}
    with step("anthropic.broken"):
        client.messages.create(messages=[{"role": "user", "content": "please break"}], **about)


def langchain(url: str) -> None:
    """An agent that uses a tool; a tool that fails; a retriever; a chain that fails."""
    tools = importlib.import_module("langchain_core.tools")
    model = importlib.import_module("langchain_openai").ChatOpenAI(
        model="gpt-4.1", base_url=f"{url}/v1", api_key="none", max_retries=0
    )

    @tools.tool
    def get_weather(city: str) -> str:
        """Return the weather of a city."""
        if city == "Atlantis":
            raise ValueError("no such city")
        return f"It rains in {city}."

    with step("langchain.agent") as done:
        agent = importlib.import_module("langchain.agents").create_agent(model, [get_weather], name="weather_agent")
        messages = agent.invoke({"messages": ASKED})["messages"]
        done |= {"tool_call": messages[1].tool_calls[0]["id"], "answers": [messages[1].id, messages[3].id]}
    with step("langchain.tool_failure"):
        get_weather.invoke({"city": "Atlantis"})
    with step("langchain.retriever"):
        _retriever().invoke("rain")
    with step("langchain.broken"):
        model.invoke("please rate limit")


def _retriever() -> Any:
    documents = importlib.import_module("langchain_core.documents")
    retrievers = importlib.import_module("langchain_core.retrievers")

    class Handbook(retrievers.BaseRetriever):  # type: ignore[name-defined, misc]
        def _get_relevant_documents(self, query: str, **_: Any) -> list[Any]:
            return [documents.Document(page_content=f"About {query}.", metadata={"source": "kb/7.md"}, id="doc-7")]

    return Handbook()


def mcp(_: str) -> None:
    """A server of one tool over stdio: list it, use it, see it fail."""
    asyncio.run(_mcp())


async def _mcp() -> None:
    client = importlib.import_module("mcp")
    stdio = importlib.import_module("mcp.client.stdio")
    command = stdio.StdioServerParameters(command=sys.executable, args=["-c", MCP_SERVER])
    async with stdio.stdio_client(command) as streams, client.ClientSession(*streams) as session:
        with step("mcp.initialize"):
            await session.initialize()
        with step("mcp.list") as done:
            done["tools"] = [tool.name for tool in (await session.list_tools()).tools]
        with step("mcp.call"):
            await session.call_tool("get_weather", {"city": "Bern"})
        with step("mcp.failure") as done:
            done["failed"] = (await session.call_tool("get_weather", {"city": "Atlantis"})).isError


def main() -> None:
    """Do everything, then send what is left."""
    dialect, models, otlp = sys.argv[1:4]
    provider = TracerProvider(resource=Resource.create({"service.name": f"app-{dialect}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{otlp}/v1/traces")))
    trace.set_tracer_provider(provider)
    for module, name in INSTRUMENTATIONS[dialect]:
        getattr(importlib.import_module(module), name)().instrument(tracer_provider=provider)
    steps: list[Callable[[str], None]] = [openai, anthropic, langchain, mcp]
    for one in steps:
        one(models)
    provider.shutdown()


if __name__ == "__main__":
    main()
