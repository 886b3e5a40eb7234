"""Syslog from real senders on the loopback interface: what was taken is on disk, once, and resumes at any cut."""

from __future__ import annotations

import logging
import logging.handlers
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from ocsf_connectors import syslog
from ocsf_connectors.spool import Spool
from ocsf_connectors.syslog_frames import Framer
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Records, Source
from ocsf_pipe.testing.connectors import Conformance, FakeDecoder, context, drain, texts

Record = dict[str, Any]


@contextmanager
def listening(folder: Path, **settings: Any) -> Iterator[syslog.SyslogSource]:
    """A listener on any free port, closed behind the block."""
    source = syslog.connect({"port": 0, **settings}, context(folder, decoder=FakeDecoder("syslog")))
    try:
        yield source
    finally:
        source.close()


def wait(condition: Callable[[], bool], seconds: float = 8.0) -> None:
    """Wait until a condition holds; fails when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def records(source: Source, count: int) -> list[Record]:
    """The records that came, once there are so many."""
    found = drain(source, records=count, quiet=0.05)
    [batches] = found.batches.values()
    return [orjson.loads(text) for batch in batches for run in batch.runs for text in _json(run)]


def _json(run: Records) -> list[str]:
    return [] if run.json is None else run.json.to_pylist()


def raws(source: Source, count: int) -> list[str]:
    """What came, as it came, once there is so much of it."""
    found = drain(source, records=count, quiet=0.05)
    return [text for batches in found.batches.values() for text in texts(batches)]


def send(source: syslog.SyslogSource, *pieces: bytes, pause: float = 0.0) -> None:
    """Send pieces over one TCP connection and end it."""
    with socket.create_connection(source.address) as sender:
        for piece in pieces:
            sender.sendall(piece)
            time.sleep(pause)


MESSAGES = [f"<34>Oct 11 22:14:15 host app[{i}]: message {i} {'x' * (i % 90)}" for i in range(120)]


class TestConforms(Conformance):
    """The spool of a listener that was filled over TCP."""

    module = syslog

    @pytest.fixture
    def make_source(self, tmp_path: Path) -> Callable[[], Source]:
        """Connect to the same spool anew."""
        with listening(tmp_path, protocol="tcp") as source:
            send(source, *(f"{line}\n".encode() for line in MESSAGES))
            wait(lambda: source.counts.received == len(MESSAGES))
        return lambda: syslog.connect({"port": 0}, context(tmp_path, decoder=FakeDecoder("syslog")))

    @pytest.fixture
    def expected(self) -> Sequence[str]:
        """Every message."""
        return MESSAGES


@pytest.mark.parametrize("size", [1, 3, 17, 1000])
def test_frames_may_be_split_and_mixed_as_they_like(size: int) -> None:
    """Counted, LF and NUL in one connection, in pieces of any size; a counted message may hold line ends."""
    whole = (
        b"24 <34>counted\nwith a line \r\n<34>line\r\n<34>nul\0\n\n5 <1>x\n6 <1>yyy<2>last of \xff\n"
        b"12 o'clock, said nobody\n123\n999999999x\n"
    )
    framer = Framer(1000)
    got = [m for at in range(0, len(whole), size) for m in framer.feed(whole[at : at + size])]
    assert [one.body for one in got] == [
        b"<34>counted\nwith a line ", b"<34>line", b"<34>nul", b"<1>x", b"<1>yyy", b"<2>last of \xff",
        b"12 o'clock, said nobody", b"123", b"999999999x",
    ]  # fmt: skip
    assert framer.finish() == []


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_beyond_the_limit_a_message_is_cut_and_the_next_is_whole(size: int) -> None:
    """Counted or not; nothing of what is left out is taken for a message."""
    framer = Framer(20)
    whole = b"60 <1>" + b"a" * 57 + b"<2>" + b"b" * 50 + b"\n<3>c\n"
    got = [m for at in range(0, len(whole), size) for m in framer.feed(whole[at : at + size])]
    assert [(one.body, one.cut) for one in got] == [
        (b"<1>" + b"a" * 17, True), (b"<2>" + b"b" * 17, True), (b"<3>c", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("piece", "body", "cut"), [(b"99 <1>half", b"<1>half", True), (b"<1>no end", b"<1>no end", False)]
)
def test_half_a_message_at_the_end_is_kept(piece: bytes, body: bytes, *, cut: bool) -> None:
    """A line needs no end at the end; a counted message that is short says so."""
    framer = Framer(1000)
    assert framer.feed(piece) == []
    assert [(one.body, one.cut) for one in framer.finish()] == [(body, cut)]


def test_a_message_in_single_bytes_costs_no_more_than_its_length() -> None:
    """A sender that drips cannot keep the listener busy."""
    framer = Framer(1 << 20)
    start = time.process_time()
    for _ in range(200_000):
        framer.feed(b"x")
    assert time.process_time() - start < 4
    assert len(framer.finish()[0].body) == 200_000


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_the_handler_of_the_standard_library(tmp_path: Path, protocol: str) -> None:
    """Python's SysLogHandler, whose messages end in NUL; the record says who sent it, how, and when it came."""
    with listening(tmp_path, protocol=protocol) as source:
        kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
        handler = logging.handlers.SysLogHandler(source.address, facility="auth", socktype=kind)
        handler.ident = "app: "
        logger = logging.getLogger(f"test.syslog.{protocol}")
        logger.addHandler(handler)
        logger.error("grüße")
        logger.removeHandler(handler)
        handler.close()
        before = time.time()
        [record] = records(source, 1)
    assert (record["facility"], record["severity"], record["appname"]) == ("auth", "err", "app")
    assert (record["peer"], record["protocol"], record["message"]) == ("127.0.0.1", protocol, "grüße")
    assert abs(record["received"] / 1000 - before) < 10


