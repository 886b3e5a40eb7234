"""One batch, one request: a small HTTP client on a connection that it keeps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse

_LONGEST_WAIT = 300.0
_NEVER = (400, 413, 415, 422)
"""Answers to the batch itself: sent again it would be refused again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the listener said; `status` 0 where it said nothing, and `reason` why."""

    status: int
    reason: str = ""
    wait: float = 0.0

    @property
    def taken(self) -> bool:
        """Whether the batch is on the listener's disk."""
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether this batch will never be taken."""
        return self.status in _NEVER


class Client:
    """Posts to one URL; one thread at a time."""

    def __init__(self, url: str, token: str, timeout: float = 10.0) -> None:
        """Keep where to and as whom; raises ValueError for what is no http or https URL."""
        from urllib.parse import urlsplit

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"`{url}` is no http:// or https:// URL")
        self._tls, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._path = (parts.path or "/ingest") + (f"?{parts.query}" if parts.query else "")
        self._token, self._timeout = token.strip(), timeout
        self._connection: HTTPConnection | None = None

    def post(self, key: str, body: bytes) -> Answer:
        """Send a batch under its key; no exception for what the network does."""
        from http.client import HTTPException

        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": key}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        # A kept connection may have been closed meanwhile: that is told by the first use of it.
        for kept in (True, False) if self._connection is not None else (False,):
            try:
                return self._posted(body, headers)
            except (OSError, HTTPException) as error:
                self.close()
                if not kept:
                    return Answer(0, str(error) or type(error).__name__)
        return Answer(0)

    def close(self) -> None:
        """Let go of the connection; the next post makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _posted(self, body: bytes, headers: dict[str, str]) -> Answer:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.request("POST", self._path, body, headers)
        with self._connection.getresponse() as response:
            said = response.read(500)
            rest = response.read(1 << 16)
            answer = Answer(response.status, said.decode("utf-8", "replace"), _wait(response))
            if response.will_close or len(rest) == 1 << 16:
                self.close()
        return answer

    def _connect(self) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        kind = HTTPSConnection if self._tls else HTTPConnection
        return kind(self._host, self._port, timeout=self._timeout)


def _wait(response: HTTPResponse) -> float:
    """Return the seconds of `Retry-After`, a number or a date; 0 where there is none, or none to be understood."""
    text = response.getheader("Retry-After", "").strip()
    if not text:
        return 0.0
    try:
        seconds = float(text)
    except ValueError:
        from email.utils import parsedate_to_datetime

        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return 0.0
    return min(max(seconds, 0.0), _LONGEST_WAIT)
