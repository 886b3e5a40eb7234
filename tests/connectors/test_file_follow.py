"""Files are followed wherever they go: every line arrives once, over any rotation, cut and restart."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ocsf_connectors import file
from ocsf_connectors.file import connect
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Records, Source
from ocsf_pipe.testing.connectors import Conformance, FakeDecoder, MemoryLedger, context, drain
from tests.connectors.file_follower import SETTLE, Follower, append, follow, joined, lines, logs

__all__ = ["follow", "logs"]  # fixtures


class TestConforms(Conformance):
    """Some files of lines, one of them packed, one without a last line feed."""

    module = file

    @pytest.fixture
    def expected(self, logs: Path) -> list[str]:
        """Write the files."""
        some = lines(600, 40)
        (logs / "a.log").write_bytes(joined(some[:200]))
        (logs / "b.log.gz").write_bytes(gzip.compress(joined(some[200:400])))
        (logs / "c.log").write_bytes(joined(some[400:])[:-1])
        return some

    @pytest.fixture
    def make_source(self, tmp_path: Path, logs: Path, expected: list[str]) -> Callable[[], Source]:
        """Read each file once."""
        decoder = FakeDecoder(chunk_bytes=2000)
        return lambda: connect({"paths": [str(logs)], "follow": False}, context(tmp_path, decoder=decoder))


def test_a_growing_file_gives_each_line_once(logs: Path, follow: Callable[..., Follower]) -> None:
    """Also when the process is killed, and when it ends in order."""
    some = lines(60)
    f = follow()
    for i in range(0, 60, 10):
        append(logs / "a.log", some[i : i + 10])
        assert f.take() == some[i : i + 10]
        if i == 20:
            f.crash()
        if i == 40:
            f.stop()
    assert len(f.parts) == 1


def test_a_partial_line_waits_for_its_line_feed(logs: Path, follow: Callable[..., Follower]) -> None:
    """Also one that ends within a character."""
    f = follow()
    whole = '{"name":"Zoë"}'.encode()
    (logs / "a.log").write_bytes(b'{"n":1}\n' + whole[:12])
    assert f.take() == ['{"n":1}']
    assert f.take(2 * SETTLE) == []
    with (logs / "a.log").open("ab") as out:
        out.write(whole[12:])
        out.flush()
        assert f.take(2 * SETTLE) == []
        out.write(b"\n")
    assert f.take() == ['{"name":"Zoë"}']


def test_the_first_line_may_be_partial(logs: Path, follow: Callable[..., Follower]) -> None:
    """The file has no name before that."""
    f = follow()
    (logs / "a.log").write_bytes(b'{"n":')
    assert f.take(SETTLE) == []
    assert list(f.source.partitions()) == []
    append(logs / "a.log", ["1}"])
    assert f.take() == ['{"n":1}']


def test_a_file_at_rest_is_complete(logs: Path, follow: Callable[..., Follower]) -> None:
    """After `complete_after` its last line needs no line feed; if it grows nevertheless, the rest is another record."""
    f = follow(complete_after=0.2)
    (logs / "a.log").write_bytes(b'{"n":1}\n{"n":2}')
    assert f.take() == ['{"n":1}']
    assert f.take(0.25) == ['{"n":2}']
    append(logs / "a.log", [" ", '{"n":3}'])
    assert f.take() == ['{"n":3}']


def test_a_line_of_a_hundred_megabytes_is_a_reject_and_the_next_one_comes(
    logs: Path, follow: Callable[..., Follower]
) -> None:
    """While it is written nothing of it is held."""
    f = follow(decoder=FakeDecoder(chunk_bytes=16 << 20, max_record=1 << 20))
    with (logs / "a.log").open("wb") as out:
        out.write(b'{"n":1}\n')
        for _ in range(25):
            out.write(b"x" * (4 << 20))
            out.flush()
            f.turn()
        out.write(b'\n{"n":2}\n')
    f.take(SETTLE)
    assert f.got == ['{"n":1}', '{"n":2}']


def test_links_to_one_file_are_one_file(logs: Path, follow: Callable[..., Follower]) -> None:
    """Hard links and symbolic ones."""
    some = lines(10)
    append(logs / "a.log", some)
    (logs / "b.log").hardlink_to(logs / "a.log")
    (logs / "c.log").symlink_to("a.log")
    (logs / "nowhere.log").symlink_to("nothing")
    f = follow()
    assert f.take() == some
    append(logs / "b.log", more := lines(3))
    assert f.take(2 * SETTLE) == more


def test_a_removed_file_is_read_to_its_end(logs: Path, follow: Callable[..., Follower]) -> None:
    """While somebody writes to it; then it is finished, and no partition any more."""
    f = follow(complete_after=0.2)
    some = lines(20)
    with (logs / "a.log").open("ab", buffering=0) as out:
        out.write(joined(some[:10]))
        f.take()
        (logs / "a.log").unlink()
        out.write(joined(some[10:15]))
        f.take()
        out.write(joined(some[15:])[:-1])
    f.take(3 * SETTLE)
    assert f.got == some
    f.take(0.3)
    assert f.parts == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to take away its own rights")
def test_a_file_that_may_not_be_read_for_a_while_is_read_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are read meanwhile, and it is said once."""
    logs = Path(tempfile.mkdtemp())  # another user may not even enter the folder of a test
    logs.chmod(0o755)
    some = lines(20)
    append(logs / "a.log", some[:5])
    append(logs / "b.log", some[5:10])
    (logs / "b.log").chmod(0)
    f = Follower(tmp_path, f"{logs}/*.log")
    os.seteuid(65534)
    try:
        assert f.take() == some[:5]
        assert f.take(0.1) == []
        os.seteuid(0)
        (logs / "b.log").chmod(0o644)
        os.seteuid(65534)
        assert f.take() == some[5:10]
        os.seteuid(0)
        logs.chmod(0)
        append(logs / "a.log", some[10:])
        os.seteuid(65534)
        f.crash()
        assert f.take(2 * SETTLE) == []
        os.seteuid(0)
        logs.chmod(0o755)
        os.seteuid(65534)
        assert f.take() == some[10:]
    finally:
        os.seteuid(0)
        f.source.close()
        shutil.rmtree(logs)
    assert len([r for r in caplog.records if "b.log" in r.getMessage()]) == 1


