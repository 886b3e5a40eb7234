"""S3 when things go wrong: a busy far end, broken connections, workers that are killed, two workers, large objects."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from ocsf_pipe.errors import SourceError
from ocsf_pipe.lake.store import LocalStore
from tests.connectors.s3_proxy import proxy
from tests.connectors.s3_world import World, lines, server

WORKER = Path(__file__).with_name("s3_worker.py")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The server of this file."""
    with server() as found:
        yield found


@pytest.fixture
def world(url: str, tmp_path: Path) -> World:
    """A bucket and a queue."""
    return World.made(url, f"logs-{uuid.uuid4().hex[:12]}", tmp_path)


def worker(folder: Path, settings: dict[str, Any], *more: str) -> subprocess.Popen[str]:
    """Start a worker in a process of its own."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "connectors")])
    command = [sys.executable, str(WORKER), str(folder), json.dumps(settings), *more]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True)


def lake(folder: Path) -> tuple[list[str], list[str]]:
    """The records and the rejects in a worker's lake."""
    store = LocalStore(folder / "lake")
    batches = [json.loads(store.get(name) or b"{}") for name in store.names("")]
    found = [text for batch in batches for text in batch["texts"]]
    return found, [reason for batch in batches for reason in batch["rejects"]]


def ended(process: subprocess.Popen[str], timeout: float = 60) -> str:
    """Wait for a process; returns what it said."""
    try:
        told, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert process.returncode == 0
    return told


def killed(process: subprocess.Popen[str]) -> None:
    """Kill a process that runs."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_busy_far_end_and_broken_connections_lose_and_double_nothing(world: World) -> None:
    """One request in three is refused, cut in the middle, or done without an answer."""
    world.notify()
    expected = [line for n in range(12) for line in lines(f"k{n}", 40).decode().splitlines()]
    for number in range(12):
        world.put(f"k{number}", gzip.compress(lines(f"k{number}", 40)))
    chance = random.Random(5)

    def fault(_method: str, _path: str) -> str:
        return chance.choice(["", "", "", "", "503", "cut", "lost"])

    with proxy(world.url, fault) as bad:
        settings = {**world.listing(), **world.queue(visibility_seconds=10), "endpoint_url": bad}
        process = worker(world.folder, settings)
        until(lambda: len(lake(world.folder)[0]) >= len(expected), 60)
        killed(process)
    found, refused = lake(world.folder)
    assert sorted(found) == sorted(expected)
    assert refused == []


def until(there: Any, seconds: float) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def test_a_worker_that_is_killed_again_and_again_loses_and_doubles_nothing(world: World) -> None:
    """While objects come, told by the queue and found by the listing; messages come again meanwhile."""
    world.notify()
    expected: list[str] = []
    chance = random.Random(7)
    settings = {**world.listing(), **world.queue(visibility_seconds=10)}

    def feed() -> None:
        for number in itertools.count():
            if number == 40:
                return
            body = lines(f"k{number}", 400)
            etag = world.put(f"{chance.random()}/k{number}.gz", gzip.compress(body, mtime=0))
            expected.extend(body.decode().splitlines())
            world.send(orjson.dumps({"Records": [world.event(f"no such {number // 20}", etag)]}).decode())

    feeder = threading.Thread(target=feed)
    feeder.start()
    for _ in range(5):
        process = worker(world.folder, settings)
        before = len(lake(world.folder)[0])
        until(lambda before=before: len(lake(world.folder)[0]) > before, 30)
        time.sleep(chance.random() * 0.2)
        killed(process)
        if not feeder.is_alive() and len(lake(world.folder)[0]) == len(expected):
            break
    feeder.join()
    process = worker(world.folder, settings)
    until(lambda: len(lake(world.folder)[0]) >= len(expected), 60)
    killed(process)
    found, refused = lake(world.folder)
    assert sorted(found) == sorted(expected)
    assert set(refused) == {"the object was deleted before it was read"}


def test_two_workers_on_different_machines_take_turns(world: World) -> None:
    """They share lake and ledger but no state folder: the second waits, and goes on where the first gave up."""
    for number in range(6):
        world.put(f"k{number}", lines(f"k{number}", 20))
    with world.partition(world.listing()) as part:
        assert part.next_batch() is not None
        other = World(world.url, world.name, world.folder / "other", world.queue_url, world.s3, world.sqs)
        (other.folder / "state").mkdir(parents=True)
        (other.folder / "ledger").symlink_to(world.folder / "ledger")
        second = other.source(other.listing())
        assert second.partitions() == []
        second.close()
    with other.partition(other.listing(), part.offset()) as again:
        assert again.next_batch() is None


@pytest.mark.parametrize("packed", [pytest.param(False, marks=pytest.mark.heavy), True], ids=["plain", "gzip"])
def test_an_object_of_200_mb_is_read_with_flat_memory(world: World, packed: bool) -> None:  # noqa: FBT001
    """Piece by piece; a worker that read a small one needs nearly as much."""
    line = orjson.dumps({"o": "x" * 960}) + b"\n"
    block = line * 1000
    body = gzip.compress(block * 200, 1) if packed else block * 200
    asked = world.listing(once=True, prefixes=["small"])
    world.put("small", block)
    small = int(ended(worker(world.folder, asked, "count")))
    world.put("large", body)
    other = World(world.url, world.name, world.folder / "large", world.queue_url, world.s3, world.sqs)
    other.folder.mkdir()
    large = int(ended(worker(other.folder, world.listing(once=True, prefixes=["large"]), "count")))
    store = LocalStore(other.folder / "lake")
    counts = [json.loads(store.get(name) or b"{}")["count"] for name in store.names("")]
    assert sum(counts) == 200_000
    assert large - small < 100_000, "kilobytes"


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("403", "403 AccessDenied", "s3:ListBucket"),
        ("503", "503 SlowDown", "tried again"),
    ],
)
def test_a_refusal_says_what_to_do(world: World, code: str, message: str, hint: str) -> None:
    """Permissions are named; what passes is tried again."""
    with proxy(world.url, lambda _method, _path: code) as bad:
        settings = {**world.listing(), "endpoint_url": bad}
        with world.partition(settings) as part, pytest.raises(SourceError, match=message) as told:
            part.next_batch()
    assert hint in str(told.value.hint)
