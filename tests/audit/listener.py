"""A listener that takes audit records as the pipeline's does: one answer a request, and none where it is told so."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Listening:
    """What came in: bodies by their key, every attempt, and the answers that are to be given first."""

    url: str = ""
    bodies: dict[str, bytes] = field(default_factory=dict)
    attempts: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    def records(self) -> list[dict[str, Any]]:
        """Every record that was taken, each once, in the order of their segments."""
        return [json.loads(line) for key in sorted(self.bodies) for line in self.bodies[key].splitlines()]


@contextmanager
def listening() -> Iterator[Listening]:
    """Serve for a block."""
    here = Listening()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            key = self.headers["Idempotency-Key"]
            here.attempts.append(key)
            here.tokens.append(self.headers.get("Authorization", ""))
            status, headers = here.answers.pop(0) if here.answers else (200, {})
            if status == 200:
                assert here.bodies.setdefault(key, body) == body, "a key came again with another body"
            self.send_response(status)
            for name, value in {"Content-Length": "2", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    here.url = f"http://127.0.0.1:{server.server_port}/ingest"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
