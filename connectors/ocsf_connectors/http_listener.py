"""What becomes of a request: who sent it, which protocol its path speaks, and when it is answered."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from ocsf_connectors import http_hec, http_otlp
from ocsf_connectors.http_keys import Keys, Known, key_of
from ocsf_connectors.http_messages import Answer, Intake, Request
from ocsf_connectors.http_tokens import Denied, Tokens
from ocsf_connectors.spool import Entry, Spool, SpoolFullError
from ocsf_pipe.errors import SourceError

LOG = logging.getLogger("ocsf_connectors.http")
_HEALTH = ("/health", "/healthz")
_LONGEST_KEY = 255
_ROOM = 4096


class Dialect(Protocol):
    """What one protocol makes of a request; it keeps nothing."""

    methods: tuple[str, ...]

    def refuse(self, request: Request, status: int, text: str) -> Answer:
        """Return the answer to a request that is not taken."""
        ...

    def read(self, request: Request, body: bytes) -> Entry | Answer:
        """Return what is to be kept of a body, or the answer where nothing is."""
        ...

    def done(self, request: Request) -> Answer:
        """Return the answer to what is on disk."""
        ...


@dataclass(frozen=True, slots=True)
class Listener:
    """Looks at heads, and takes bodies into the spool; `dialects` are by path."""

    spool: Spool
    keys: Keys
    tokens: Tokens
    dialects: Mapping[str, Dialect]
    retry_after: int

    def __call__(self, request: Request) -> Answer | Intake:
        """Return the answer to a head, or what takes its body; the token is looked at before anything else of it."""
        if request.method in ("GET", "HEAD") and request.path in (*_HEALTH, *http_hec.HEALTH_PATHS):
            return self._health(request)
        dialect = self.dialects.get(request.path)
        if dialect is None:
            if request.path == http_otlp.METRICS_PATH:
                return http_otlp.metrics_refused(request)
            return Answer(404, b'{"error":"there is nothing at this path"}')
        if request.method not in dialect.methods:
            allow = ", ".join(dialect.methods)
            return replace(dialect.refuse(request, 405, f"the method is none of {allow}"), headers=(("Allow", allow),))
        who = self.tokens.who(request.header("authorization"))
        if isinstance(who, Denied):
            wanted = replace(dialect.refuse(request, 401, who.value), headers=(("WWW-Authenticate", "Bearer"),))
            return dialect.refuse(request, 403, who.value) if who is Denied.WRONG else wanted
        if len(request.header("idempotency-key")) > _LONGEST_KEY:
            return dialect.refuse(request, 400, f"the Idempotency-Key is longer than {_LONGEST_KEY}")
        return Taking(self, request, dialect, who)

    def _health(self, request: Request) -> Answer:
        full = self.spool.room() < _ROOM
        if request.path in http_hec.HEALTH_PATHS:
            return http_hec.told(503, 18) if full else http_hec.told(200, 17)
        return Answer(503, b'{"status":"full"}') if full else Answer(200, b'{"status":"ok"}')


@dataclass(frozen=True, slots=True)
class Taking:
    """One request whose head is accepted."""

    listener: Listener
    request: Request
    dialect: Dialect
    who: str

    def refuse(self, status: int, text: str) -> Answer:
        """Return the answer to a body that cannot be taken."""
        answer = self.dialect.refuse(self.request, status, text)
        if status in (429, 503):
            return replace(answer, headers=(("Retry-After", str(self.listener.retry_after)),))
        return replace(answer, headers=(("Accept-Encoding", "gzip, deflate, zstd"),)) if status == 415 else answer

    def take(self, body: bytes) -> Answer:
        """Bring a body to disk, unless it is there already, and return the answer."""
        entry = self.dialect.read(self.request, body)
        if isinstance(entry, Answer):
            return entry
        try:
            return self._kept(entry)
        except SpoolFullError as error:
            return self.refuse(429, str(error))
        except (OSError, SourceError) as error:
            LOG.warning("a request could not be kept: %s", error)
            return self.refuse(503, "the request could not be kept, try again")

    def _kept(self, entry: Entry) -> Answer:
        if not (name := self.request.header("idempotency-key")):
            self.listener.spool.append([entry])
            return self.dialect.done(self.request)
        key = key_of(f"{self.who} {self.request.path}", name, entry.body)
        with self.listener.keys.claimed(key) as known:
            if known is Known.OTHER:
                return self.refuse(422, "the Idempotency-Key came before with another body")
            if known is Known.NEW:
                self.listener.spool.append([replace(entry, key=key)])
        return self.dialect.done(self.request)
