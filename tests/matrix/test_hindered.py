"""A pipeline that is told to stop in the middle, or whose disk is full: it finishes, or waits and goes on."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ocsf_pipe.lake import Lake
from tests.connectors.brokers.tansu import free_port
from tests.matrix.cases import Case, FileCase, HttpCase
from tests.matrix.jobs import Zygote
from tests.matrix.sendings import Sent, account, every_row

CASES: dict[str, Callable[[Path], Case]] = {
    "file": lambda folder: FileCase(folder, follow=True),
    "http": lambda folder: HttpCase(folder, free_port()),
}


def wait_for(what: Callable[[], bool], seconds: float = 40) -> None:
    """Return when it is so; fails when it takes too long."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.2)


def names(lake: Path) -> set[str]:
    """Who is in the lake."""
    return {name for name, _ in every_row(Lake(lake))} if lake.is_dir() else set()


def everyone(sent: Sent) -> set[str]:
    """Who was sent."""
    return {*sent.good, *sent.bad, *sent.old}


@contextmanager
def serving(zygote: Zygote, case: Case) -> Iterator[int]:
    """A pipeline that runs; at the end it is told to stop, which it does."""
    pid = zygote.begin("serve", case.pipeline)
    try:
        yield pid
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        zygote.end()
        raise
    os.kill(pid, signal.SIGTERM)
    done = zygote.end()
    assert done.code == 0, zygote.complaints()


@pytest.mark.parametrize("kind", CASES)
def test_a_stop_in_the_middle_finishes_the_batch(zygote: Zygote, tmp_path: Path, kind: str) -> None:
    """Told at random moments; no batch is left half done, and in the end everything has come once."""
    case, sent, dice = CASES[kind](tmp_path / "one"), Sent(), random.Random(5)
    lake = tmp_path / "one" / "lake"
    checkpoints = lake / "_checkpoints" / "matrix"
    for _ in range(4):
        case.deliver(sent.next())
        with case.arriving(), serving(zygote, case):
            before = set(checkpoints.rglob("*.json"))  # the names: old ones go as new ones come
            wait_for(lambda seen=before: set(checkpoints.rglob("*.json")) != seen)  # type: ignore[misc]
            time.sleep(dice.random() * 0.3)
        assert [left for _, _, left in Lake(lake).checkpoints.partitions() if left is not None] == []
    case.deliver(sent.next())
    with case.arriving(), serving(zygote, case):
        wait_for(lambda: names(lake) >= everyone(sent))
    found = account(Lake(lake), sent, kept_old=True)
    assert found.clean, found


@pytest.mark.parametrize("kind", CASES)
def test_a_disk_that_takes_no_more_is_waited_out(zygote: Zygote, tmp_path: Path, kind: str) -> None:
    """No file may have more than some bytes for a while: nothing comes, nothing ends; then everything comes, once."""
    case, sent = CASES[kind](tmp_path / "one"), Sent()
    lake = tmp_path / "one" / "lake"
    case.deliver(sent.next())
    with case.arriving(), serving(zygote, case) as pid:
        wait_for(lambda: names(lake) >= everyone(sent))
        some = everyone(sent)
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (200, hard))
        case.deliver(sent.next())
        with case.arriving():
            time.sleep(4)
            assert names(lake) == some
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
            wait_for(lambda: names(lake) >= everyone(sent))
    found = account(Lake(lake), sent, kept_old=True)
    assert found.clean, found


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of two MB; skips where none can be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this user may not mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave no room."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def test_a_full_disk_is_waited_out(zygote: Zygote, tmp_path: Path) -> None:
    """The lake's file system is full for a while."""
    with small_disk(tmp_path / "disk") as disk:
        case, sent = FileCase(tmp_path / "one", lake=str(disk / "lake"), follow=True), Sent()
        case.deliver(sent.next())
        with serving(zygote, case):
            wait_for(lambda: names(disk / "lake") >= everyone(sent))
            some = everyone(sent)
            for _ in range(2):
                filler = fill(disk)
                case.deliver(sent.next())
                time.sleep(3)
                assert names(disk / "lake") == some
                filler.unlink()
                wait_for(lambda: names(disk / "lake") >= everyone(sent))
                some = everyone(sent)
        assert "source waiting" in zygote.complaints()
        found = account(Lake(disk / "lake"), sent, kept_old=True)
        assert found.clean, found