@pytest.mark.skipif(shutil.which("logger") is None, reason="util-linux is not installed")
@pytest.mark.parametrize("style", [["--rfc5424"], ["--rfc3164"], ["--rfc5424", "--octet-count"]])
def test_the_logger_of_util_linux(tmp_path: Path, style: list[str]) -> None:
    """Both standards and both framings, from a program that is on most machines."""
    with listening(tmp_path, protocol="tcp") as source:
        host, port = source.address
        command = [
            "logger",
            "-T",
            "-n",
            host,
            "-P",
            str(port),
            "-t",
            "tool",
            "-p",
            "auth.warning",
            *style,
            "hello there",
        ]
        subprocess.run(command, check=True, timeout=10)
        [record] = records(source, 1)
    assert (record["facility"], record["severity"], record["appname"]) == ("auth", "warning", "tool")
    assert record["message"] == "hello there"
    assert record["timestamp"]


def test_datagrams_are_messages_also_when_odd(tmp_path: Path) -> None:
    """Empty ones are none; garbage is a reject or a message; one over the limit is cut."""
    with listening(tmp_path, protocol="udp", max_message_bytes=500) as source:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for datagram in (b"", b"\n\0", b"<34>a\nb", b"\xff\xfe", b"\x01{}\x02", b"<1>" + b"y" * 60000):
                sender.sendto(datagram, source.address)
        wait(lambda: source.counts.received == 4)
        found = drain(source, records=4)
        assert source.counts.cut == 1
    [batches] = found.batches.values()
    assert texts(batches) == ["<34>a\nb", "\x01{}\x02", "<1>" + "y" * 497]
    assert [reject.raw for batch in batches for run in batch.runs for reject in run.rejects] == [b"\xff\xfe"]


def test_datagrams_that_the_kernel_drops_are_counted(tmp_path: Path) -> None:
    """Received and dropped make what was sent, as the kernel tells with the next datagram."""
    with listening(tmp_path, protocol="udp", receive_buffer_bytes=4096) as source:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(3000):
                sender.sendto(b"<34>" + b"x" * 1000, source.address)
            time.sleep(0.5)
            sender.sendto(b"<34>last", source.address)
        wait(lambda: source.counts.received + source.counts.dropped == 3001)
        assert source.counts.dropped > 0


