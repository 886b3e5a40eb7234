"""A proxy before an object store that fails requests at random, as a process: `python -m tests.matrix.shaky URL SEED`.

It writes its own URL as its first line, then takes a share of requests to fail (`0.1`) from every line of its input.
A request that fails is refused (503), dropped unseen, done without an answer, or done late: the third makes a commit of
which nobody knows whether it was.
"""

from __future__ import annotations

import http.client
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

REFUSED, DROPPED, UNANSWERED, LATE = "refused", "dropped", "unanswered", "late"
_LATE_SECONDS = 0.3


@dataclass
class Chance:
    """What happens to the next request."""

    dice: random.Random
    share: float = 0.0

    def next(self) -> str:
        """One of the four faults, or nothing."""
        if self.dice.random() >= self.share:
            return ""
        return self.dice.choice([REFUSED, DROPPED, UNANSWERED, UNANSWERED, LATE])


def asked(netloc: str, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return what the server at `netloc` answers to a request: status, headers, body."""
    upstream = http.client.HTTPConnection(netloc, timeout=30)
    try:
        upstream.request(request.command, request.path, body, dict(request.headers.items()))
        answer = upstream.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        upstream.close()


def handler(target: str, chance: Chance) -> type[BaseHTTPRequestHandler]:
    """Return what answers requests with what `target` answers."""
    netloc = urlsplit(target).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            happens = chance.next()
            if happens == REFUSED:
                self._answer(503, [], b"<Error><Code>SlowDown</Code><Message>no</Message></Error>")
            elif happens == DROPPED:
                self.close_connection = True
            else:
                time.sleep(_LATE_SECONDS if happens == LATE else 0)
                status, headers, data = asked(netloc, self, body)
                self.close_connection = happens == UNANSWERED
                if happens != UNANSWERED:
                    self._answer(status, headers, data)

        def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
            self.send_response_only(status)
            for name, value in passed_on(headers, len(data), head=self.command == "HEAD"):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass  # noqa: N815 - what http.server calls

        def handle(self) -> None:
            """Answer; whoever asked may be killed meanwhile."""
            with suppress(OSError, http.client.HTTPException):
                super().handle()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def passed_on(headers: list[tuple[str, str]], length: int, *, head: bool) -> Iterator[tuple[str, str]]:
    """Yield the headers of an answer without those of its connection; only a HEAD keeps the length that it was told."""
    told = [value for name, value in headers if name.lower() == "content-length"]
    yield "Content-Length", told[0] if head and told else str(length)
    for name, value in headers:
        if name.lower() not in ("content-length", "connection", "transfer-encoding"):
            yield name, value


@dataclass(slots=True)
class Shaky:
    """The proxy as a process of its own: threads here would wait for whoever waits for them."""

    process: subprocess.Popen[str]
    url: str

    def fail(self, share: float) -> None:
        """Let this share of requests fail from now on."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{share}\n")
        self.process.stdin.flush()
        time.sleep(0.1)


@contextmanager
def shaky(target: str, seed: int) -> Iterator[Shaky]:
    """Run a proxy that fails nothing yet."""
    command = [sys.executable, "-m", "tests.matrix.shaky", target, str(seed)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        try:
            yield Shaky(process, process.stdout.readline().strip())
        finally:
            process.kill()


def main(target: str, seed: str) -> None:
    """Serve until the input ends."""
    chance = Chance(random.Random(int(seed)))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(target, chance))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        chance.share = float(line)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
