"""Bad clients of the HTTP listener get a clear refusal, leave nothing behind, and hold nobody up."""

from __future__ import annotations

import concurrent.futures
import gzip
import http.client
import os
import random
import select
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import zstandard

from ocsf_connectors.http import HttpSource, connect
from ocsf_pipe.testing.connectors import context, drain

TOKEN = "a-token-of-the-tests"
HEAD = b"POST /ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[HttpSource]:
    """A listener with short deadlines."""
    settings: dict[str, Any] = {
        "listen": "127.0.0.1:0", "tokens": [TOKEN], "min_free": 0, "max_body": 1 << 20, "max_unpacked": 4 << 20,
        "header_seconds": 0.5, "body_seconds": 1, "idle_seconds": 0.5, "max_connections": 50, "max_memory": 8 << 20,
    }  # fmt: skip
    source = connect(settings, context(tmp_path))
    yield source
    source.close()


@contextmanager
def raw(address: tuple[str, int]) -> Iterator[socket.socket]:
    """A plain connection."""
    with socket.create_connection(address, timeout=10) as client:
        yield client


def rest(client: socket.socket) -> bytes:
    """All that still comes."""
    data = b""
    with suppress(ConnectionError):
        while more := client.recv(65536):
            data += more
    return data


def said(address: tuple[str, int], data: bytes, *, half_close: bool = False) -> bytes:
    """What the listener answers to bytes."""
    with raw(address) as client:
        with suppress(ConnectionError):
            client.sendall(data)
            if half_close:
                client.shutdown(socket.SHUT_WR)
        return rest(client)


def status(reply: bytes) -> int:
    """The status of an answer; zero where there is none."""
    return int(reply.split(b" ")[1]) if reply else 0


def serves(source: HttpSource) -> bool:
    """Whether another client is served within a second."""
    begun = time.monotonic()
    reply = said(source.address, HEAD + b"Connection: close\r\nContent-Length: 7\r\n\r\n" + b'{"a":1}')
    return status(reply) == 200 and time.monotonic() - begun < 1


def test_heads_that_are_not_http_are_refused(source: HttpSource) -> None:
    """400, 431 or 501 by what is wrong with them; none of them reaches the spool."""
    cases: list[tuple[bytes, set[int]]] = [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
        (b"GET\r\n\r\n", {400}),
        (b"POST /ingest HTTP/9.9\r\nHost: x\r\n\r\n", {505}),
        (HEAD + b"Content-Length: -1\r\n\r\n", {400}),
        (HEAD + b"Content-Length: 7\r\nContent-Length: 8\r\n\r\n" + b'{"a":1}', {400}),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", {400, 501}),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", {400}),
        (HEAD + b"X: a\x00b\r\n\r\n", {400}),
        (HEAD + b"X : a\r\n\r\n", {400}),
        (HEAD + b"X: " + b"a" * (1 << 20) + b"\r\n\r\n", {431}),
        (HEAD + b"".join(b"X%d: a\r\n" % i for i in range(5000)) + b"\r\n", {431}),
        (b"POST /" + b"a" * (1 << 20) + b" HTTP/1.1\r\nHost: x\r\n\r\n", {414, 431}),
    ]
    for data, expected in cases:
        assert status(said(source.address, data)) in expected, data[:200]
    assert serves(source)
    assert drain(source).texts() == ['{"a":1}']


