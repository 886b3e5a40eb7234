"""What an application says to its audit log, and what becomes of it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ocsf_pipe.audit import AuditHandler, AuditLog, Call, Content
from tests.architecture.sources import ROOT
from tests.audit.listener import listening

SECRET = "the launch code is 0000"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    """A log that ships nowhere: its records stay in the folder."""
    with AuditLog("bot", url="", folder=tmp_path / "spool", version="2", environment="test") as made:
        yield made


def kept(log: AuditLog) -> list[dict[str, Any]]:
    """The records in a log's folder, in order."""
    lines = b"".join(path.read_bytes() for path in sorted(log.folder.glob("*-*"))).splitlines()
    return [json.loads(line) for line in lines]


def test_two_lines_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a setting, records go to a folder of the user's, named by the program."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    log = AuditLog()
    log.tool("search")
    assert log.folder.parent == tmp_path / "ocsf_pipe" / "audit"
    assert [one["tool"] for one in kept(log)] == [{"name": "search"}]
    log.close()


def test_a_call_is_one_record(log: AuditLog) -> None:
    """With its model, counts, outcome and time; and what it did within it bears its id."""
    with log.session("s1", user="ann@acme.example"), log.turn("t1"):  # noqa: SIM117 - as an application nests them
        with log.call("gpt-4.1", "openai", prompt=SECRET) as call:
            uid = call.tool("search", arguments={"q": SECRET}, result=[1, 2], read_only=True)
            call.retrieval("kb", query=SECRET, documents=[{"id": "d1", "text": SECRET}, "d2"])
            call.guardrail("pii", "masked", categories=["EMAIL"], matched=SECRET)
            call.usage(10, 5, cost_usd=0.01)
            call.finish("stop")
            call.response(SECRET, uid="r1")
    tool, retrieval, guardrail, completion = kept(log)
    assert {one["call"] for one in kept(log)} == {call.uid}
    assert {(one["session"], one["turn"], one["user"]) for one in kept(log)} == {("s1", "t1", "ann@acme.example")}
    assert (tool["kind"], tool["tool_call"], tool["outcome"]) == ("tool_call", uid, "success")
    assert tool["result"]["items"] == 2
    assert retrieval["documents"][0]["id"] == "d1"
    assert retrieval["count"] == 2
    assert guardrail["categories"] == ["EMAIL"]
    assert completion["usage"] == {"input": 10, "output": 5, "cost_usd": 0.01}
    assert completion["app"] == {"name": "bot", "version": "2", "environment": "test"}
    assert completion["prompt"]["chars"] == len(SECRET)
    assert completion["duration_ms"] >= 0
    assert [one["origin"]["seq"] for one in kept(log)] == [1, 2, 3, 4]


def test_no_text_is_kept_unless_asked_for(log: AuditLog, tmp_path: Path) -> None:
    """Its length and keyed hash are, equal for equal texts; with `content` the text is, too."""
    with pytest.raises(ValueError, match=SECRET), log.call(prompt=[{"role": "user", "content": SECRET}]):
        raise ValueError(SECRET)
    log.tool("t", arguments=SECRET, result=SECRET, error=SECRET)
    log.approval("denied", tool="t", reason=SECRET)
    log.error(RuntimeError(SECRET))
    found = b"".join(path.read_bytes() for path in log.folder.iterdir())
    assert SECRET.encode() not in found
    _, tool, *_ = kept(log)
    assert tool["arguments"]["hmac"] == tool["result"]["hmac"]
    with AuditLog("bot", url="", folder=tmp_path / "open", content=True) as told:
        told.tool("t", arguments=SECRET, mine=[{"a": Content(SECRET)}])
        assert kept(told)[0]["texts"] == {"arguments": SECRET, "mine.0.a": SECRET}
        assert kept(told)[0]["arguments"]["hmac"] != tool["arguments"]["hmac"]
        assert kept(told)[0]["content"] == "text"


