"""LiteLLM's callbacks: every call through its client or its proxy is a record; LiteLLM itself is not imported.

import litellm
litellm.callbacks = [litellm_callback(log)]
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ocsf_pipe.audit import responses
from ocsf_pipe.audit.call import error_of
from ocsf_pipe.audit.content import Content

if TYPE_CHECKING:
    from ocsf_pipe.audit.log import AuditLog


def litellm_callback(log: AuditLog) -> Any:
    """Return a callback object. LiteLLM calls only its own kind in some places: where it is loaded, it is one."""
    module = sys.modules.get("litellm.integrations.custom_logger")
    own = getattr(module, "CustomLogger", None)
    if own is None:
        return LiteLLMCallback(log)
    kind: Any = type("LiteLLMCallback", (LiteLLMCallback, own), {})
    callback = kind(log)
    own.__init__(callback)
    return callback


class LiteLLMCallback:
    """The two events of LiteLLM's CustomLogger that end a call, sync and async; a streamed call ends once."""

    def __init__(self, log: AuditLog, *_: Any, **__: Any) -> None:
        """Write to a log."""
        self._audit = log

    def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Write the record of a call that was answered."""
        self._write(kwargs, response_obj, start_time, end_time, failed=False)

    def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Write the record of a call that failed."""
        self._write(kwargs, response_obj, start_time, end_time, failed=True)

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Write the record of an awaited call that was answered."""
        self._write(kwargs, response_obj, start_time, end_time, failed=False)

    async def async_log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Write the record of an awaited call that failed."""
        self._write(kwargs, response_obj, start_time, end_time, failed=True)

    def _write(self, kwargs: Any, response: Any, start: Any, end: Any, *, failed: bool) -> None:
        try:
            given = kwargs if isinstance(kwargs, Mapping) else {}
            fields = record(given, response)
            if failed:
                fields["outcome"] = "failure"
                fields["error"] = error_of(given.get("exception") or "unknown")
            fields["duration_ms"] = int((end - start).total_seconds() * 1000)
            self._audit.write("completion", fields, at=int(start.timestamp() * 1e9))
        except Exception as error:  # noqa: BLE001 - as AuditLog.write
            self._audit.failed("litellm", error)


def record(kwargs: Mapping[str, Any], response: Any) -> dict[str, Any]:
    """Return the fields of a call, from LiteLLM's arguments, its standard payload and the response."""
    payload: Mapping[str, Any] = kwargs.get("standard_logging_object") or {}
    told: Mapping[str, Any] = payload.get("metadata") or {}
    params: Mapping[str, Any] = kwargs.get("litellm_params") or {}
    own: Mapping[str, Any] = params.get("metadata") or {}
    found = responses.read(response)
    usage = dict(found.usage)
    for name, key in (("input", "prompt_tokens"), ("output", "completion_tokens"), ("total", "total_tokens")):
        usage.setdefault(name, payload.get(key))
    usage["cost_usd"] = payload.get("response_cost", kwargs.get("response_cost"))
    messages = kwargs.get("messages") or kwargs.get("input")
    fields: dict[str, Any] = {
        "operation": _operation(str(kwargs.get("call_type") or payload.get("call_type") or "completion")),
        "model": kwargs.get("model"),
        "provider": payload.get("custom_llm_provider") or kwargs.get("custom_llm_provider")
        or params.get("custom_llm_provider"),
        "call": kwargs.get("litellm_call_id") or payload.get("id"),
        "session": own.get("session_id") or payload.get("trace_id") or params.get("litellm_trace_id"),
        "user": payload.get("end_user") or kwargs.get("user") or told.get("user_api_key_user_id"),
        "api_key": told.get("user_api_key_hash"),
        "team": told.get("user_api_key_team_alias") or told.get("user_api_key_team_id"),
        "server": params.get("api_base") or None,
        "outcome": "success",
        "usage": usage,
        "prompt": None if messages is None else Content(messages),
        "response": None if found.text is None else Content(found.text),
        **found.fields,
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value is not None}


def _operation(call_type: str) -> str:
    kind = call_type.removeprefix("a")
    if kind in ("completion", "text_completion"):
        return "chat" if kind == "completion" else kind
    return {"embedding": "embeddings"}.get(kind, call_type)