@pytest.mark.parametrize("seed", range(3))
def test_garbage_ends_in_an_answer_or_a_close(source: HttpSource, seed: int) -> None:
    """Random bytes, and good requests with bytes changed: 4xx, or 200 where the change did no harm."""
    dice = random.Random(seed)
    good = HEAD + b"Connection: close\r\nContent-Length: 7\r\n\r\n" + b'{"a":1}'
    for _ in range(40):
        data = bytearray(good if dice.random() < 0.7 else dice.randbytes(200))
        for _ in range(dice.randrange(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        assert status(said(source.address, bytes(data), half_close=True)) in {0, 200, *range(400, 432), 501, 505}
    assert serves(source)


def test_paths_and_queries_of_any_kind_are_looked_up_as_they_stand(source: HttpSource) -> None:
    """No decoding, no folders; odd queries do no harm."""
    for path in ("/..%2fingest", "/ingest/", "//ingest", "/%69ngest", "/ingest;x", "/INGEST", "*", "/" + "%ff" * 1000):
        reply = said(source.address, HEAD.replace(b"/ingest", path.encode()) + b"Connection: close\r\n\r\n")
        assert status(reply) in (400, 404), path
    for query in ("?", "?" + "a=b&" * 2000, "?%zz=%", "?token=" + TOKEN, "#x", "?a=%00"):
        head = HEAD.replace(b"/ingest", b"/ingest" + query.encode())
        reply = said(source.address, head + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}")
        assert status(reply) in (200, 400, 404), query
    assert serves(source)


def test_a_wrong_token_is_refused_before_the_body_is_looked_at(source: HttpSource) -> None:
    """Not a byte of it is read or unpacked, and no `100 Continue` asks for it."""
    for authorization, expected in (
        (b"", 401),
        (b"Bearer no", 403),
        (b"Bearer " + TOKEN[:-1].encode(), 403),
        (b"Basic ==", 401),
    ):
        head = b"POST /ingest HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000000\r\n"
        reply = said(source.address, head + b"Authorization: " + authorization + b"\r\n\r\n")
        assert reply.startswith(b"HTTP/1.1 %d " % expected), authorization
    twice = HEAD + b"Authorization: Bearer " + TOKEN.encode() + b"\r\nContent-Length: 2\r\n\r\n{}"
    assert status(said(source.address, twice)) == 403
    assert drain(source).count() == 0


def test_a_body_that_is_too_large_is_refused(source: HttpSource) -> None:
    """By its declared length at once, in chunks when it gets there, unpacked when it gets there; with any packing."""
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    bombs = {
        b"gzip": gzip.compress(b" " * (5 << 20)),
        b"deflate": zlib.compress(b" " * (5 << 20)),
        b"zstd": zstandard.compress(b" " * (5 << 20)),
    }
    assert status(said(source.address, HEAD + b"Content-Length: 1048577\r\n\r\n")) == 413
    assert status(said(source.address, HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n")) in (400, 413)
    assert status(said(source.address, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 20)) == 413
    for encoding, body in bombs.items():
        head = HEAD + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body))
        assert status(said(source.address, head + body)) == 413, encoding
    assert serves(source)
    assert drain(source).count() == 1


def test_a_body_that_cannot_be_unpacked_is_refused(source: HttpSource) -> None:
    """Wrong bytes, a packing that ends early, bytes behind it, a window of 128 MiB, an encoding that is not known."""
    good = gzip.compress(b'{"a":1}')
    window = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    ).compressobj()
    cases: list[tuple[bytes, bytes, int]] = [
        (b"gzip", b'{"a":1}', 400),
        (b"gzip", good[:-1], 400),
        (b"gzip", good + b"x", 400),
        (b"gzip", b"", 400),
        (b"deflate", zlib.compress(b"{}") + b"x", 400),
        (b"deflate", b"\xff\xff", 400),
        (b"zstd", b"\x28\xb5\x2f\xfd", 400),
        (b"zstd", good, 400),
        (b"zstd", window.compress(os.urandom(1000)) + window.flush(), 400),
        (b"br", b"x", 415),
        (b"gzip, gzip", good, 415),
    ]
    for encoding, body, expected in cases:
        head = HEAD + b"Content-Encoding: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (encoding, len(body))
        assert status(said(source.address, head + body)) == expected, (encoding, body)
    assert drain(source).count() == 0


def test_slow_clients_run_out_of_time(source: HttpSource) -> None:
    """A byte now and then in the head or in the body ends with 408; silence ends without a word."""
    for data, words in (
        (HEAD, 408),
        (HEAD + b"Content-Length: 100\r\n\r\n", 408),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", 408),
    ):
        begun = time.monotonic()
        with raw(source.address) as client:
            client.sendall(data)
            with suppress(ConnectionError):
                while not select.select([client], [], [], 0.1)[0] and time.monotonic() - begun < 5:
                    client.sendall(b"1")
            assert status(rest(client)) in (words, 0)
        with raw(source.address) as client:
            client.sendall(data)
            assert status(rest(client)) == words
        assert time.monotonic() - begun < 5
    with raw(source.address) as client:
        assert rest(client) == b""
    assert drain(source).count() == 0


def test_many_slow_clients_do_not_hold_others_up(source: HttpSource) -> None:
    """More connections than there may be, all in the middle of a head: the longest idle give way."""
    clients = [socket.create_connection(source.address, timeout=10) for _ in range(120)]
    try:
        for client in clients:
            with suppress(ConnectionError):
                client.sendall(HEAD)
        assert serves(source)
    finally:
        for client in clients:
            client.close()
    assert serves(source)


def test_clients_that_go_away_leave_nothing(source: HttpSource) -> None:
    """In the head, in the body, in a chunk, by reset."""
    linger = b"\1\0\0\0\0\0\0\0"
    for data in (
        HEAD,
        HEAD + b"Content-Length: 9\r\n\r\n" + b'{"a":1}',
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{}",
    ):
        assert said(source.address, data, half_close=True) == b""
        with raw(source.address) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            client.sendall(data)
    assert serves(source)
    assert drain(source).count() == 1


def test_half_closed_and_pipelined_requests_are_answered(source: HttpSource) -> None:
    """All in order, on one connection, also when the client has said all it has to say."""
    body = b'{"a":%d}'
    request = HEAD + b"Content-Length: 7\r\n\r\n" + body
    data = b"".join(request % i for i in range(5)) + b"GET /health HTTP/1.0\r\n\r\n"
    reply = said(source.address, data, half_close=True)
    assert reply.count(b"HTTP/1.1 200 ") == 6
    assert drain(source).texts() == [(body % i).decode() for i in range(5)]


def test_smuggled_requests_do_not_get_in(source: HttpSource) -> None:
    """Length and chunks together: one of them counts, and nothing is taken for a second request with our token."""
    inner = b"POST /ingest HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    data = HEAD + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (len(inner) + 5) + inner
    assert b" 200 " not in said(source.address, data, half_close=True)
    assert drain(source).count() == 0


def test_all_bodies_in_hand_together_are_bounded(source: HttpSource) -> None:
    """Each is allowed, all of them at once are not: some are asked to wait, and the count comes back to zero."""
    packed = gzip.compress(b" " * (3 << 20) + b"{}")
    head = HEAD + b"Connection: close\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    clients = [socket.create_connection(source.address, timeout=10) for _ in range(8)]
    for client in clients:
        client.sendall(head + packed[:-1])
    time.sleep(0.3)
    for client in clients:
        with suppress(ConnectionError):
            client.sendall(packed[-1:])
    found = sorted(status(rest(client)) for client in clients)
    for client in clients:
        client.close()
    assert found.count(429) >= 5
    assert found.count(200) >= 1
    assert status(said(source.address, head + packed)) == 200


def test_small_messages_that_unfold_to_large_ones_are_refused(
    child: tuple[subprocess.Popen[bytes], tuple[str, int]], tmp_path: Path
) -> None:
    """Millions of empty spans in a body within its limit: 413, and the memory is never taken."""
    process, address = child
    before = peak(process)

    def nested(*tags: int, count: int) -> bytes:
        body = bytes((tags[-1], 0)) * count
        for tag in reversed(tags[:-1]):
            length = bytes([len(body) >> shift & 127 | 128 for shift in range(0, 28, 7)] + [len(body) >> 28])
            body = bytes((tag,)) + length + body
        return body

    millions = 8 << 20
    bodies = [nested(10, count=millions), nested(10, 18, count=millions), nested(10, 18, 18, count=millions)]
    for body in [*bodies, nested(10, 18, 18, 74, count=2 * millions)]:
        packed = gzip.compress(body, 1)
        head = (
            HEAD.replace(b"/ingest", b"/v1/traces")
            + b"Content-Type: application/x-protobuf\r\nContent-Encoding: gzip\r\n"
        )
        assert (
            status(said(address, head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed))
            == 413
        )
    assert peak(process) - before < 300
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.segment")) == 0


CHILD = """
import sys
from pathlib import Path
from ocsf_connectors.http import connect
from ocsf_pipe.testing.connectors import context
source = connect({"listen": "127.0.0.1:0", "tokens": [sys.argv[2]], "min_free": 0}, context(Path(sys.argv[1])))
print(source.address[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def child(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], tuple[str, int]]]:
    """A listener with its usual limits in a process of its own, so that its memory can be seen."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), TOKEN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'connectors'}:{ROOT}"},
    )
    try:
        assert process.stdout is not None
        yield process, ("127.0.0.1", int(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate(timeout=10)


def peak(process: subprocess.Popen[bytes]) -> int:
    """The most memory that a process had, in MiB."""
    told = Path(f"/proc/{process.pid}/status").read_text()
    return int(told.partition("VmHWM:")[2].split()[0]) // 1024


def zeros_in_gzip(gigabytes: int) -> Iterator[bytes]:
    """So many zeros packed, 16 MiB at a time, without ever having them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(16 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(gigabytes * 64):
        yield block


def test_a_bomb_of_ten_gigabytes_costs_no_memory(
    child: tuple[subprocess.Popen[bytes], tuple[str, int]], tmp_path: Path
) -> None:
    """413 long before its end, ten at once; others are served meanwhile, and nothing gets to the disk."""
    process, address = child
    before = peak(process)
    served: list[float] = []
    over = threading.Event()

    def other() -> None:
        while not over.is_set():
            begun = time.monotonic()
            assert status(said(address, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) == 200
            served.append(time.monotonic() - begun)

    def bomb(_: int) -> int:
        with raw(address) as client:
            client.sendall(HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
            with suppress(ConnectionError):
                for piece in zeros_in_gzip(10):
                    client.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            return status(rest(client))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        watch = pool.submit(other)
        found = [bomb(0), *pool.map(bomb, range(2))]
        over.set()
        watch.result(10)
    assert set(found) <= {413, 429, 0}
    assert 413 in found
    assert len(served) > 3
    assert max(served) < 2
    assert peak(process) - before < 400
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.segment")) == 0


def test_memory_stays_flat_over_many_requests(child: tuple[subprocess.Popen[bytes], tuple[str, int]]) -> None:
    """Hundreds of requests of 100 kB and as many refusals leave the process as large as the first hundred did."""
    process, address = child
    client = http.client.HTTPConnection(*address, timeout=10)
    body = b'{"a":"' + b"x" * 100_000 + b'"}'

    def some(count: int) -> None:
        for number in range(count):
            right = number % 2 == 0
            client.request("POST", "/ingest", body, {"Authorization": f"Bearer {TOKEN if right else 'wrong-one'}"})
            reply = client.getresponse()
            reply.read()
            assert reply.status == (200 if right else 403)

    some(100)
    before = peak(process)
    some(500)
    client.close()
    assert peak(process) - before < 30
