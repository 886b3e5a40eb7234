"""An HTTP/1.1 listener that hostile and broken clients cannot hold up: every wait has an end, every size a bound.

h11 does the protocol, without input or output: framing, chunks, pipelining, and the refusal of what is ambiguous.
Sockets, TLS and deadlines are asyncio's, on one thread of this listener's own. A ready-made server was not taken,
because those at hand (uvicorn, hypercorn, aiohttp, waitress, cheroot, the standard library's) bound the wait between
two bytes of a head and not that for the whole head, so that a client which sends a byte a second holds its connection
for ever; and because the token must be looked at before the body is read, and the body be bounded as it is unpacked.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ocsf_connectors.http_connection import Connection, Limits, Shared
from ocsf_connectors.http_messages import App

LOG = logging.getLogger("ocsf_connectors.http")
_THREADS = 32  # appends that wait for one fsync together


@dataclass(eq=False)
class Server:
    """A listener on a bound socket; `app` is asked for every request. `start` and `stop` once each."""

    listener: socket.socket
    app: App
    limits: Limits
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        """Make the thread, and do not start it."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="http", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._started = threading.Event()
        self._open: dict[asyncio.Task[None], Connection] = {}
        self._room = asyncio.Event()

    @property
    def alive(self) -> bool:
        """Whether it listens."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Listen, on a thread of its own."""
        self._thread.start()
        self._started.wait(10)

    def stop(self) -> None:
        """Take no more requests, give those in hand a few seconds, and end."""
        if self._loop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it ended by itself meanwhile
                self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(self.limits.grace_seconds + 5)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.listener.setblocking(False)
        with ThreadPoolExecutor(_THREADS, "http") as pool:
            shared = Shared(self.app, self.limits, pool)
            accepting = asyncio.create_task(self._accept(shared))
            self._started.set()
            try:
                await asyncio.wait(
                    {accepting, asyncio.create_task(self._stopping.wait())}, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                accepting.cancel()
                self.listener.close()
                shared.stopping = True
                await self._finish()

    async def _accept(self, shared: Shared) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(self.listener)
            except OSError as error:  # out of file descriptors, or the client is gone already
                LOG.warning("a connection could not be accepted: %s", error)
                await asyncio.sleep(0.1)
                continue
            await self._make_room()
            connection = Connection(shared, client, self.tls)
            task = asyncio.create_task(connection.serve())
            self._open[task] = connection
            task.add_done_callback(self._closed)

    async def _make_room(self) -> None:
        """Wait for a free connection; one that only waits for a request is closed for it, the longest first."""
        while len(self._open) >= self.limits.max_connections:
            waiting = [connection for connection in self._open.values() if connection.waiting_since is not None]
            if waiting:
                min(waiting, key=lambda connection: connection.waiting_since or 0.0).abort()
            self._room.clear()
            await self._room.wait()

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._open.pop(task, None)
        self._room.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("a connection broke: %s", error, exc_info=error)

    async def _finish(self) -> None:
        for connection in self._open.values():
            if connection.waiting_since is not None:
                connection.abort()
        if self._open:
            await asyncio.wait(set(self._open), timeout=self.limits.grace_seconds)
        for task in list(self._open):
            task.cancel()
        if self._open:
            await asyncio.wait(set(self._open), timeout=1)
