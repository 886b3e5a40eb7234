"""The spool keeps what it acknowledged: through kill -9, torn tails, flipped bits, full disks and many threads."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ocsf_connectors.spool import Damage, Entry, Spool, SpoolFullError, Stored
from ocsf_pipe.errors import SourceError

CONNECTORS = Path(__file__).parents[2] / "connectors"
MIB = 1 << 20


def opened(folder: Path, **options: object) -> Spool:
    """A spool that leaves nothing free, unless told."""
    settings = {"max_bytes": 64 * MIB, "min_free": 0} | options
    return Spool(folder, **settings)  # type: ignore[arg-type]


def everything(spool: Spool, chunk: int = MIB) -> list[Stored]:
    """All that a reader gets, chunk by chunk."""
    found: list[Stored] = []
    at = 0
    while part := spool.read(at, chunk):
        found += part
        at = part[-1].end
    return found


def bodies(found: list[Stored]) -> list[bytes]:
    """The bodies of what is not damaged."""
    return [one.entry.body for one in found if isinstance(one.entry, Entry)]


def filled(folder: Path, count: int = 50, size: int = 100, **options: object) -> list[bytes]:
    """Write and close a spool; returns the bodies."""
    spool = opened(folder, **options)
    sent = [i.to_bytes(4, "big") + os.urandom(size) for i in range(count)]
    for body in sent:
        spool.append([Entry("json", body)])
    spool.close()
    return sent


def test_what_is_appended_is_read_in_order_with_rising_positions(tmp_path: Path) -> None:
    """Kind, body and key come back; reading from any `end` gives what follows and nothing else."""
    spool = opened(tmp_path / "s")
    assert spool.read(0, MIB) == []
    end = spool.append([Entry("json", b"1"), Entry("hec", b"", b"key")])
    assert end == spool.end
    spool.append([Entry("json", b"2" * 5000)])
    first, second, third = everything(spool)
    assert first.entry == Entry("json", b"1")
    assert second.entry == Entry("hec", b"", b"key")
    assert (first.end, second.end) == (second.position, third.position)
    assert spool.read(end, 1) == [third]
    assert spool.read(end + 1, MIB) == []
    assert spool.read(first.position + 1, MIB) == [second, third]
    spool.close()


def test_one_process_holds_a_folder(tmp_path: Path) -> None:
    """A second opening is refused until the first is closed; the id stays; another folder has another."""
    spool = opened(tmp_path / "s")
    with pytest.raises(SourceError, match="in use"):
        opened(tmp_path / "s")
    spool.close()
    again = opened(tmp_path / "s")
    other = opened(tmp_path / "t")
    assert again.id == spool.id != other.id
    with pytest.raises(SourceError, match="closed"):
        spool.append([Entry("json", b"")])
    again.close()
    other.close()


def test_segments_are_deleted_only_behind_what_is_forgotten(tmp_path: Path) -> None:
    """Positions go on after deletion and reopening; the callback comes before the first file is gone."""
    seen: list[int] = []
    spool = opened(tmp_path / "s", segment_bytes=4096)
    spool.before_delete = lambda: seen.append(len(list((tmp_path / "s").glob("*.segment"))))
    sent = [bytes([i]) * 1000 for i in range(50)]
    for body in sent:
        spool.append([Entry("json", body)])
    found = everything(spool)
    spool.forget(found[30].position)
    assert len(seen) == 1
    assert 0 < spool.begin <= found[30].position
    assert bodies(everything(spool))[-20:] == sent[30:]
    assert everything(spool)[-1].end == spool.end
    spool.forget(spool.end)
    end = spool.end
    spool.close()
    spool = opened(tmp_path / "s", segment_bytes=4096)
    assert spool.end == end
    spool.close()


def test_a_full_spool_refuses_and_takes_more_when_it_was_emptied(tmp_path: Path) -> None:
    """Nothing of a refused append is there; a disk without free space refuses alike."""
    spool = opened(tmp_path / "s", max_bytes=40_000)
    taken = 0
    with pytest.raises(SpoolFullError, match="the spool is full"):  # noqa: PT012
        for _ in range(100):
            spool.append([Entry("json", b"x" * 1000)])
            taken += 1
    assert 30 < taken < 40
    assert len(everything(spool)) == taken
    spool.forget(spool.end)
    spool.append([Entry("json", b"y")])
    spool._min_free = 1 << 60
    with pytest.raises(SpoolFullError, match="disk"):
        spool.append([Entry("json", b"z")])
    assert bodies(everything(spool))[-1] == b"y"
    spool.close()


@pytest.mark.parametrize("failing", ["pwrite", "fdatasync"])
def test_a_failing_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """A short write or a failed fsync is told to the writer, and the next append is whole; a restart finds no more."""
    spool = opened(tmp_path / "s")
    spool.append([Entry("json", b"before")])
    real = os.pwrite

    def broken(file: int, data: bytes = b"", offset: int = 0) -> int:
        if data:
            real(file, data[: len(data) // 2], offset)
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, failing, broken)
        with pytest.raises(OSError, match="Input/output"):
            spool.append([Entry("json", b"lost" * 100)])
    spool.append([Entry("json", b"after")])
    spool.close()
    spool = opened(tmp_path / "s")
    assert bodies(everything(spool)) == [b"before", b"after"]
    spool.close()


def test_threads_share_an_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen writers need far fewer syncs than appends, and everything is there once, in each writer's order."""
    syncs = []
    real = os.fdatasync

    def slow(file: int) -> None:
        syncs.append(1)
        time.sleep(0.002)
        real(file)

    monkeypatch.setattr(os, "fdatasync", slow)
    spool = opened(tmp_path / "s")

    def write(me: int) -> None:
        for i in range(50):
            assert spool.append([Entry("json", b"%d %d" % (me, i))]) <= spool.end

    threads = [threading.Thread(target=write, args=(me,)) for me in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [tuple(map(int, body.split())) for body in bodies(everything(spool))]
    assert len(found) == 800
    assert all([i for m, i in found if m == me] == list(range(50)) for me in range(16))
    assert len(syncs) < 250
    spool.close()


WRITER = """
import sys, threading
from pathlib import Path
from ocsf_connectors.spool import Entry, Spool
spool = Spool(Path(sys.argv[1]), max_bytes=1 << 30, segment_bytes=20_000, min_free=0)
lock = threading.Lock()
def write(me):
    for i in range(1_000_000):
        spool.append([Entry("json", b"%d %d " % (me, i) + b"x" * ((i * 37) % 3000))])
        with lock:
            print(me, i, flush=True)
for me in range(4):
    threading.Thread(target=write, args=(me,)).start()
"""


@pytest.mark.parametrize("seed", range(8))
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, seed: int) -> None:
    """A writer with four threads is killed at a random moment, twice on one folder: what it told is there, once."""
    told: list[bytes] = []
    for run in range(2):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "s")],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{CONNECTORS}:{CONNECTORS.parent}"},
        )
        assert child.stdout is not None
        try:
            lines = [child.stdout.readline()]
            time.sleep(random.Random(seed * 2 + run).uniform(0, 0.3))
        finally:
            child.send_signal(signal.SIGKILL)
            lines += child.stdout.read().splitlines(keepends=True)
            child.wait(10)
            child.stdout.close()
        told += [line.strip() for line in lines if line.endswith(b"\n")]
    spool = opened(tmp_path / "s")
    found = everything(spool)
    there = [b" ".join(body.split()[:2]) for body in bodies(found)]
    assert len(there) == len(found)
    assert len(told) > 1
    for one in set(told):
        assert there.count(one) >= told.count(one)
    # Written and not told: at most one message of each thread and run.
    assert len(there) - len(told) <= 8
    assert spool.append([Entry("json", b"next")]) == spool.end
    spool.close()


