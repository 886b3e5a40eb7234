"""LiteLLM's callbacks, called as LiteLLM calls them."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ocsf_pipe.audit import AuditLog, litellm_callback

START = datetime(2026, 2, 10, 9, 8, 7, tzinfo=UTC)
END = START + timedelta(milliseconds=250)
ARGUMENTS = {
    "model": "gpt-4.1",
    "call_type": "acompletion",
    "litellm_call_id": "call-1",
    "messages": [{"role": "user", "content": "the launch code is 0000"}],
    "response_cost": 0.002,
    "litellm_params": {"api_base": "https://api.openai.example", "metadata": {"session_id": "s-1"}},
    "standard_logging_object": {
        "custom_llm_provider": "openai",
        "end_user": "ann",
        "metadata": {"user_api_key_hash": "88dc28d0", "user_api_key_team_alias": "support"},
    },
}
RESPONSE = {
    "id": "chatcmpl-1",
    "model": "gpt-4.1-2025",
    "choices": [{"message": {"content": "no"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
}


def _kept(log: AuditLog) -> list[dict[str, Any]]:
    return [json.loads(line) for path in log.folder.glob("*-*") for line in path.read_bytes().splitlines()]


def test_a_call_is_one_record(tmp_path: Path) -> None:
    """With its model, provider, user, key, session, counts, cost and time; its text is not in it."""
    with AuditLog("proxy", url="", folder=tmp_path) as log:
        callback = litellm_callback(log)
        asyncio.run(callback.async_log_success_event(ARGUMENTS, RESPONSE, START, END))
        (record,) = _kept(log)
    assert (record["kind"], record["operation"], record["outcome"]) == ("completion", "chat", "success")
    assert (record["model"], record["response_model"], record["provider"]) == ("gpt-4.1", "gpt-4.1-2025", "openai")
    assert (record["call"], record["session"], record["user"]) == ("call-1", "s-1", "ann")
    assert (record["api_key"], record["team"]) == ("88dc28d0", "support")
    assert record["usage"] == {"input": 9, "output": 1, "total": 10, "cost_usd": 0.002}
    assert (record["duration_ms"], record["time"]) == (250, "2026-02-10T09:08:07.000Z")
    assert "launch" not in json.dumps(record)


def test_a_failed_call_is_a_failure(tmp_path: Path) -> None:
    """By the exception's type and code."""

    class RateLimitError(Exception):
        status_code = 429

    with AuditLog("proxy", url="", folder=tmp_path) as log:
        given = ARGUMENTS | {"exception": RateLimitError("the launch code is 0000")}
        litellm_callback(log).log_failure_event(given, None, START, END)
        (record,) = _kept(log)
    assert (record["outcome"], record["error"]["type"], record["error"]["code"]) == ("failure", "RateLimitError", 429)
    assert "launch" not in json.dumps(record)


def test_nonsense_breaks_nothing(tmp_path: Path) -> None:
    """It is counted."""
    with AuditLog("proxy", url="", folder=tmp_path) as log:
        litellm_callback(log).log_success_event(None, object(), "no time", 7)
        assert log.tally.lost_for == {"litellm: TypeError": 1}


def test_it_is_of_litellms_own_kind_where_litellm_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM calls some events only on its own kind."""

    class CustomLogger:
        def __init__(self) -> None:
            self.ready = True

    module = ModuleType("litellm.integrations.custom_logger")
    module.CustomLogger = CustomLogger  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with AuditLog("proxy", url="", folder=tmp_path) as log:
        callback = litellm_callback(log)
        assert isinstance(callback, CustomLogger)
        assert callback.ready
        callback.log_success_event(ARGUMENTS, RESPONSE, START, END)  # type: ignore[attr-defined]
        assert len(_kept(log)) == 1