def test_hashes_compare_under_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the environment makes the hashes of several applications comparable, and is itself nowhere."""
    monkeypatch.setenv("OCSF_PIPE_AUDIT_KEY", "a key for all applications")
    found = []
    for name in ("a", "b"):
        with AuditLog(name, url="", folder=tmp_path / name) as log:
            log.tool("t", arguments=SECRET)
            found.append(kept(log)[0])
            assert b"a key for all" not in b"".join(path.read_bytes() for path in log.folder.iterdir())
    assert found[0]["arguments"] == found[1]["arguments"]
    assert found[0]["hmac_key"] == found[1]["hmac_key"]


def test_the_folder_is_the_owners_alone(log: AuditLog) -> None:
    """Files, key and folder."""
    log.tool("t")
    assert log.folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in log.folder.iterdir())


class Odd:
    """Refuses everything."""

    def __str__(self) -> str:
        raise RuntimeError(SECRET)

    __repr__ = __str__

    def model_dump(self) -> Any:
        """Fail."""
        raise RuntimeError(SECRET)


def test_an_odd_value_loses_nothing_but_itself(log: AuditLog) -> None:
    """Circles, numbers beyond 64 bits, halves of surrogates, objects that refuse: a record all the same."""
    circle: list[Any] = []
    circle.append(circle)
    values = [circle, Odd(), {1: "a", "b": 2}, float("nan"), 1 << 99, "\ud800", b"\xff", {"a": {Odd(): 1}}]
    for value in values:
        log.tool("t", arguments=value, odd=value, result={"deep": value})
    assert len(kept(log)) == len(values)
    assert log.tally.lost == 0


def test_an_application_that_fails_sees_its_own_failure(log: AuditLog) -> None:
    """An exception passes through unchanged, and is in the record by its type and code."""

    class RateLimitError(Exception):
        status_code = 429

    failure = RateLimitError("slow down")
    with pytest.raises(RateLimitError) as raised, log.call("m"):
        raise failure
    assert raised.value is failure
    (record,) = kept(log)
    assert record["outcome"] == "failure"
    assert (record["error"]["type"], record["error"]["code"]) == ("RateLimitError", 429)


def test_a_disk_that_takes_nothing_breaks_nothing(tmp_path: Path) -> None:
    """Records are lost and counted; as soon as one is kept again, it says how many are missing and why."""
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    log = AuditLog("bot", url="", folder=blocked / "spool")
    with log.call("m") as call:
        call.tool("t", arguments=1)
    assert (log.tally.written, log.tally.lost) == (0, 2)
    blocked.unlink()
    log.tool("t")
    gap, tool = kept(log)
    assert (gap["kind"], gap["count"], tool["kind"]) == ("gap", 2, "tool_call")
    assert list(gap["reasons"]) == ["key: NotADirectoryError", "record: NotADirectoryError"]
    log.close()


def test_the_folder_does_not_outgrow_its_bound(tmp_path: Path) -> None:
    """What does not fit is counted as lost; what is there stays whole."""
    log = AuditLog("bot", url="", folder=tmp_path / "spool", max_bytes=4000)
    for _ in range(50):
        log.tool("t")
    assert 0 < log.tally.written < 20
    assert log.tally.lost == 50 - log.tally.written
    assert log.tally.lost_for == {"full": log.tally.lost}
    assert sum(path.stat().st_size for path in log.folder.glob("*-*")) <= 4000
    assert len(kept(log)) == log.tally.written
    log.close()


def test_threads_and_tasks_do_not_mix(log: AuditLog) -> None:
    """Each has its own session, and every record its own number."""

    async def talk(name: str) -> None:
        async with log.session(name), log.call("m") as call:
            await asyncio.sleep(0.001)
            call.tool(name)

    async def all_at_once() -> None:
        await asyncio.gather(*(talk(f"task{number}") for number in range(20)))

    def speak(name: str) -> None:
        with log.session(name):
            for _ in range(50):
                log.tool(name)

    threads = [threading.Thread(target=speak, args=(f"thread{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    asyncio.run(all_at_once())
    for thread in threads:
        thread.join()
    tools = [one for one in kept(log) if one["kind"] == "tool_call"]
    assert len(tools) == 420
    assert all(one["tool"]["name"] == one["session"] for one in tools)
    assert sorted(one["origin"]["seq"] for one in kept(log)) == list(range(1, 441))
    assert log.tally.written == 440


def test_decorated_functions_are_calls_and_tools(log: AuditLog) -> None:
    """Plain, async, and those that give their answer in pieces."""

    @log.tools("look", server="files", read_only=True)
    def look(path: str, depth: int = 1) -> str:
        return path * depth

    @log.calls("m", "acme")
    async def ask(prompt: str) -> dict[str, Any]:
        return {"choices": [{"message": {"content": "no"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}}

    @log.calls("m", "acme")
    def stream(messages: list[str]) -> Iterator[str]:
        yield from ("a", "bc")

    @log.calls("m", "acme")
    async def stream_later(messages: list[str]) -> AsyncIterator[str]:
        yield "x"
        raise KeyError(SECRET)

    async def use() -> None:
        await ask("why?")
        async for _ in stream_later(["go"]):
            pass

    assert look("/etc", depth=2) == "/etc/etc"
    assert list(stream(["go"])) == ["a", "bc"]
    with pytest.raises(KeyError):
        asyncio.run(use())
    tool, streamed, asked, broken = kept(log)
    assert tool["tool"] == {"name": "look", "server": "files", "read_only": True}
    assert tool["arguments"]["chars"] == len('{"depth":2,"path":"/etc"}')
    assert (asked["usage"], asked["finish_reason"], asked["prompt"]["chars"]) == ({"input": 3}, "stop", 4)
    assert (streamed["response"]["chars"], streamed["outcome"]) == (3, "success")
    assert (broken["response"]["chars"], broken["error"]["type"]) == (1, "KeyError")


def test_a_broken_tool_is_a_failure_that_passes_through(log: AuditLog) -> None:
    """With what it was given."""

    @log.tools()
    def divide(a: int, b: int) -> float:
        return a / b

    with pytest.raises(ZeroDivisionError):
        divide(1, 0)
    with pytest.raises(TypeError):
        divide(1, 2, 3)  # type: ignore[call-arg]
    assert [one["error"]["type"] for one in kept(log)] == ["ZeroDivisionError", "TypeError"]


def test_standard_logging_is_a_way_in(log: AuditLog) -> None:
    """The text is content; `extra` makes a record of any kind."""
    logger = logging.getLogger("tests.audit")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    handler = AuditHandler(log)
    logger.addHandler(handler)
    try:
        logger.info("said %s", SECRET)
        logger.info("x", extra={"audit": {"kind": "approval", "decision": "denied", "note": Content(SECRET)}})
        try:
            int(SECRET)
        except ValueError:
            logger.exception("it failed")
        logger.info("%d", "no number")
    finally:
        logger.removeHandler(handler)
    said, approval, failed = kept(log)
    assert (said["kind"], said["level"], said["logger"]) == ("message", "info", "tests.audit")
    assert said["message"]["chars"] == len(f"said {SECRET}")
    assert (approval["kind"], approval["decision"]) == ("approval", "denied")
    assert failed["error"]["type"] == "ValueError"
    assert log.tally.lost_for == {"handler: TypeError": 1}
    assert SECRET not in log.tally.last_error


def test_a_forked_child_is_a_writer_of_its_own(log: AuditLog) -> None:
    """It begins a file of its own; nothing of the parent's is lost or doubled."""
    log.tool("before")
    child = os.fork()
    if child == 0:
        log.tool("within")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    log.tool("behind")
    found = kept(log)
    assert sorted(one["tool"]["name"] for one in found) == ["before", "behind", "within"]
    writers = {one["tool"]["name"]: one["origin"]["writer"] for one in found}
    assert writers["before"] == writers["behind"] != writers["within"]