def test_a_torn_tail_is_cut_off_wherever_it_is_torn(tmp_path: Path) -> None:
    """Truncation at every byte of the last frames leaves the whole frames before it, and appends go on behind them."""
    sent = filled(tmp_path / "s", 4, 20)
    segment = tmp_path / "s" / f"{0:020d}.segment"
    whole = segment.read_bytes()
    size = len(whole) // 4
    for cut in range(len(whole)):
        segment.write_bytes(whole[:cut])
        spool = opened(tmp_path / "s")
        assert spool.end == cut // size * size
        spool.append([Entry("json", b"new")])
        assert bodies(everything(spool)) == [*sent[: cut // size], b"new"]
        spool.close()


@pytest.mark.parametrize("tail", [b"\0" * 5000, b"\xf1SPL"])
def test_blank_or_short_tails_are_cut_off(tmp_path: Path, tail: bytes) -> None:
    """A file system that grew the file before the bytes came leaves zeros."""
    sent = filled(tmp_path / "s", 3)
    segment = tmp_path / "s" / f"{0:020d}.segment"
    size = segment.stat().st_size
    with segment.open("ab") as file:
        file.write(tail)
    spool = opened(tmp_path / "s")
    assert (spool.end, bodies(everything(spool))) == (size, sent)
    spool.close()


@pytest.mark.parametrize("seed", range(60))
def test_a_flipped_bit_costs_one_entry_which_is_handed_over_as_damage(tmp_path: Path, seed: int) -> None:
    """Every other entry is there; the bytes of the damage and of the entries cover the log without a hole."""
    dice = random.Random(seed)
    sent = filled(tmp_path / "s", 40, dice.choice([0, 30, 400]), segment_bytes=4096)
    segment = dice.choice(sorted((tmp_path / "s").glob("*.segment")))
    data = bytearray(segment.read_bytes())
    at = dice.randrange(len(data))
    data[at] ^= 1 << dice.randrange(8)
    segment.write_bytes(data)
    spool = opened(tmp_path / "s")
    for chunk in (1, 3000, MIB):
        found = everything(spool, chunk)
        broken = [one for one in found if isinstance(one.entry, Damage)]
        assert len(broken) == 1
        assert broken[0].position <= int(segment.stem) + at < broken[0].end
        assert isinstance(broken[0].entry, Damage)
        assert broken[0].entry.raw == data[broken[0].position - int(segment.stem) : broken[0].end - int(segment.stem)]
        left = bodies(found)
        assert len(left) == 39
        assert left == [body for body in sent if body in left]
        assert [one.end for one in found] == [one.position for one in found[1:]] + [spool.end]
    spool.close()


def test_a_segment_cut_or_removed_in_the_middle_is_told(tmp_path: Path) -> None:
    """What is missing shows as damage, once; the other segments are read."""
    sent = filled(tmp_path / "s", 60, 400, segment_bytes=4096)
    segments = sorted((tmp_path / "s").glob("*.segment"))
    os.truncate(segments[1], 1000)
    segments[3].unlink()
    spool = opened(tmp_path / "s")
    found = everything(spool)
    reasons = [one.entry.reason for one in found if isinstance(one.entry, Damage)]
    assert len(reasons) == 2
    assert all("missing" in reason for reason in reasons)
    assert [one.end for one in found] == [one.position for one in found[1:]] + [spool.end]
    assert bodies(found)[-1] == sent[-1]
    spool.close()


def test_a_message_that_holds_frames_is_not_taken_for_frames(tmp_path: Path) -> None:
    """Damage makes the reader search: frames of another spool inside a body do not become entries."""
    filled(tmp_path / "evil", 5)
    evil = (tmp_path / "evil" / f"{0:020d}.segment").read_bytes()
    spool = opened(tmp_path / "s")
    spool.append([Entry("json", evil * 3)])
    spool.append([Entry("json", b"good")])
    spool.close()
    segment = tmp_path / "s" / f"{0:020d}.segment"
    segment.write_bytes(b"?" + segment.read_bytes()[1:])
    spool = opened(tmp_path / "s")
    assert bodies(everything(spool)) == [b"good"]
    spool.close()


class Turned:
    """A cipher for tests: turns bytes around, and knows its own."""

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """Turn around and sign."""
        return about + plain[::-1]

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Refuse what was not sealed here."""
        if not sealed.startswith(about):
            raise ValueError("sealed with another key")
        return sealed.removeprefix(about)[::-1]


def test_a_cipher_seals_what_lies_on_disk(tmp_path: Path) -> None:
    """No plain text is in the files; without the key, entries are damage and nothing stops."""
    spool = opened(tmp_path / "s", cipher=Turned())
    spool.append([Entry("json", b"secret", b"topkey")])
    assert bodies(everything(spool)) == [b"secret"]
    spool.close()
    on_disk = b"".join(path.read_bytes() for path in (tmp_path / "s").iterdir())
    assert b"secret" not in on_disk
    assert b"topkey" not in on_disk


def test_nothing_that_is_done_stays_on_disk_beside_a_cipher(tmp_path: Path) -> None:
    """A segment goes when all of it is in the lake, full or not; positions go on, also after a restart."""
    spool = opened(tmp_path / "s", cipher=Turned())
    first = spool.append([Entry("json", b"one"), Entry("json", b"two")])
    half = spool.read(0, MIB)[0].end
    spool.forget(half)
    assert bodies(everything(spool)) == [b"one", b"two"]
    spool.forget(first)
    assert sum(path.stat().st_size for path in (tmp_path / "s").glob("*.segment")) == 0
    assert spool.append([Entry("json", b"three")]) > first
    spool.close()
    again = opened(tmp_path / "s", cipher=Turned())
    assert bodies(again.read(first, MIB)) == [b"three"]
    again.close()


def test_a_folder_without_segments_gets_a_new_id(tmp_path: Path) -> None:
    """Its positions begin anew, so that the lake must not take them for those it has; a lost id is an error."""
    filled(tmp_path / "s", 1)
    old = (tmp_path / "s" / "id").read_text()
    (tmp_path / "s" / "id").unlink()
    with pytest.raises(SourceError, match="lost its id"):
        opened(tmp_path / "s")
    (tmp_path / "s" / "id").write_text(old)
    (tmp_path / "s" / f"{0:020d}.segment").unlink()
    spool = opened(tmp_path / "s")
    assert spool.id != old
    spool.close()
