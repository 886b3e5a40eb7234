"""What can be read out of a model client's response, an object or its JSON, whoever made it.

Read: OpenAI's chat completions and Responses API (and the many that copy them), Anthropic's messages, Bedrock's
Converse, Google's generateContent, LiteLLM's. Nothing is imported for it: attributes and keys are tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ocsf_pipe.audit.content import Content

_USAGE = {
    "input": ("input_tokens", "prompt_tokens", "inputTokens", "prompt_token_count", "promptTokenCount"),
    "output": ("output_tokens", "completion_tokens", "outputTokens", "candidates_token_count", "candidatesTokenCount"),
    "total": ("total_tokens", "totalTokens", "total_token_count", "totalTokenCount"),
    "cache_read": ("cache_read_input_tokens", "cacheReadInputTokens", "cached_content_token_count"),
    "cache_write": ("cache_creation_input_tokens", "cacheWriteInputTokens"),
}
_PIECES = ("content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop")
_FINISH = ("finish_reason", "stop_reason", "stopReason", "finishReason")


@dataclass(slots=True)
class Found:
    """What a response told."""

    usage: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    text: str | None = None


def read(response: Any) -> Found:
    """Return what a response, or one piece of a streamed one, tells; nothing of something else."""
    kind = _first(response, "type")
    if kind in ("response.completed", "response.incomplete", "response.failed"):
        # The end of a stream of OpenAI's Responses API repeats the text whose pieces were told before.
        found = read(_first(response, "response"))
        found.text = None
        return found
    if kind == "message_start":  # Anthropic's streams begin with a message that is still empty
        return read(_first(response, "message"))
    found = Found(usage=_usage(_first(response, "usage", "usage_metadata", "usageMetadata")))
    parts = _parts(response)
    named = _choices(response) or kind not in _PIECES
    found.fields = {
        "response_id": _label(_first(response, "id", "response_id", "responseId")) if named else None,
        "response_model": _label(_first(response, "model", "model_version", "modelVersion")),
        "finish_reason": _finish(response),
        "requested_tools": [tool for part in parts if (tool := _tool(part))] or None,
    }
    texts = [text for part in parts if isinstance(text := _text(part), str) and text]
    found.text = "\n".join(texts) if texts else _label(_first(response, "text"))
    return found


def _usage(usage: Any) -> dict[str, Any]:
    found = {name: count for name, keys in _USAGE.items() if isinstance(count := _first(usage, *keys), int)}
    details = _first(usage, "completion_tokens_details", "output_tokens_details")
    if isinstance(count := _first(details, "reasoning_tokens"), int):
        found["reasoning"] = count
    details = _first(usage, "prompt_tokens_details", "input_tokens_details")
    if isinstance(count := _first(details, "cached_tokens"), int):
        found["cache_read"] = count
    return found


def _first(thing: Any, *names: str) -> Any:
    """The first of some keys or attributes that is there and not null."""
    if thing is None:
        return None
    for name in names:
        value = thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
        if value is not None and not callable(value):
            return value
    return None


def _listed(thing: Any, *names: str) -> list[Any]:
    value = _first(thing, *names)
    return list(value) if isinstance(value, list | tuple) else []


def _label(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _choices(response: Any) -> list[Any]:
    return _listed(response, "choices", "candidates")


def _finish(response: Any) -> str | None:
    for thing in (*_choices(response), _first(response, "delta"), response):
        reason = _first(thing, *_FINISH)
        if reason is not None:
            return str(_first(reason, "value") or reason)
    return None


def _parts(response: Any) -> list[Any]:
    """Everything that was answered: pieces of text and requested tools, in any provider's nesting."""
    if isinstance(response, str):
        return [response]
    choices = _choices(response)
    messages = [_first(choice, "message", "delta", "content") for choice in choices]
    messages += [_first(_first(response, "output"), "message"), *_listed(response, "output"), response]
    parts: list[Any] = [_first(choice, "text") for choice in choices]
    for message in messages:
        content = _first(message, "content", "parts")
        parts += content if isinstance(content, list | tuple) else [content]
        parts += _listed(message, "tool_calls")
        if _first(message, "type") == "function_call":
            parts.append(message)
    delta = _first(response, "delta")
    if not isinstance(delta, str) or str(_first(response, "type")).endswith("output_text.delta"):
        parts.append(delta)
    return [part for part in (*parts, _first(response, "content_block")) if part is not None]


def _text(part: Any) -> Any:
    return part if isinstance(part, str) else _first(part, "text")


def _tool(part: Any) -> dict[str, Any] | None:
    if isinstance(part, str):
        return None
    asked = _first(part, "function", "toolUse", "function_call", "functionCall") or part
    kind = _first(part, "type")
    if asked is part and kind not in ("tool_use", "server_tool_use", "mcp_tool_use", "function_call", "tool_call"):
        return None
    name = _label(_first(asked, "name"))
    if name is None:
        return None
    uid = _label(_first(part, "call_id", "id")) or _label(_first(asked, "toolUseId", "id"))
    arguments = _first(asked, "arguments", "input", "args")
    return {"name": name, "id": uid, "arguments": None if arguments is None else Content(arguments)}