def test_many_connections_and_garbage_among_them(tmp_path: Path) -> None:
    """Every message of every sender comes, those of one sender in order; nobody is disturbed by what others send."""
    with listening(tmp_path, protocol="tcp") as source:
        senders = [socket.create_connection(source.address) for _ in range(20)]
        for turn in range(50):
            for number, sender in enumerate(senders):
                sender.sendall(f"<34>{number} {turn}".encode() + b"\n")
        senders[0].sendall(os.urandom(5000))
        time.sleep(0.3)  # a reset takes with it what was not read yet
        senders[1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        for sender in senders:
            sender.close()
        wait(lambda: source.counts.received >= 1000)
        got = [line for line in raws(source, 1000) if line.startswith("<34>")]
    for number in range(20):
        mine = [line for line in got if line.startswith(f"<34>{number} ")]
        assert mine == [f"<34>{number} {turn}" for turn in range(50)]


def test_connections_beyond_the_limit_are_closed(tmp_path: Path) -> None:
    """Those that were there go on, and a place that comes free is given again."""
    with listening(tmp_path, protocol="tcp", max_connections=2) as source:
        first, second, third = (socket.create_connection(source.address) for _ in range(3))
        third.settimeout(5)
        assert third.recv(1) == b""
        first.sendall(b"<34>a\n")
        wait(lambda: source.counts.received == 1)
        first.close()
        second.close()
        third.close()
        time.sleep(0.3)
        send(source, b"<34>b\n")
        assert raws(source, 2) == ["<34>a", "<34>b"]
        assert source.counts.refused == 1


def test_silent_connections_are_closed(tmp_path: Path) -> None:
    """After what they had begun to say is kept."""
    with listening(tmp_path, protocol="tcp", idle_seconds=0.3) as source:
        with socket.create_connection(source.address) as sender:
            sender.sendall(b"<34>half")
            sender.settimeout(5)
            assert sender.recv(1) == b""
        assert raws(source, 1) == ["<34>half"]
        assert source.counts.idle == 1


def test_a_full_spool_holds_tcp_senders_back(tmp_path: Path) -> None:
    """They wait, and when the lake has caught up everything comes, once and in order."""
    lines = [f"<34>{i} {'x' * 1000}" for i in range(3000)]
    with listening(tmp_path, protocol="tcp", spool_bytes=1 << 20) as source:
        sender = threading.Thread(target=send, args=(source, *(f"{line}\n".encode() for line in lines)))
        sender.start()
        wait(lambda: source.counts.waits > 0)
        assert source.counts.received < len(lines)
        found = drain(source, records=len(lines), acknowledge=True)
        sender.join(10)
    assert found.texts() == lines


def test_closing_keeps_what_has_come(tmp_path: Path) -> None:
    """What stands in the buffers of the connections is put on disk before the listener ends."""
    with listening(tmp_path, protocol="tcp") as source:
        sender = socket.create_connection(source.address)
        sender.sendall(b"".join(b"<34>%d\n" % i for i in range(500)) + b"<34>no end")
        time.sleep(0.05)
    sender.close()
    with listening(tmp_path, protocol="tcp") as again:
        assert raws(again, 501) == [f"<34>{i}" for i in range(500)] + ["<34>no end"]


CHILD = """
import sys, time
from pathlib import Path
from ocsf_connectors import syslog
from ocsf_pipe.testing.connectors import FakeDecoder, context
source = syslog.connect({"port": 0, "protocol": "tcp"}, context(Path(sys.argv[1]), decoder=FakeDecoder("syslog")))
print(source.address[1], flush=True)
while True:
    print(source.counts.received, flush=True)
    time.sleep(0.001)
"""


@pytest.mark.parametrize("after", [1, 500, 3000])
def test_what_was_on_disk_survives_kill_9(tmp_path: Path, after: int) -> None:
    """A listener that said it has so many has them after its death: each once, in order, nothing else."""
    command = [sys.executable, "-c", CHILD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        told = 0
        with socket.create_connection(("127.0.0.1", port)) as sender:
            sent = 0
            while told < after:
                sender.sendall(b"".join(b"<34>message %d\n" % i for i in range(sent, sent + 50)))
                sent += 50
                told = int(child.stdout.readline())
            os.kill(child.pid, signal.SIGKILL)
        for line in child.stdout:
            told = int(line) if line.endswith("\n") else told
    with listening(tmp_path, protocol="tcp") as again:
        got = raws(again, told)
    assert told <= len(got) <= sent
    # The last line may be half of one: the connection broke in it, and what there was of it was taken.
    assert got[:-1] == [f"<34>message {i}" for i in range(len(got) - 1)]


@pytest.mark.parametrize(
    ("settings", "fact"),
    [
        ({"host": "203.0.113.1"}, "cannot listen on `203.0.113.1`"),
        ({"host": "no such host.invalid"}, "cannot listen on `no such host.invalid`"),
        ({"protocol": "tls"}, "TLS needs `certificate_file`"),
        ({"protocol": "tls", "certificate_file": "/none", "key_file": "/none"}, "the TLS files cannot be used"),
    ],
)
def test_what_cannot_be_listened_on_is_said_at_once(tmp_path: Path, settings: Record, fact: str) -> None:
    """And the spool is free again."""
    with pytest.raises(SourceError) as caught:
        syslog.connect({"port": 0, **settings}, context(tmp_path))
    assert fact in str(caught.value)
    Spool(tmp_path / "state" / "spool", max_bytes=1 << 20).close()


def test_port_in_use(tmp_path: Path) -> None:
    """The second listener is told which port it is."""
    with listening(tmp_path / "a", protocol="tcp") as source, pytest.raises(SourceError) as caught:
        syslog.connect({"port": source.address[1], "protocol": "tcp"}, context(tmp_path / "b"))
    assert str(source.address[1]) in str(caught.value)