def test_a_folder_may_come_later(logs: Path, follow: Callable[..., Follower]) -> None:
    """And files in folders of it."""
    f = follow("later", "also/*/x.log")
    assert f.take() == []
    some = lines(4)
    (logs / "later" / "deep").mkdir(parents=True)
    append(logs / "later" / "deep" / "a.txt", some[:2])
    (logs / "also" / "here").mkdir(parents=True)
    append(logs / "also" / "here" / "x.log", some[2:])
    assert sorted(f.take()) == sorted(some)


def test_what_was_there_first_can_be_begun_at_its_end(logs: Path, follow: Callable[..., Follower]) -> None:
    """What comes later is read whole; and the choice outlives a restart."""
    append(logs / "a.log", lines(5))
    (logs / "b.log").write_bytes(gzip.compress(joined(lines(5))))
    f = follow(start="end")
    assert f.take(2 * SETTLE) == []
    f.crash()
    some = lines(4)
    append(logs / "a.log", some[:2])
    append(logs / "c.log", some[2:])
    assert sorted(f.take(2 * SETTLE)) == sorted(some)


def test_excluded_files_are_left_out_and_too_many_are_an_error(logs: Path, follow: Callable[..., Follower]) -> None:
    """By name or by path."""
    for name in ("a.log", "a.tmp", "b/c.log", "d.log"):
        (logs / name).parent.mkdir(exist_ok=True)
        append(logs / name, lines(1))
    assert len(follow("", exclude=["*.tmp", "*/b/*"]).take()) == 2
    with pytest.raises(SourceError, match="4 files, `max_files` is 3"):
        follow("", max_files=3).take()


