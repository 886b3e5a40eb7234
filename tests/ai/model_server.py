"""A model server for tests: OpenAI's chat completions, responses and embeddings, and Anthropic's messages, in small.

What is asked decides what is answered: a tool is asked for where there are tools and no tool has answered yet, and a
prompt with a word of `FAILURES` in it is answered with that error. Every answer has an id of its own, and is kept.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

FAILURES = {"please rate limit": (429, "rate_limit_error"), "please break": (500, "api_error")}
PROMPT_TOKENS, COMPLETION_TOKENS = 11, 7
Json = dict[str, Any]


@dataclass
class Served:
    """Where it listens, and what it answered: `paths` of requests, ids of answers, of tool calls by name."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    tool_calls: list[tuple[str, str]] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def answer(self, prefix: str) -> str:
        """Return the id of a new answer."""
        self.answers.append(f"{prefix}{next(self.numbers)}")
        return self.answers[-1]

    def tool_call(self, prefix: str, name: str) -> str:
        """Return the id of a new request for a tool."""
        self.tool_calls.append((f"{prefix}{next(self.numbers)}", name))
        return self.tool_calls[-1][0]


def handler(here: Served) -> type[BaseHTTPRequestHandler]:
    """Return what answers requests as the providers do, and keeps account of them."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            here.paths.append(self.path)
            for word, (status, kind) in FAILURES.items():
                if word in json.dumps(asked):
                    here.failures.append(status)
                    error = {"type": kind, "message": "the model server was told to fail", "code": kind}
                    self.reply(status, {"type": "error", "error": error})
                    return
            answer = ANSWERS[self.path.partition("?")[0]](asked, here)
            if isinstance(answer, dict):
                self.reply(200, answer)
            else:
                self.stream(answer)

        def reply(self, status: int, body: Json) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def stream(self, events: list[tuple[str, Json | None]]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            for name, event in events:
                head = f"event: {name}\n" if name else ""
                self.wfile.write(f"{head}data: {json.dumps(event) if event else '[DONE]'}\n\n".encode())
            self.close_connection = True

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def model_server() -> Iterator[Served]:
    """Serve for a block."""
    here = Served()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(here))
    server.daemon_threads = True
    here.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# ---------------------------------------------------------------------------------------------- OpenAI


def _chat(asked: Json, here: Served) -> Json | list[tuple[str, Json | None]]:
    uid, usage = here.answer("chatcmpl-"), _openai_usage("prompt_tokens", "completion_tokens")
    about = {"id": uid, "created": 1, "model": f"{asked['model']}-2026"}
    name = _wanted(asked, [tool["function"]["name"] for tool in asked.get("tools", ()) if "function" in tool])
    function = {"name": name, "arguments": '{"city": "Bern"}'}
    calls = [{"id": here.tool_call("call_", name), "type": "function", "function": function}] if name else []
    finish = "tool_calls" if calls else "stop"
    if not asked.get("stream"):
        message = {"role": "assistant", "content": None if calls else "It rains.", "tool_calls": calls or None}
        choices = [{"index": 0, "message": message, "finish_reason": finish}]
        return about | {"object": "chat.completion", "choices": choices, "usage": usage}
    about["object"] = "chat.completion.chunk"
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"tool_calls": [{"index": 0, **calls[0]}]}] if calls else [{"content": "It "}, {"content": "rains."}]
    chunks = [about | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append(about | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if (asked.get("stream_options") or {}).get("include_usage"):
        chunks.append(about | {"choices": [], "usage": usage})
    return [*(("", chunk) for chunk in chunks), ("", None)]


def _responses(asked: Json, here: Served) -> Json:
    uid = here.answer("resp_")
    said = asked["input"] if isinstance(asked["input"], list) else []
    answered = any(one.get("type") == "function_call_output" for one in said)
    names = [] if answered else [tool["name"] for tool in asked.get("tools", ()) if tool.get("type") == "function"]
    output: list[Json] = [
        {"type": "function_call", "id": f"fc_{next(here.numbers)}", "call_id": here.tool_call("call_", name),
         "name": name, "arguments": '{"city": "Bern"}', "status": "completed"}
        for name in names[:1]
    ] or [
        {"type": "message", "id": f"msg_{next(here.numbers)}", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "It rains.", "annotations": []}]}
    ]  # fmt: skip
    return {
        "id": uid, "object": "response", "created_at": 1, "status": "completed", "model": f"{asked['model']}-2026",
        "output": output, "parallel_tool_calls": True, "tool_choice": "auto", "tools": asked.get("tools", []),
        "usage": _openai_usage("input_tokens", "output_tokens")
        | {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
    }  # fmt: skip


def _embeddings(asked: Json, here: Served) -> Json:
    given = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    here.answer("emb_")
    data = [{"object": "embedding", "index": index, "embedding": [0.1, 0.2]} for index in range(len(given))]
    usage = {"prompt_tokens": PROMPT_TOKENS, "total_tokens": PROMPT_TOKENS}
    return {"object": "list", "data": data, "model": f"{asked['model']}-2026", "usage": usage}


def _openai_usage(prompt: str, completion: str) -> Json:
    return {
        prompt: PROMPT_TOKENS, completion: COMPLETION_TOKENS, "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS
    }  # fmt: skip


def _wanted(asked: Json, names: list[str]) -> str:
    """The tool that is asked for: the first, unless one has answered already."""
    answered = any(
        message["role"] == "tool"
        or (
            isinstance(message.get("content"), list)
            and any(part.get("type") == "tool_result" for part in message["content"])
        )
        for message in asked["messages"]
    )
    return "" if answered or not names else names[0]


# ---------------------------------------------------------------------------------------------- Anthropic


def _messages(asked: Json, here: Served) -> Json | list[tuple[str, Json | None]]:
    name = _wanted(asked, [tool["name"] for tool in asked.get("tools", ())])
    about: Json = {"id": here.answer("msg_"), "type": "message", "role": "assistant", "model": f"{asked['model']}-2026"}
    block: Json = {"type": "text", "text": "It rains."}
    if name:
        block = {"type": "tool_use", "id": here.tool_call("toolu_", name), "name": name, "input": {"city": "Bern"}}
    finish: Json = {"stop_reason": "tool_use" if name else "end_turn", "stop_sequence": None}
    usage: Json = {"input_tokens": PROMPT_TOKENS, "output_tokens": COMPLETION_TOKENS}
    if not asked.get("stream"):
        return about | {"content": [block], "usage": usage} | finish
    begun: Json = about | {
        "content": [],
        "usage": usage | {"output_tokens": 1},
        "stop_reason": None,
        "stop_sequence": None,
    }
    empty: Json = {**block, **({"input": {}} if name else {"text": ""})}
    delta = (
        {"type": "input_json_delta", "partial_json": '{"city": "Bern"}'}
        if name
        else {"type": "text_delta", "text": "It rains."}
    )
    events: list[Json] = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": finish, "usage": {"output_tokens": COMPLETION_TOKENS}},
        {"type": "message_stop"},
    ]
    return [(str(event["type"]), event) for event in events]


ANSWERS = {
    "/v1/chat/completions": _chat,
    "/v1/responses": _responses,
    "/v1/embeddings": _embeddings,
    "/v1/messages": _messages,
}
