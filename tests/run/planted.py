"""Records of every dialect in which a mark stands wherever the dialect puts what people, models and tools say.

Written from the dialects' documentation, not from what the mappings declare: what a mapping forgets is found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

MARK = "XYZZYPLANTED"
SAID = f"please {MARK} now"
AT, NANO = "2026-02-10T09:08:07.006Z", "1770714487006000000"
CALL = {"id": "call_1", "type": "function", "function": {"name": "ls", "arguments": json.dumps({"path": SAID})}}
CHAT = [{"role": "user", "content": SAID}, {"role": "assistant", "content": [{"type": "text", "text": SAID}]}]
PARTS = [
    {"role": "user", "parts": [{"type": "text", "content": SAID}]},
    {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "ls", "arguments": {"path": SAID}},
                                    {"type": "reasoning", "content": SAID}], "finish_reason": "stop"},
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": SAID}]},
]  # fmt: skip
CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": SAID, "tool_calls": [CALL]}}


def _any(value: Any) -> dict[str, Any]:
    """A value as OTLP/JSON has it."""
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": _pairs(value)}}
    return {"intValue": str(value)}


def _pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any(value)} for key, value in values.items()]


def span(scope: str, attributes: dict[str, Any], *events: dict[str, Any]) -> dict[str, Any]:
    """One span in an export request."""
    told = [{"name": "event", "timeUnixNano": NANO, "attributes": _pairs(event)} for event in events]
    body = {"traceId": "5b8aa5a2d2c872e8321cf37308d69df2", "spanId": "5fb397be34d26b51", "name": "chat gpt", "kind": 3,
            "startTimeUnixNano": NANO, "endTimeUnixNano": NANO, "attributes": _pairs(attributes), "events": told}  # fmt: skip
    return {"resourceSpans": [{"resource": {"attributes": _pairs({"service.name": "app"})},
                               "scopeSpans": [{"scope": {"name": scope}, "spans": [body]}]}]}  # fmt: skip


def log(scope: str, attributes: dict[str, Any], body: Any) -> dict[str, Any]:
    """One log record in an export request."""
    record = {"timeUnixNano": NANO, "attributes": _pairs(attributes), "body": _any(body)}
    return {"resourceLogs": [{"resource": {"attributes": _pairs({"service.name": "app"})},
                              "scopeLogs": [{"scope": {"name": scope}, "logRecords": [record]}]}]}  # fmt: skip


def _otel() -> Iterator[dict[str, Any]]:
    for shape in (PARTS, json.dumps(PARTS)):
        yield span("gen", {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4.1",
            "gen_ai.input.messages": shape, "gen_ai.output.messages": shape,
            "gen_ai.system_instructions": [{"type": "text", "content": SAID}],
        }, {"gen_ai.input.messages": json.dumps(PARTS), "gen_ai.prompt": SAID, "content": SAID})  # fmt: skip
    yield span("gen", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "ls", "gen_ai.tool.call.id": "c",
                       "gen_ai.tool.call.arguments": json.dumps({"path": SAID}), "gen_ai.tool.call.result": SAID})  # fmt: skip
    yield span("openllmetry", {
        "gen_ai.system": "OpenAI", "llm.request.type": "chat", "gen_ai.request.model": "gpt-4.1",
        "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": SAID, "gen_ai.completion.0.content": SAID,
        "gen_ai.completion.0.tool_calls.0.name": "ls", "gen_ai.completion.0.tool_calls.0.arguments": SAID,
        "traceloop.entity.input": json.dumps({"inputs": SAID}), "traceloop.entity.output": SAID,
    })  # fmt: skip
    yield span("openinference", {
        "openinference.span.kind": "LLM", "llm.model_name": "gpt-4.1", "input.value": json.dumps({"messages": CHAT}),
        "output.value": json.dumps({"choices": [CHOICE]}), "llm.input_messages.0.message.content": SAID,
        "llm.input_messages.1.message.contents.0.message_content.text": SAID,
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "ls",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": json.dumps({"path": SAID}),
        "llm.prompt_template.variables": SAID, "metadata": "{}",
    })  # fmt: skip
    yield span("openinference", {"openinference.span.kind": "RETRIEVER", "input.value": SAID,
                                 "retrieval.documents.0.document.content": SAID, "output.value": SAID})  # fmt: skip
    yield span("ai", {"ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "gpt-4.1", "ai.prompt": SAID,
                      "ai.prompt.messages": json.dumps(CHAT), "ai.response.text": SAID, "ai.response.toolCalls":
                      json.dumps([{"toolCallId": "c", "toolName": "ls", "args": {"path": SAID}, "input": SAID}])})  # fmt: skip
    yield log(
        "gen", {"event.name": "gen_ai.user.message", "gen_ai.system": "openai"}, {"content": SAID, "role": "user"}
    )
    yield log("gen", {"event.name": "gen_ai.choice", "gen_ai.system": "openai"}, CHOICE)
    yield log("gen", {"gen_ai.system": "openai", "gen_ai.operation.name": "chat"}, SAID)


def _claude_code() -> Iterator[dict[str, Any]]:
    scope, session = "com.anthropic.claude_code.events", {"session.id": "s", "event.sequence": 1, "prompt.id": "p"}
    yield log(
        scope, {**session, "event.name": "user_prompt", "prompt": SAID, "prompt_length": 9}, "claude_code.user_prompt"
    )
    yield log(
        scope, {**session, "event.name": "api_response_body", "body": json.dumps({"content": CHAT})}, "claude_code.x"
    )
    given = {"file_path": "/a", "content": SAID, "new_string": SAID, "prompt": SAID, "query": SAID}
    yield log(scope, {**session, "event.name": "tool_result", "tool_name": "Write", "tool_input": json.dumps(given),
                      "tool_parameters": json.dumps({"description": SAID}), "success": "true"}, "claude_code.tool_result")  # fmt: skip
    yield span(scope, {**session, "user_prompt": SAID, "new_context": SAID}, {"output": SAID})


def _bedrock() -> Iterator[dict[str, Any]]:
    top = {"timestamp": AT, "accountId": "111122223333", "region": "us-east-1", "schemaType": "ModelInvocationLog",
           "modelId": "anthropic.claude-3", "schemaVersion": "1.0"}  # fmt: skip
    asked = {"messages": [{"role": "user", "content": [{"text": SAID}]}], "system": [{"text": SAID}]}
    used = {"toolUse": {"toolUseId": "t", "name": "ls", "input": {"path": SAID}}}
    said = {"message": {"role": "assistant", "content": [{"text": SAID}, used, {"reasoningContent": {"text": SAID}}]}}
    hit = {"match": MARK, "type": "EMAIL", "action": "BLOCKED"}
    trace = {"guardrail": {"inputAssessment": {"g": {"sensitiveInformationPolicy": {"piiEntities": [hit]}}}}}
    yield {**top, "operation": "Converse", "requestId": "r1", "input": {"inputBodyJson": asked},
           "output": {"outputBodyJson": {"output": said, "stopReason": "end_turn", "trace": trace}}}  # fmt: skip
    answer = {
        "content": [{"type": "text", "text": SAID}, {"type": "tool_use", "id": "t", "name": "ls", "input": {"p": SAID}}]
    }
    yield {**top, "operation": "InvokeModel", "requestId": "r2",
           "input": {"inputBodyJson": {"prompt": SAID, "messages": CHAT, "system": SAID}},
           "output": {"outputBodyJson": answer}}  # fmt: skip
    chunks = [{"type": "content_block_delta", "delta": {"type": "text_delta", "text": SAID}}, {"outputText": SAID},
              {"type": "content_block_delta", "delta": {"partial_json": SAID}}, {"completion": SAID}]  # fmt: skip
    yield {**top, "operation": "InvokeModelWithResponseStream", "requestId": "r3", "input": {"inputBodyJson": SAID},
           "output": {"outputBodyJson": chunks}}  # fmt: skip


def _agentcore() -> Iterator[dict[str, Any]]:
    arn = "arn:aws:bedrock-agentcore:us-east-1:111122223333:"
    top = {"event_timestamp": 1770714487006, "account_id": "111122223333", "request_id": "r", "session_id": "s"}
    given = json.dumps({"prompt": SAID, "name": "ls", "arguments": {"path": SAID}})
    yield {**top, "resource_arn": f"{arn}runtime/a", "operation": "InvokeAgentRuntime",
           "body": {"request_payload": given, "response_payload": json.dumps({"result": SAID})}}  # fmt: skip
    cut = json.dumps({"truncatedPayload": given[:-20]})
    yield {
        **top,
        "resource_arn": f"{arn}code-interpreter/a",
        "body": {"request_payload": cut, "response_payload": SAID},
    }


def _azure() -> Iterator[dict[str, Any]]:
    where = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.COGNITIVESERVICES/ACCOUNTS/A"
    told = {"modelDeploymentName": "gpt", "request": SAID, "response": SAID, "requestBody": {"messages": CHAT}}
    for given in (told, json.dumps(told)):
        yield {"time": AT, "resourceId": where, "category": "RequestResponse", "properties": given,
               "operationName": "ChatCompletions_Create", "resultSignature": "200"}  # fmt: skip


def _copilot() -> Iterator[dict[str, Any]]:
    said = {"ThreadId": "t", "Messages": [{"Id": "1", "isPrompt": True, "Content": SAID}], "Prompt": SAID}
    top = {
        "CreationTime": AT,
        "Id": "1",
        "Operation": "CopilotInteraction",
        "Workload": "Copilot",
        "UserId": "a@b.example",
    }
    yield {**top, "RecordType": 261, "CopilotEventData": said}
    yield {"CreationDate": AT, "RecordType": 261, "Operations": "CopilotInteraction", "UserIds": "a@b.example",
           "AuditData": json.dumps({**top, "CopilotEventData": said})}  # fmt: skip


def _litellm() -> Iterator[dict[str, Any]]:
    yield {"id": "1", "call_type": "acompletion", "startTime": 1770714487.0, "endTime": 1770714488.0, "status": "success",
           "response_cost": 0.1, "model": "gpt", "custom_llm_provider": "openai", "messages": CHAT,
           "response": {"id": "r", "choices": [CHOICE], "output": [{"type": "message", "content": [{"text": SAID}]}]},
           "metadata": {"user_api_key_hash": "k", "mcp_tool_call_metadata": {"name": "ls", "arguments": {"p": SAID}}},
           "guardrail_information": [{"guardrail_name": "g", "guardrail_status": "success", "guardrail_response": SAID,
                                      "guardrail_request": {"text": SAID}}]}  # fmt: skip


def _langsmith() -> Iterator[dict[str, Any]]:
    asked, made = {"messages": [CHAT]}, {"generations": [[{"text": SAID, "message": {"kwargs": {"content": SAID}}}]]}
    for form in (lambda value: value, json.dumps):
        yield {"id": "1", "run_type": "llm", "start_time": AT, "end_time": AT, "trace_id": "t", "name": "ChatOpenAI",
               "inputs": form(asked), "outputs": form(made), "events": [{"name": "new_token", "kwargs": {"token": SAID}}],
               "inputs_preview": SAID, "outputs_preview": SAID}  # fmt: skip
    yield {"id": "2", "run_type": "tool", "start_time": AT, "end_time": AT, "trace_id": "t", "name": "ls",
           "inputs": {"input": SAID}, "outputs": {"output": {"content": SAID, "name": MARK}}}  # fmt: skip


def _langfuse() -> Iterator[dict[str, Any]]:
    for asked, made in ((CHAT, CHOICE["message"]), (json.dumps(CHAT), json.dumps(CHOICE["message"])), (SAID, SAID)):
        yield {
            "id": "1",
            "type": "GENERATION",
            "traceId": "t",
            "startTime": AT,
            "name": "chat",
            "input": asked,
            "output": made,
        }
    yield {"id": "2", "type": "TOOL", "traceId": "t", "startTime": AT, "name": "ls", "input": {"p": SAID},
           "output": {"name": MARK, "id": 1}, "metadata": {"attributes": {"gen_ai.prompt.0.content": SAID}}}  # fmt: skip


def _github() -> Iterator[dict[str, Any]]:
    for kind, body in (
        ("request", {"model": "gpt", "messages": CHAT}),
        ("response", {"model": "gpt", "choices": [CHOICE]}),
    ):
        for text in (json.dumps(body), json.dumps(body)[:-9]):
            yield {"type": kind, "user_id": 1, "enterprise_id": 9, "endpoint": "/chat/completions", "body": text,
                   "@timestamp": 1772442960002, "event_id": "e", "github_request_id": "g"}  # fmt: skip


def _mcp() -> Iterator[dict[str, Any]]:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ls", "arguments": {"path": SAID}}}
    answer = {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {"content": [{"type": "text", "text": SAID}], "structuredContent": {"a": SAID}},
    }
    sampling = {"jsonrpc": "2.0", "id": 2, "method": "sampling/createMessage",
                "params": {"messages": [{"role": "user", "content": {"type": "text", "text": SAID}}], "systemPrompt": SAID}}  # fmt: skip
    read = {"jsonrpc": "2.0", "id": 3, "result": {"contents": [{"uri": "file:///a", "text": SAID}]}}
    for message in (call, answer, sampling, read):
        yield {"timestamp": AT, **message}
        yield {"timestamp": AT, "message": message}
        yield {"timestamp": AT, "message": json.dumps(message)}


def _agents() -> Iterator[dict[str, Any]]:
    top = {"object": "trace.span", "id": "s", "trace_id": "t", "started_at": AT, "ended_at": AT}
    yield {**top, "span_data": {"type": "generation", "model": "gpt", "input": CHAT, "output": [CHOICE["message"]]}}
    yield {**top, "span_data": {"type": "function", "name": "ls", "input": json.dumps({"p": SAID}), "output": SAID}}


def _audit() -> Iterator[dict[str, Any]]:
    top = {"ocsf_pipe_audit": 1, "id": "1", "time": AT, "app": {"name": "a"}, "content": "text", "hmac_key": "k",
           "origin": {"host": "h", "pid": 1, "writer": "w", "seq": 1}, "outcome": "success"}  # fmt: skip
    text = {"chars": 9, "bytes": 9, "hmac": "00"}
    yield {**top, "kind": "completion", "model": "gpt", "provider": "openai", "prompt": text, "response": text,
           "requested_tools": [{"name": "ls", "id": "c", "arguments": text}],
           "texts": {"prompt": SAID, "response": SAID, "requested_tools.0.arguments": SAID, "new": SAID}}  # fmt: skip
    yield {**top, "kind": "tool_call", "tool": {"name": "ls"}, "tool_call": "c", "arguments": text, "result": text,
           "texts": {"arguments": SAID, "result": SAID}}  # fmt: skip


def _transcript() -> Iterator[dict[str, Any]]:
    top = {"sessionId": "s", "version": "2.1.44", "timestamp": AT, "uuid": "u", "cwd": "/a", "isSidechain": False}
    given = {"file_path": "/a", "content": SAID, "prompt": SAID, "description": SAID}
    for message in (SAID, {"role": "user", "content": SAID}):
        yield {**top, "type": "user", "message": message}
    parts = [{"type": "thinking", "thinking": SAID}, {"type": "text", "text": SAID},
             {"type": "tool_use", "id": "t", "name": "Write", "input": given}]  # fmt: skip
    yield {**top, "type": "assistant", "message": {"role": "assistant", "model": "m", "content": parts}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": SAID}]}
    yield {**top, "type": "user", "message": {"role": "user", "content": [result]}, "toolUseResult": {"stdout": SAID}}
    yield {"type": "summary", "summary": SAID, "leafUuid": "u"}


def _vertex() -> Iterator[dict[str, Any]]:
    asked = {
        "contents": [{"role": "user", "parts": [{"text": SAID}]}],
        "systemInstruction": {"parts": [{"text": SAID}]},
    }
    made = {
        "candidates": [
            {
                "content": {
                    "role": "model",
                    "parts": [{"text": SAID}, {"functionCall": {"name": "ls", "args": {"p": SAID}}}],
                },
                "finishReason": "STOP",
            }
        ]
    }
    for form in (lambda value: value, json.dumps):
        yield {
            "logging_time": AT,
            "request_id": "1",
            "endpoint": "e",
            "model": "gemini",
            "api_method": "generateContent",
            "full_request": form(asked),
            "full_response": form(made),
            "request_payload": [json.dumps(asked)],
            "response_payload": [json.dumps(made)],
        }
    yield {
        "timestamp": AT,
        "insertId": "i",
        "protoPayload": {
            "serviceName": "aiplatform.googleapis.com",
            "resourceName": "r",
            "request": asked,
            "response": made,
            "methodName": "google.cloud.aiplatform.v1.PredictionService.GenerateContent",
            "authenticationInfo": {"principalEmail": "a@b.example"},
            "requestMetadata": {"callerIp": "203.0.113.7"},
        },
    }


def _lakera() -> Iterator[dict[str, Any]]:
    hit = {"start": 0, "end": 5, "text": MARK, "detector_type": "pii/name", "message_id": 1}
    told = {
        "flagged": True,
        "metadata": {"request_uuid": "u"},
        "payload": [hit],
        "breakdown": [{"detector_type": "pii/name", "detected": True}],
    }
    yield {"timestamp": AT, **told}
    yield {"timestamp": AT, "request": {"messages": CHAT}, "response": told}


def _llama_guard() -> Iterator[dict[str, Any]]:
    yield {
        "timestamp": AT,
        "model": "llama-guard3",
        "message": {"role": "assistant", "content": "unsafe\nS1"},
        "prompt": SAID,
        "messages": CHAT,
    }
    yield {
        "timestamp": AT,
        "scanner_type": "prompt_guard",
        "decision": "block",
        "score": 0.9,
        "status": "success",
        "reason": SAID,
        "input": SAID,
        "text": SAID,
    }


def _nemo() -> Iterator[dict[str, Any]]:
    call = {"task": "t", "id": "1", "prompt": SAID, "completion": SAID, "raw_response": {"text": SAID}}
    action = {"action_name": "a", "action_params": {"p": SAID}, "return_value": SAID, "llm_calls": [call]}
    rail = {
        "type": "input",
        "name": "self check input",
        "decisions": ["execute"],
        "stop": True,
        "executed_actions": [action],
        "started_at": 1772442900.5,
        "finished_at": 1772442901.1,
    }
    yield {
        "response": CHAT,
        "llm_output": {"x": SAID},
        "output_data": {"user_message": SAID},
        "log": {"activated_rails": [rail]},
    }


def _trace() -> Iterator[dict[str, Any]]:
    part = {
        "id": "o",
        "traceId": "t",
        "projectId": "p",
        "type": "GENERATION",
        "startTime": AT,
        "name": "chat",
        "input": CHAT,
        "output": CHOICE["message"],
    }
    yield {
        "id": "t",
        "projectId": "p",
        "timestamp": AT,
        "name": "n",
        "bookmarked": False,
        "input": SAID,
        "output": {"a": SAID},
        "observations": [part],
    }


OLLAMA = (
    f'time=2026-03-02T09:15:00.500+01:00 level=DEBUG source=routes.go:1513 msg="chat request" images=0 prompt="{SAID}"'
)
_ASKED, _MADE = "[logger.py:39] Received request chatcmpl-a1", "[logger.py:70] Generated response chatcmpl-a1"
VLLM = (
    f"INFO 03-02 09:15:00 {_ASKED}: prompt: '{SAID}', params: SamplingParams(n=1), prompt_token_ids: None, lora_request: None.",
    f"INFO 03-02 09:15:01 {_MADE} (streaming complete): output: '{SAID}', output_token_ids: [1], finish_reason: stop",
)

DIALECTS: dict[str, list[Any]] = {
    "otel.genai": list(_otel()),
    "anthropic.claude_code": list(_claude_code()),
    "aws.bedrock_invocation": list(_bedrock()),
    "aws.bedrock_agentcore": list(_agentcore()),
    "azure.openai": list(_azure()),
    "microsoft.m365_copilot": list(_copilot()),
    "litellm.standard_payload": list(_litellm()),
    "langsmith.run": list(_langsmith()),
    "langfuse.observation": list(_langfuse()),
    "github.audit_log": list(_github()),
    "mcp.jsonrpc": list(_mcp()),
    "openai.agents_trace": list(_agents()),
    "ocsf_pipe.audit": list(_audit()),
    "anthropic.claude_code_transcript": list(_transcript()),
    "google.vertex_ai": list(_vertex()),
    "lakera.guard": list(_lakera()),
    "meta.llama_guard": list(_llama_guard()),
    "nvidia.nemo_guardrails": list(_nemo()),
    "langfuse.trace": list(_trace()),
    "ollama.server": [OLLAMA],
    "vllm.server": list(VLLM),
}
"""Records by mapping: objects, or lines of text."""


def line_of(record: Any) -> str:
    """A record as it comes in."""
    return record if isinstance(record, str) else json.dumps(record)


def marked_files(*places: Path) -> list[str]:
    """The files below some places that hold the mark: in their bytes, or in a page of Parquet once it is unpacked."""
    files = [path for place in places for path in sorted(place.rglob("*")) if path.is_file()]
    return [str(path) for path in files if _holds(path)]


def _holds(path: Path) -> bool:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:  # it was done while this looked
        return False
    if MARK.encode() in raw:
        return True
    if path.suffix != ".parquet" or not raw:
        return False
    table = pq.ParquetFile(path).read()
    return any(MARK.encode() in bytes(part) for column in table.columns for chunk in column.chunks
               for part in chunk.buffers() if part is not None)  # fmt: skip