def test_importing_it_is_cheap() -> None:
    """Nothing but the standard library is loaded, and little of it."""
    code = "import sys; before = set(sys.modules); import ocsf_pipe.audit; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    ours = {name for name in done.stdout.split() if name.startswith("ocsf_pipe")}
    assert loaded - {"ocsf_pipe"} <= set(sys.stdlib_module_names)
    assert ours == {"ocsf_pipe"} | {name for name in ours if name.startswith("ocsf_pipe.audit")}
    assert not {"http", "ssl", "email", "asyncio"} & loaded


def _openai() -> dict[str, Any]:
    tool = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "hi", "tool_calls": [tool]}
    return {
        "id": "r",
        "model": "m-1",
        "choices": [{"message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 2, "completion_tokens": 1},
    }


def _anthropic() -> dict[str, Any]:
    blocks = [{"type": "text", "text": "hi"}, {"type": "tool_use", "id": "c1", "name": "f", "input": {}}]
    usage = {"input_tokens": 2, "output_tokens": 1}
    return {
        "id": "r", "model": "m-1", "type": "message", "content": blocks, "stop_reason": "tool_calls", "usage": usage
    }  # fmt: skip


def _responses() -> dict[str, Any]:
    text = {"type": "message", "content": [{"type": "output_text", "text": "hi"}]}
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    usage = {"input_tokens": 2, "output_tokens": 1}
    return {"id": "r", "model": "m-1", "output": [text, call], "usage": usage, "stop_reason": "tool_calls"}


def _gemini() -> dict[str, Any]:
    parts = [{"text": "hi"}, {"functionCall": {"name": "f", "args": {}, "id": "c1"}}]
    usage = {"promptTokenCount": 2, "candidatesTokenCount": 1}
    candidates = [{"content": {"parts": parts}, "finishReason": "tool_calls"}]
    return {"responseId": "r", "modelVersion": "m-1", "candidates": candidates, "usageMetadata": usage}


def _converse() -> dict[str, Any]:
    content = [{"text": "hi"}, {"toolUse": {"toolUseId": "c1", "name": "f", "input": {}}}]
    usage = {"inputTokens": 2, "outputTokens": 1}
    output = {"message": {"content": content}}
    return {"id": "r", "model": "m-1", "output": output, "stopReason": "tool_calls", "usage": usage}


@pytest.mark.parametrize("make", [_openai, _anthropic, _responses, _gemini, _converse])
def test_what_a_client_answers_is_read(log: AuditLog, make: Callable[[], dict[str, Any]]) -> None:
    """Model, id, tokens, why it stopped, how long the answer is, and the tools that it asked for."""
    with log.call("m") as call:
        response = make()
        assert call.observe(response) is response
    (record,) = kept(log)
    assert record["usage"] == {"input": 2, "output": 1}
    assert (record["response_id"], record["response_model"], record["finish_reason"]) == ("r", "m-1", "tool_calls")
    assert record["response"]["chars"] == 2
    assert [(one["name"], one["id"]) for one in record["requested_tools"]] == [("f", "c1")]


def _anthropic_stream() -> list[dict[str, Any]]:
    begun = {"id": "r", "model": "m-1", "content": [], "usage": {"input_tokens": 2, "output_tokens": 1}}
    return [
        {"type": "message_start", "message": begun},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "h"}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "i"}},
        {"type": "content_block_start", "content_block": {"type": "tool_use", "id": "c1", "name": "f", "input": {}}},
        {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_calls"}, "usage": {"output_tokens": 7}},
    ]


