"""Webhooks: JSON of any layout, or lines of text.

A body of which nothing can be read is refused. A body in which some line is broken is taken, and the line becomes a
reject in the quarantine: a sender cannot mend one line of a batch, would send it again for ever, and the good lines
would be lost with it.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from ocsf_connectors.http_messages import Answer, Request
from ocsf_connectors.spool import Entry

_DECODER = json.JSONDecoder()


class Webhook:
    """JSON or text, at any path; its records are told by what they look like."""

    methods: tuple[str, ...] = ("POST", "PUT")

    def refuse(self, request: Request, status: int, text: str) -> Answer:  # noqa: ARG002 - the contract of Dialect
        """Return an answer with the reason."""
        return Answer(status, orjson.dumps({"error": text}))

    def read(self, request: Request, body: bytes) -> Entry | Answer:
        """Return what goes to the spool; a body without anything in it is refused."""
        if not body.strip():
            return self.refuse(request, 400, "the body is empty")
        if ("json" in request.header("content-type") or body.lstrip()[:1] in (b"{", b"[")) and not _readable(body):
            return self.refuse(request, 400, "there is no JSON object or array in the body")
        return Entry("", body)

    def done(self, request: Request) -> Answer:  # noqa: ARG002 - the contract of Dialect
        """Return the answer to what is on disk."""
        return Answer(200, b'{"status":"ok"}')


def _readable(body: bytes) -> bool:
    """Whether the body, some line of it, or its beginning is an object or an array."""
    if _holds(body) or any(_holds(line) for line in body.split(b"\n")):
        return True
    try:
        return isinstance(_DECODER.raw_decode(body.decode().lstrip())[0], dict | list)
    except (ValueError, RecursionError):
        return False


def _holds(text: bytes) -> bool:
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict | list)
