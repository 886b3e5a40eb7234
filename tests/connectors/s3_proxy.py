"""A small proxy before an S3 server that fails as told."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Fault = Callable[[str, str], str]
"""From method and path to what happens: `503` or `403`, half of the body (`cut`), no answer (`lost`), or nothing."""


_REFUSED = {"503": "SlowDown", "403": "AccessDenied"}


def _handler(target: str, fault: Fault) -> type[BaseHTTPRequestHandler]:
    """Make the handler of a proxy."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            happens = fault(self.command, self.path)
            if happens in _REFUSED:
                told = f"<Error><Code>{_REFUSED[happens]}</Code><Message>no</Message></Error>"
                self._answer(int(happens), {}, told.encode(), 1.0)
                return
            upstream = http.client.HTTPConnection(urlsplit(target).netloc, timeout=30)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            kept = {k: v for k, v in answer.getheaders() if k.lower() not in ("connection", "transfer-encoding")}
            data = answer.read()
            upstream.close()
            if happens == "lost":
                self.close_connection = True
            else:
                self._answer(answer.status, kept, data, 0.5 if happens == "cut" else 1.0)

        def _answer(self, status: int, headers: dict[str, str], data: bytes, share: float) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(data))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(data[: int(len(data) * share)])
            self.close_connection = self.close_connection or share < 1

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass  # noqa: N815 - what http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def proxy(target: str, fault: Fault) -> Iterator[str]:
    """Run a proxy before `target`; yields its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(target, fault))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
