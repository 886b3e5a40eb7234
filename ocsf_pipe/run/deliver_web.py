"""Findings to a webhook, as OCSF in JSON, and to what takes Slack's messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from ocsf_pipe.detect.telling import words_of
from ocsf_pipe.errors import UsageError
from ocsf_pipe.run.deliver import RefusedError

TIMEOUT = 10.0
_LATER = frozenset({401, 403, 404, 408, 425, 429})
"""Answers that somebody can mend at the far end or in the settings: the finding waits for it."""
_MOST = 500
WEBHOOK: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url"],
    "properties": {
        "url": {"type": "string", "pattern": "^https?://", "description": "Where findings are posted to."},
        "token": {"type": "string", "format": "secret", "description": "Sent as `Authorization: Bearer TOKEN`."},
        "headers": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Further headers; none that is a secret.",
        },
    },
}
SLACK: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url"],
    "properties": {
        "url": {"type": "string", "format": "secret", "description": "The address of an incoming webhook."},
    },
}


@dataclass(slots=True)
class Webhook:
    """Posts each finding as JSON with its id as `Idempotency-Key`; 2xx is taken, other 4xx refused, all else later."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    shown: str = ""

    def send(self, uid: str, message: Mapping[str, Any]) -> None:
        """Post one finding; see `Sender`."""
        body = json.dumps(self.body(message), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": uid, **self.headers}
        status, answer = _posted(self.url, body, headers)
        if 200 <= status < 300:
            return
        said = f"{self.shown or urlsplit(self.url).hostname} answers {status}: {answer}"
        if 400 <= status < 500 and status not in _LATER:
            raise RefusedError(said, "look at what it wants; the finding stays in the lake")
        raise OSError(said)

    def body(self, message: Mapping[str, Any]) -> object:
        """What is posted: the finding."""
        return message

    def close(self) -> None:
        """Nothing is held open."""


class Slack(Webhook):
    """Posts each finding in words, as Slack's incoming webhooks and those like them take it."""

    def body(self, message: Mapping[str, Any]) -> object:
        """What is posted: a text, cut where Slack would refuse it."""
        return {"text": words_of(message)[:3000]}


def webhook(settings: Mapping[str, Any]) -> Webhook:
    """The sender of checked settings."""
    headers = dict(settings.get("headers", {}))
    if "token" in settings:
        headers["Authorization"] = f"Bearer {settings['token']}"
    return Webhook(settings["url"], headers)


def slack(settings: Mapping[str, Any]) -> Slack:
    """The sender of checked settings; raises UsageError for a secret that is no address."""
    if urlsplit(settings["url"]).scheme not in {"http", "https"}:
        raise UsageError("the `url` of a slack target is no http(s) address", "look at where the secret is kept")
    return Slack(settings["url"], shown="slack")


def _posted(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    """The status and the beginning of the answer; redirects are not followed. Raises OSError."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
    target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    try:
        connection.request("POST", target, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST).decode("utf-8", "replace").strip()
    except HTTPException as error:
        raise OSError(f"{parts.hostname} does not answer as HTTP does: {error!r}") from error
    finally:
        connection.close()