@pytest.mark.parametrize("members", [1, 3])
def test_a_packed_file_is_read_when_it_rests(logs: Path, follow: Callable[..., Follower], members: int) -> None:
    """One that is still being written waits; members that are added are read behind those before."""
    some = lines(90, 40)
    f = follow("*")
    with (logs / "a.gz").open("ab", buffering=0) as out:
        for i in range(members):
            part = gzip.compress(joined(some[30 * i : 30 * i + 30]))
            out.write(part[:100])
            f.take(2 * SETTLE)
            assert len(f.got) <= 30 * i + 15
            out.write(part[100:])
            f.take(2 * SETTLE)
            assert f.got == some[: 30 * i + 30]
        f.crash()
    assert f.take(2 * SETTLE) == []


def test_a_packed_file_that_ends_in_the_middle_is_a_reject_in_the_end(
    logs: Path, follow: Callable[..., Follower]
) -> None:
    """Once nobody has added to it for `complete_after`; then it is finished."""
    some = lines(400, 40)
    f = follow("*", complete_after=0.2)
    (logs / "a.gz").write_bytes(gzip.compress(joined(some))[:-100])
    f.take(0.4)
    assert some[:100] == f.got[:100]
    assert set(f.got[:-1]) < set(some)
    assert f.parts == {}


def test_a_document_is_read_when_it_rests(logs: Path, follow: Callable[..., Follower]) -> None:
    """Pretty-printed JSON has no lines that could be read while it is written; two that begin alike are two."""
    f = follow("*.json")
    for name in ("a", "b"):
        with (logs / f"{name}.json").open("wb", buffering=0) as out:
            out.write(b'[\n  {\n    "n": 1\n  },\n  {\n')
            f.turn()
            assert f.take(SETTLE / 2) == []
            out.write(b'    "n": "%s"\n  }\n]\n' % name.encode())
        assert [text.replace("\n", "").replace(" ", "") for text in f.take(2 * SETTLE)] == [
            '{"n":1}',
            f'{{"n":"{name}"}}',
        ]
        if name == "a":
            (logs / "a.json").unlink()
    f.crash()
    assert f.take(2 * SETTLE) == []


ZEEK = "#separator \\x09\n#fields\tts\tuid\n#types\ttime\tstring\n"


def test_a_header_is_seen_again(logs: Path, follow: Callable[..., Follower]) -> None:
    """After each pause and each restart: the columns keep their names."""
    seen: list[list[str]] = []

    class Seeing(FakeDecoder):
        """Remember the columns."""

        def read(self, *args: Any, **kwargs: Any) -> Any:
            for run in super().read(*args, **kwargs):
                if run.columns is not None and len(run):
                    seen.append(run.columns.column_names)
                yield run

    f = follow(decoder=Seeing("zeek"))
    (logs / "a.log").write_text(ZEEK)
    for i in range(6):
        append(logs / "a.log", [f"{i}\tC{i}"])
        assert f.take() == [f"{i}\tC{i}"]
        if i % 2:
            f.crash()
    assert seen == [["ts", "uid"]] * 6


def test_a_growing_file_with_a_header_is_not_read_from_its_beginning_each_time(
    logs: Path, follow: Callable[..., Follower]
) -> None:
    """The decoder is kept while the file is open."""
    made: list[int] = []

    class Counting(FakeDecoder):
        """Count the readings."""

        def read(self, *args: Any, **kwargs: Any) -> Any:
            made.append(1)
            return super().read(*args, **kwargs)

    f = follow(decoder=Counting("zeek"))
    (logs / "a.log").write_text(ZEEK)
    for i in range(20):
        append(logs / "a.log", [f"{i}\tC{i}"])
        assert f.take() == [f"{i}\tC{i}"]
    assert len(made) == 1


