"""A listener that is killed at any point, and clients that send again what was not answered: each record once."""

from __future__ import annotations

import http.client
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson
import pytest

from ocsf_connectors.http import HttpSource, connect
from ocsf_pipe.source import Offset
from ocsf_pipe.testing.connectors import context, drain

ROOT = Path(__file__).parents[2]
CHILD = """
import os, signal, sys
from pathlib import Path
from ocsf_connectors import spool
from ocsf_connectors.http import connect
from ocsf_pipe.source import Context
folder, when = Path(sys.argv[1]) / "state", sys.argv[2]
folder.mkdir(exist_ok=True)
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def before(real):
    return die
def behind(real):
    return lambda *rest: (real(*rest), die())
step = {"before the write": ("_write_all", before), "between write and fsync": ("_write_all", behind)}
if when in step:
    name, kill = step[when]
    setattr(spool, name, kill(getattr(spool, name)))
if when == "between fsync and answer":
    spool.Spool.append = behind(spool.Spool.append)
settings = {"listen": "127.0.0.1:0", "min_free": 0, "spool_bytes": 1 << 18, "max_unpacked": 1 << 16}
source = connect(settings, Context("test", "test", None, None, folder))
print(source.address[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def listener(folder: Path, when: str = "") -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A listener in a process of its own, which is killed behind the block if not before; its port."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), when],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'connectors'}:{ROOT}"},
    )
    try:
        assert child.stdout is not None
        yield child, int(child.stdout.readline())
    finally:
        child.kill()
        child.communicate(timeout=10)


def read_from(folder: Path) -> HttpSource:
    """The same source after a restart, in this process."""
    settings = {"listen": "127.0.0.1:0", "min_free": 0, "spool_bytes": 1 << 18, "max_unpacked": 1 << 16}
    return connect(settings, context(folder))


def post(port: int, body: bytes, key: str) -> int:
    """The status; zero where there was no answer."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        client.request("POST", "/ingest", body, {"Idempotency-Key": key})
        return client.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        client.close()


@pytest.mark.parametrize("when", ["before the write", "between write and fsync", "between fsync and answer"])
def test_a_retry_after_a_lost_answer_is_one_record(tmp_path: Path, when: str) -> None:
    """Whether the request was on disk when the listener died or not."""
    with listener(tmp_path, when) as (child, port):
        assert post(port, b'{"a":1}', "k1") == 0
        assert child.wait(10) == -9
    with listener(tmp_path) as (_, port):
        assert post(port, b'{"a":1}', "k1") == 200
        assert post(port, b'{"a":2}', "k2") == 200
    source = read_from(tmp_path)
    assert drain(source).texts() == ['{"a":1}', '{"a":2}']
    source.close()


class Client(threading.Thread):
    """Sends numbered records, and each again with its key until it is answered."""

    def __init__(self, me: int, where: dict[str, int], over: threading.Event) -> None:
        """`where` holds the port of the moment."""
        super().__init__()
        self.me, self.where, self.over = me, where, over
        self.answered: list[str] = []
        self.retried = 0

    def run(self) -> None:
        """Send until told to stop; what is begun is brought to its end."""
        number = 0
        while not self.over.is_set():
            name = f"{self.me}-{number}"
            body = b'{"id":"%s a","x":"%s"}\n{"id":"%s b"}' % (
                name.encode(),
                b"x" * (number * 97 % 3000),
                name.encode(),
            )
            while post(self.where["port"], body, name) != 200:
                self.retried += 1
                time.sleep(0.02)
            self.answered += [f"{name} a", f"{name} b"]
            number += 1


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.heavy) for seed in range(1, 8))])
def test_killed_again_and_again_nothing_is_lost_or_doubled(tmp_path: Path, seed: int) -> None:
    """Five kills at random moments under four clients; between them some is read and acknowledged, as a lake does."""
    dice = random.Random(seed)
    over, where = threading.Event(), {"port": 1}
    clients = [Client(me, where, over) for me in range(4)]
    seen: Counter[str] = Counter()
    offset = Offset()
    for turn in range(5):
        with listener(tmp_path) as (_, port):
            where["port"] = port
            if not turn:
                for client in clients:
                    client.start()
            if turn < 4:
                time.sleep(dice.uniform(0.05, 0.4))
            else:
                over.set()
                for client in clients:
                    client.join(20)
        offset = lake_reads(tmp_path, offset, seen, some=turn < 3)
    sent = Counter(one for client in clients for one in client.answered)
    assert sum(sent.values()) > 40
    assert sum(client.retried for client in clients) > 0
    assert seen == sent


def lake_reads(folder: Path, offset: Offset, seen: Counter[str], *, some: bool) -> Offset:
    """Read on from an offset, all or up to somewhere in the middle; acknowledge, and say where the lake is now."""
    source = read_from(folder)
    try:
        [name] = source.partitions()
        part = source.open(name, offset)
        batch = part.next_batch()
        while batch is not None:
            found = [
                (position, orjson.loads(text)["id"])
                for run in batch.runs
                for position, text in zip(run.position.to_pylist(), run.raw.to_pylist(), strict=True)
            ]
            end = found[len(found) // 2][0] if some and found else batch.next.position
            seen.update(name for position, name in found if position < end)
            offset = Offset(end)
            part.acknowledge(offset)
            if some:
                break
            batch = part.next_batch()
    finally:
        with suppress(OSError):
            source.close()
    return offset
