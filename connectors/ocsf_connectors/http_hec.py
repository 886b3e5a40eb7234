"""Splunk's HTTP Event Collector as its clients know it: paths, status codes and the numbers in the answers.

An acknowledgement is no news here, since an answer comes only after the data are on disk: whatever number a client
asks for was given out after that. Numbers are given where the client names a channel.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import orjson

from ocsf_connectors.http_messages import Answer, Request
from ocsf_connectors.spool import Entry

_BASE = "/services/collector"
EVENT_PATHS = (_BASE, f"{_BASE}/1.0", f"{_BASE}/event", f"{_BASE}/event/1.0")
RAW_PATHS = (f"{_BASE}/raw", f"{_BASE}/raw/1.0")
ACK_PATHS = (f"{_BASE}/ack", f"{_BASE}/ack/1.0")
HEALTH_PATHS = (f"{_BASE}/health", f"{_BASE}/health/1.0")

_TEXTS = {
    0: "Success",
    2: "Token is required",
    3: "Invalid authorization",
    4: "Invalid token",
    5: "No data",
    6: "Invalid data format",
    8: "Internal server error",
    9: "Server is busy",
    10: "Data channel is missing",
    12: "Event field is required",
    13: "Event field cannot be blank",
    16: "Query string authorization is not enabled",
    17: "HEC is healthy",
    18: "HEC is unhealthy, queues are full",
}
_OF_STATUS = {400: 6, 403: 4, 429: 9, 500: 8, 503: 8}
_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,]*")


def told(status: int, code: int, **more: Any) -> Answer:
    """Return an answer with one of HEC's numbers and its text."""
    return Answer(status, orjson.dumps({"text": _TEXTS[code], "code": code, **more}))


class Hec:
    """Requests with a token; `raw` bodies are lines, others are entries."""

    methods: tuple[str, ...] = ("POST", "PUT")
    _numbers = itertools.count()

    def __init__(self, *, raw: bool = False) -> None:
        """Read entries, or lines where `raw`."""
        self._raw = raw

    def refuse(self, request: Request, status: int, text: str) -> Answer:
        """Return an answer with HEC's number for it, where it has one."""
        if status == 401:
            if request.parameter("token"):
                return told(400, 16)
            return told(401, 3 if request.header("authorization") else 2)
        if status in _OF_STATUS:
            return told(status, _OF_STATUS[status], **({"reason": text} if status == 400 else {}))
        return Answer(status, orjson.dumps({"text": text, "code": status}))

    def read(self, request: Request, body: bytes) -> Entry | Answer:  # noqa: ARG002 - the contract of Dialect
        """Return what goes to the spool; one broken entry refuses the request, and nothing of it is kept."""
        if not body.strip():
            return told(400, 5)
        if self._raw:
            return Entry("", body)
        return _complaint(body) or Entry("hec", body)

    def done(self, request: Request) -> Answer:
        """Return success, with a number where the client named its channel."""
        return told(200, 0, ackId=next(self._numbers)) if _channel(request) else told(200, 0)


class HecAck:
    """Asks whether numbers are acknowledged: all are, since they were given out behind the disk."""

    methods: tuple[str, ...] = ("POST",)

    def refuse(self, request: Request, status: int, text: str) -> Answer:
        """Return an answer with HEC's number for it."""
        return Hec().refuse(request, status, text)

    def read(self, request: Request, body: bytes) -> Entry | Answer:
        """Return the answer; nothing of it goes to the spool."""
        if not _channel(request):
            return told(400, 10)
        try:
            asked = orjson.loads(body)["acks"]
            return Answer(200, orjson.dumps({"acks": {str(int(number)): True for number in asked}}))
        except (ValueError, TypeError, KeyError):
            return told(400, 6)

    def done(self, request: Request) -> Answer:  # noqa: ARG002 - the contract of Dialect
        """Never asked, since nothing is kept."""
        return told(200, 0)


def _channel(request: Request) -> str:
    return request.header("x-splunk-request-channel") or request.parameter("channel")


def _complaint(body: bytes) -> Answer | None:
    """Return the refusal of the first entry that is none, with its number in the request; None for good entries."""
    number = 0
    try:
        text = body.decode()
        at = _behind_space(text, 0)
        while at < len(text):
            value, at = _DECODER.raw_decode(text, at)
            for entry in value if isinstance(value, list) else [value]:
                if code := _problem(entry):
                    return told(400, code, **{"invalid-event-number": number})
                number += 1
            at = _behind_space(text, at)
    except (ValueError, RecursionError):
        return told(400, 6, **{"invalid-event-number": number})
    return None if number else told(400, 5)


def _behind_space(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


def _problem(entry: Any) -> int:
    if not isinstance(entry, dict):
        return 6
    if "event" not in entry:
        return 12
    return 13 if entry["event"] in (None, "") else 0
