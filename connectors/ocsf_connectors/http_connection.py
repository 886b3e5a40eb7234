"""One connection of the HTTP listener: requests one after the other, each with its deadlines."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import h11

from ocsf_connectors.http_body import ENCODINGS, Body, BodyError, BodyTooLargeError
from ocsf_connectors.http_messages import Answer, App, Intake, Request

LOG = logging.getLogger("ocsf_connectors.http")
_READ = 16 << 10


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may ask for; bytes and seconds.

    header_seconds: from the first byte of a head to its last, and for a TLS handshake. body_seconds: for a whole body.
    idle_seconds: between two requests. max_memory: of all bodies in hand together. linger_seconds: how long what a
    client still sends is read and thrown away, so that it gets to read its refusal.
    """

    max_header: int = 16 << 10
    max_body: int = 16 << 20
    max_unpacked: int = 64 << 20
    max_memory: int = 256 << 20
    max_connections: int = 512
    header_seconds: float = 10
    body_seconds: float = 60
    idle_seconds: float = 60
    linger_seconds: float = 2
    grace_seconds: float = 5


@dataclass(slots=True, eq=False)
class Shared:
    """What the connections of one listener have in common; `held` counts the bytes of the bodies in hand."""

    app: App
    limits: Limits
    pool: ThreadPoolExecutor
    held: int = 0
    stopping: bool = False


