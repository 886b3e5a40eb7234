"""Metrics and health over HTTP: three paths, read only, in threads of their own.

Whoever asks can neither hold the program up nor learn more than counts, names and reasons: a connection lives ten
seconds at most, sixteen live at once, and anything but GET of a known path is refused.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ocsf_pipe.errors import UsageError

MOST_AT_ONCE = 16
LONGEST = 10.0
JSON = "application/json; charset=utf-8"
Answer = Callable[[], tuple[HTTPStatus, str, bytes]]
"""Gives status, content type and body."""


def answer(status: HTTPStatus, body: Any) -> tuple[HTTPStatus, str, bytes]:
    """A JSON answer, one line."""
    return status, JSON, json.dumps(body).encode() + b"\n"


class _Handler(BaseHTTPRequestHandler):
    """One request a connection; says nothing of the program that answers."""

    timeout = 5
    server: Server

    def setup(self) -> None:
        """End the connection after a while, however slowly the other side speaks."""
        super().setup()
        self._end = threading.Timer(LONGEST, self._cut)
        self._end.daemon = True
        self._end.start()

    def finish(self) -> None:
        """Let go of the connection."""
        self._end.cancel()
        with contextlib.suppress(OSError):
            super().finish()

    def _cut(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def handle(self) -> None:
        """Answer; a connection that breaks is nobody's error."""
        with contextlib.suppress(OSError):
            super().handle()

    def do_GET(self) -> None:
        """Answer a known path."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer a known path without its body."""
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        found = self.server.answers.get(self.path.partition("?")[0])
        if found is None:
            self._send(*answer(HTTPStatus.NOT_FOUND, {"error": "no such path", "paths": sorted(self.server.answers)}))
            return
        try:
            status, kind, body = found()
        except Exception:  # noqa: BLE001 - whatever it is, it stays inside
            status, kind, body = answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "not to be had just now"})
        self._send(status, kind, body if with_body else b"")

    def _refuse(self) -> None:
        self._send(*answer(HTTPStatus.METHOD_NOT_ALLOWED, {"error": "only GET and HEAD"}))

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _refuse  # noqa: N815 - names that http.server looks for

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is not understood, repeating none of it."""
        del message, explain
        self.requestline, self.request_version, self.command = "", "HTTP/1.0", ""
        self._send(*answer(HTTPStatus(code), {"error": HTTPStatus(code).phrase}))

    def version_string(self) -> str:
        """Name the program without its version."""
        return "ocsf-pipe"

    def log_message(self, *_: Any) -> None:
        """Keep silent: the program's log is its own."""


class Server(ThreadingHTTPServer):
    """The listener; UsageError where the address cannot be had. `address` is where it listens."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 32

    def __init__(self, host: str, port: int, answers: dict[str, Answer]) -> None:
        """Listen at once; answer from `start` on."""
        self.answers = answers
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"cannot listen on {host}:{port}: {error}", "set `metrics.listen` to a free port"
            ) from error
        self._thread = threading.Thread(target=self.serve_forever, args=(0.2,), name="telemetry", daemon=True)

    def server_bind(self) -> None:
        """Bind without asking the network for the host's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where it is reached."""
        host = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"http://{host}:{self.server_port}"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join(5)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection if there is room; hang up if there is none."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one connection and make room."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client's trouble is not ours to print."""