def _openai_stream() -> list[dict[str, Any]]:
    tool = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": "{}"}}
    deltas = [{"content": "h"}, {"content": "i"}, {"tool_calls": [tool]}, {"tool_calls": [more]}]
    chunks = [{"id": "r", "model": "m-1", "choices": [{"delta": delta}]} for delta in deltas]
    last = {"id": "r", "model": "m-1", "choices": [{"delta": {}, "finish_reason": "tool_calls"}]}
    usage = {"prompt_tokens": 2, "completion_tokens": 7}
    return [*chunks, last, {"id": "r", "model": "m-1", "choices": [], "usage": usage}]


def _responses_stream() -> list[dict[str, Any]]:
    whole = _responses() | {"usage": {"input_tokens": 2, "output_tokens": 7}}
    return [
        {"type": "response.output_text.delta", "delta": "h"},
        {"type": "response.output_text.delta", "delta": "i"},
        {"type": "response.function_call_arguments.delta", "delta": '{"never": "counted"}'},
        {"type": "response.completed", "response": whole},
    ]


@pytest.mark.parametrize("make", [_anthropic_stream, _openai_stream, _responses_stream])
def test_what_a_client_streams_is_read(log: AuditLog, make: Callable[[], list[dict[str, Any]]]) -> None:
    """As if it had come in one piece."""

    @log.calls("m")
    def ask() -> Iterator[dict[str, Any]]:
        yield from make()

    assert list(ask()) == make()
    (record,) = kept(log)
    assert record["usage"] == {"input": 2, "output": 7}
    assert (record["response_id"], record["response_model"], record["finish_reason"]) == ("r", "m-1", "tool_calls")
    assert record["response"]["chars"] == 2
    assert [(one["name"], one["id"]) for one in record["requested_tools"]] == [("f", "c1")]


def test_a_call_ends_once(log: AuditLog) -> None:
    """However often it is told to; without a block it is ended by hand."""
    call: Call = log.call("m")
    call.end()
    call.end()
    assert len(kept(log)) == 1


def test_a_url_that_is_none_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    """Records wait in the folder."""
    with AuditLog("bot", url="localhost:4318", folder=tmp_path / "spool") as log:
        log.tool("t")
        assert "is no http:// or https:// URL" in log.tally.last_error
        assert len(kept(log)) == 1


def test_it_ships_with_its_token(tmp_path: Path) -> None:
    """And leaves nothing behind."""
    with listening() as there, AuditLog("bot", url=there.url, token="t0ken\n", folder=tmp_path / "spool") as log:
        log.tool("t")
        assert log.flush(10)
        assert [one["tool"]["name"] for one in there.records()] == ["t"]
        assert set(there.tokens) == {"Bearer t0ken"}
        assert log.tally.shipped == 1