def test_more_files_than_may_be_open_are_followed(
    logs: Path, follow: Callable[..., Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those at rest make room."""
    f = follow()
    f.source._shelf.most = 5
    some = [lines(2) for _ in range(60)]
    for round_ in range(2):
        for i, pair in enumerate(some):
            append(logs / f"{i}.log", pair[round_ : round_ + 1])
        assert len(f.take(SETTLE)) == 60
        assert len(f.source._shelf._open) <= 5
    assert sorted(f.got) == sorted(line for pair in some for line in pair)


def test_ten_thousand_files_at_rest_cost_little(logs: Path, follow: Callable[..., Follower]) -> None:
    """A look at them is a stat each; between two looks nothing is asked of the system."""
    for i in range(10_000):
        (logs / f"{i}.log").write_bytes(b'{"n":%d}\n' % i)
    f = follow(poll=3600, decoder=FakeDecoder())
    f.source._scanner.known._ledger = MemoryLedger()
    names = f.source.partitions()
    assert len(names) == 10_000
    scanner = f.source._scanner
    began = time.process_time()
    scanner._scan(time.monotonic())
    look = time.process_time() - began
    parts = [f.source.open(name) for name in names[:2000]]
    for part in parts:
        while part.next_batch() is not None:
            pass
    began = time.process_time()
    for _ in range(5):
        for part in parts:
            part.next_batch()
    assert look < 2.0, f"one look took {look:.2f} s"
    assert (time.process_time() - began) / 10_000 < 2e-5
    assert len(list(Path("/proc/self/fd").iterdir())) < 400


def test_two_processes_that_follow_the_same_files_are_found(logs: Path, follow: Callable[..., Follower]) -> None:
    """The ledger tells the second."""
    f = follow()
    append(logs / "a.log", lines(1))
    f.take()
    other = connect(f.settings, f.context)
    append(logs / "b.log", lines(1))
    f.take()
    append(logs / "c.log", lines(1))
    with pytest.raises(SourceError, match="another process"):
        drain(other)


def test_an_id_that_no_file_ever_had_is_an_error(logs: Path, follow: Callable[..., Follower]) -> None:
    """The ledger is gone, or it is another source's."""
    with pytest.raises(SourceError, match="no file has the id `x`"):
        follow().source.open("x")
    with pytest.raises(SourceError, match="`-` is no file"):
        connect({"paths": ["-"]}, follow().context)


EVTX_HEADERS = 4096 + 512


class Ordinals(FakeDecoder):
    """Read the events of the EVTX-like files of this test, one of 32 bytes a position, as an EVTX decoder would."""

    def read(self, stream: Any, name: str, *, resume_at: int = 0) -> Any:
        """Yield what is there from an ordinal on."""
        body = stream.read(1 << 20)[EVTX_HEADERS:]
        found = [body[i + 8 : i + 32].decode() for i in range(0, len(body), 32) if body[i : i + 1] == b"*"]
        rest = found[resume_at:]
        if rest:
            places = pa.array(range(resume_at, len(found)), pa.int64())
            yield Records(pa.array(rest, pa.large_string()), places, pa.array([0] * len(rest), pa.int32()), len(found))


def test_an_evtx_file_is_read_behind_what_was_read_when_it_has_grown(
    logs: Path, follow: Callable[..., Follower]
) -> None:
    """Its headers change while it grows, its first record does not; its length does not tell."""
    events = [f"event {i:018d}" for i in range(9)]
    f = follow("*.evtx", decoder=Ordinals())

    def write(count: int) -> None:
        records = b"".join(b"**\0\0" + (32).to_bytes(4, "little") + e.encode() for e in events[:count])
        head = b"ElfFile\0" + bytes([count]) * (EVTX_HEADERS - 8)
        (logs / "a.evtx").write_bytes((head + records).ljust(8192, b"\0"))

    write(0)
    assert f.take(2 * SETTLE) == []
    for count in (3, 5, 9):
        write(count)
        f.take(2 * SETTLE)
        assert f.got == events[:count]
        f.crash()
    assert f.take(2 * SETTLE) == []
    assert len(f.offsets) == 1