class _Refused(Exception):  # noqa: N818 - it is an answer on its way
    """The rest of the request is not looked at; the connection ends with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _GoneError(Exception):
    """The client is gone, or silent for too long between two requests."""


class Connection:
    """One client; `waiting_since` is when it began to wait for a request, None while one is in hand."""

    def __init__(self, shared: Shared, client: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Take a connected socket."""
        self._shared, self._limits = shared, shared.limits
        self._client, self._tls = client, tls
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=self._limits.max_header)
        self._reader = asyncio.StreamReader(limit=_READ)
        self._writer: asyncio.StreamWriter | None = None
        self._partial = self._ended = False
        self.waiting_since: float | None = time.monotonic()

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._writer is not None:
            self._writer.transport.abort()
        else:
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)

    async def serve(self) -> None:
        """Answer requests until either side has enough; never raises for what a client does."""
        try:
            self._writer = await self._connected()
            while await self._one():
                self._protocol.start_next_cycle()
            await self._linger()
        except (_GoneError, OSError, EOFError, TimeoutError, h11.ProtocolError) as error:
            LOG.debug("a client went away: %s", error)
        finally:
            self.abort()
            if self._writer is None:
                self._client.close()

    async def _connected(self) -> asyncio.StreamWriter:
        loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(self._reader)
        options: dict[str, Any] = {}  # a handshake time-out is refused where there is no TLS
        if self._tls is not None:
            options = {"ssl": self._tls, "ssl_handshake_timeout": self._limits.header_seconds}
        self._client.setblocking(False)
        self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, self._client, **options)
        transport.set_write_buffer_limits(0)  # `drain` waits until the answer is with the kernel
        return asyncio.StreamWriter(transport, protocol, self._reader, loop)

    # ------------------------------------------------------------------------------------ one request

    async def _one(self) -> bool:
        """Read one request and answer it; False when the connection is to end."""
        head: Request | None = None
        try:
            head = await self._head()
            answer = await self._answered(head)
        except _Refused as refused:
            answer = refused.answer
        except h11.RemoteProtocolError as error:
            if self._ended:
                raise _GoneError from error  # a request that was never sent whole
            answer = _plain(error.error_status_hint, str(error))
        clean = self._protocol.their_state is h11.DONE and not self._shared.stopping
        await self._send(answer, without_body=head is not None and head.method == "HEAD", close=not clean)
        return clean and self._protocol.our_state is h11.DONE

    async def _head(self) -> Request:
        """Wait for a head: `idle_seconds` for its first byte, and `header_seconds` from there."""
        self.waiting_since = time.monotonic()
        self._partial = bool(self._protocol.trailing_data[0])
        try:
            if not self._partial:
                async with asyncio.timeout(self._limits.idle_seconds):
                    await self._receive()
                self._partial = True
            async with asyncio.timeout(self._limits.header_seconds):
                event = await self._event()
        except TimeoutError as error:
            if not self._partial:
                raise _GoneError("idle") from error
            raise _Refused(_plain(408, "the head of the request took too long")) from None
        finally:
            self.waiting_since = None
        if not isinstance(event, h11.Request):
            raise _GoneError("closed")
        return self._request(event)

    def _request(self, event: h11.Request) -> Request:
        if event.http_version not in (b"1.0", b"1.1"):
            raise _Refused(_plain(505, "HTTP/1.1 is spoken here"))
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
        size = len(event.target) + sum(len(name) + len(value) + 4 for name, value in pairs)
        if size > self._limits.max_header:
            raise _Refused(_plain(431, f"the head of the request is longer than {self._limits.max_header} bytes"))
        headers: dict[str, str] = {}
        for name, value in pairs:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        target = event.target.decode("latin-1")
        if target.lower().startswith(("http://", "https://")):  # as to a proxy; every server must take it
            target = "/" + target.partition("://")[2].partition("/")[2]
        path, _, query = target.partition("?")
        return Request(event.method.decode("latin-1"), path, query, headers)

    async def _answered(self, head: Request) -> Answer:
        found = self._shared.app(head)
        if isinstance(found, Answer):
            await self._skip_small_body(head)
            return found
        body = self._body(head, found)
        try:
            await self._fill(body, found)
            return await self._taken(found, body.whole())
        except BodyTooLargeError as error:
            raise _Refused(found.refuse(413, str(error))) from None
        except BodyError as error:
            raise _Refused(found.refuse(400, f"the body cannot be unpacked: {error}")) from None
        except TimeoutError:
            raise _Refused(found.refuse(408, "the body took too long")) from None
        finally:
            self._shared.held -= body.size

    async def _taken(self, intake: Intake, body: bytes) -> Answer:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._shared.pool, intake.take, body)
        except Exception:
            LOG.exception("a request could not be taken")
            return intake.refuse(500, "internal error")

    async def _skip_small_body(self, head: Request) -> None:
        """Read to the end of a request without a body, so that the connection can go on."""
        if head.header("transfer-encoding") or head.header("content-length") not in ("", "0"):
            return
        async with asyncio.timeout(self._limits.header_seconds):
            await self._event()

    def _body(self, head: Request, intake: Intake) -> Body:
        """Look at what the head says of the body, before any of it is read."""
        declared = head.header("content-length")
        if declared.isdigit() and int(declared[:20]) > self._limits.max_body:
            raise _Refused(intake.refuse(413, f"the body is longer than {self._limits.max_body} bytes"))
        try:
            return Body(head.header("content-encoding"), self._limits.max_body, self._limits.max_unpacked)
        except LookupError:
            known = ", ".join(ENCODINGS)
            raise _Refused(intake.refuse(415, f"the Content-Encoding is none of {known}")) from None

    async def _fill(self, body: Body, intake: Intake) -> None:
        """Read and unpack a body; what of it is in memory is counted in `held`."""
        if self._protocol.they_are_waiting_for_100_continue:
            await self._write(self._protocol.send(h11.InformationalResponse(status_code=100, headers=[])))
        async with asyncio.timeout(self._limits.body_seconds):
            while isinstance(event := await self._event(), h11.Data):
                counted = body.size
                try:
                    for size in body.feed(bytes(event.data)):
                        if size > _READ:  # what a few bytes unpack to must not hold the others up
                            await asyncio.sleep(0)
                finally:
                    self._shared.held += body.size - counted
                if self._shared.held > self._limits.max_memory:
                    raise _Refused(intake.refuse(429, "too many large requests at once"))

    # ------------------------------------------------------------------------------------ bytes

    async def _event(self) -> Any:
        while True:
            event = self._protocol.next_event()
            if event is not h11.NEED_DATA:
                return event
            await self._receive()

    async def _receive(self) -> None:
        data = await self._reader.read(_READ)
        self._ended = not data
        if not data and self._protocol.their_state is h11.IDLE and not self._partial:
            raise _GoneError("closed")
        self._protocol.receive_data(data)

    async def _send(self, answer: Answer, *, without_body: bool, close: bool) -> None:
        headers = [
            ("Date", formatdate(usegmt=True)),
            ("Content-Type", answer.content_type),
            ("Content-Length", str(len(answer.body))),
            *answer.headers,
            *([("Connection", "close")] if close else []),
        ]
        send = self._protocol.send
        data = send(h11.Response(status_code=answer.status, headers=headers)) or b""
        if answer.body and not without_body:
            data += send(h11.Data(data=answer.body)) or b""
        await self._write(data + (send(h11.EndOfMessage()) or b""))

    async def _write(self, data: bytes | None) -> None:
        if self._writer is not None and data:
            self._writer.write(data)
            async with asyncio.timeout(self._limits.header_seconds):
                await self._writer.drain()

    async def _linger(self) -> None:
        """Read on for a moment: closing over unread bytes resets the connection, and the answer with it."""
        if self._writer is None:
            return
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(self._limits.linger_seconds):
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                while await self._reader.read(_READ):
                    pass
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(self._limits.linger_seconds):
                self._writer.close()  # TLS says goodbye
                await self._writer.wait_closed()


def _plain(status: int, text: str) -> Answer:
    return Answer(status, f"{text}\n".encode(), "text/plain; charset=utf-8")
