"""A file is known again after a rename, a copy, a cut and packing; two that only look alike are two."""

from __future__ import annotations

import bz2
import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.connectors.file_follower import SETTLE, Follower, append, follow, joined, lines, logs

__all__ = ["follow", "logs"]  # fixtures


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
@pytest.mark.parametrize("pattern", ["*.log", "*"], ids=["out of the paths", "within the paths"])
def test_a_renamed_file_is_read_to_its_end(
    logs: Path, follow: Callable[..., Follower], *, stopped: bool, pattern: str
) -> None:
    """Whether somebody looks or not; the new file of its name is begun at its beginning."""
    some = lines(40)
    f = follow(pattern)
    append(logs / "a.log", some[:10])
    f.take()
    append(logs / "a.log", some[10:20])
    (logs / "a.log").rename(logs / "a.log.1")
    append(logs / "a.log", some[30:])
    if stopped:
        f.crash()
    f.take()
    append(logs / "a.log.1", some[20:30])  # the writer has not noticed yet
    f.take()
    assert sorted(f.got) == sorted(some)
    assert len(f.offsets) == 2


def test_the_last_line_of_a_rotated_file_needs_no_line_feed(logs: Path, follow: Callable[..., Follower]) -> None:
    """Once it rests."""
    f = follow()
    (logs / "a.log").write_bytes(b'{"n":1}\n{"n":2}')
    assert f.take(2 * SETTLE) == ['{"n":1}']
    (logs / "a.log").rename(logs / "a.log.1")
    assert f.take(2 * SETTLE) == ['{"n":2}']


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "zst": zstandard.compress,
}


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
@pytest.mark.parametrize("pattern", ["*.log", "*"], ids=["out of the paths", "within the paths"])
def test_a_rotated_file_that_is_packed_is_not_read_again(
    logs: Path, follow: Callable[..., Follower], kind: str, *, stopped: bool, pattern: str
) -> None:
    """Nor is what was not read of it before lost: the packed copy goes on where the file was left."""
    some = lines(400, 30)
    f = follow(pattern)
    append(logs / "a.log", some[:100])
    f.take()
    if stopped:
        append(logs / "a.log", some[100:200])
        f.stop()
    else:
        append(logs / "a.log", some[100:200])
        f.take()
    (logs / "a.log").rename(logs / "a.log.1")
    (logs / f"a.log.1.{kind}").write_bytes(PACK[kind]((logs / "a.log.1").read_bytes()))
    (logs / "a.log.1").unlink()
    append(logs / "a.log", some[200:])
    f.take(3 * SETTLE)
    assert sorted(f.got) == sorted(some)
    f.crash()
    assert f.take(3 * SETTLE) == []


def test_a_packed_copy_beside_its_file_is_not_read(logs: Path, follow: Callable[..., Follower]) -> None:
    """Neither while it is being made nor when both stay."""
    some = lines(100, 30)
    f = follow("*")
    append(logs / "a.log", some)
    packed = gzip.compress(joined(some))
    (logs / "a.log.gz").write_bytes(packed[: len(packed) // 2])
    assert sorted(f.take(2 * SETTLE)) == sorted(some)
    (logs / "a.log.gz").write_bytes(packed)
    assert f.take(2 * SETTLE) == []
    f.crash()
    assert f.take(2 * SETTLE) == []


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
def test_copy_truncate_goes_on_with_the_new_text_and_ends_the_old_in_the_copy(
    logs: Path, follow: Callable[..., Follower], *, stopped: bool
) -> None:
    """What was written before the copy and not read yet is in the copy; nothing comes twice."""
    some = lines(60)
    f = follow("*")
    append(logs / "a.log", some[:20])
    f.take()
    append(logs / "a.log", some[20:30])
    shutil.copy(logs / "a.log", logs / "a.log.1")
    if stopped:
        f.stop()
    else:
        f.turn()
    os.truncate(logs / "a.log", 0)
    append(logs / "a.log", some[30:])
    f.take(3 * SETTLE)
    assert sorted(f.got) == sorted(some)
    assert len(f.offsets) == 2


@pytest.mark.parametrize("new", [5, 20, 80], ids=["shorter", "as long", "longer"])
@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
@pytest.mark.parametrize("header", [0, 100], ids=["lines", "one header of 5 KiB"])
def test_a_file_that_is_cut_and_written_anew_is_another(
    logs: Path, follow: Callable[..., Follower], new: int, *, stopped: bool, header: int
) -> None:
    """Whatever its length is when it is looked at again, and also when both begin alike."""
    top = lines(header, 30)
    old, fresh = top + lines(20), top + lines(new)
    f = follow()
    append(logs / "a.log", old)
    assert f.take() == old
    if stopped:
        f.stop()
    os.truncate(logs / "a.log", 0)
    append(logs / "a.log", fresh)
    assert f.take() == fresh
    assert len(f.offsets) == 2


def test_a_file_that_is_cut_below_the_offset_is_read_from_the_beginning(
    logs: Path, follow: Callable[..., Follower]
) -> None:
    """It holds fewer lines than were read, so it is not the file that was read."""
    some = lines(20)
    f = follow()
    append(logs / "a.log", some)
    f.take()
    f.crash()
    os.truncate(logs / "a.log", len(joined(some[:5])))
    assert f.take() == some[:5]


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
def test_an_inode_that_is_used_again_is_another_file(
    logs: Path, follow: Callable[..., Follower], *, stopped: bool
) -> None:
    """Also when the two begin with the same header."""
    header = ["#Fields: date time"]
    old, new = header + lines(9), header + lines(30)
    f = follow()
    append(logs / "a.log", old)
    assert f.take() == old
    inode = (logs / "a.log").stat().st_ino
    if stopped:
        f.stop()
        os.truncate(logs / "a.log", 0)
        append(logs / "a.log", new)
        (logs / "a.log").rename(logs / "b.log")
    else:
        f.source._shelf.most = 0  # nothing is held open, so that the number is free
        for part in f.parts.values():
            part.release()  # type: ignore[attr-defined]
        f.source._shelf.most = 128
        (logs / "a.log").unlink()
        for i in range(200):
            append(logs / "b.log", new)
            if (logs / "b.log").stat().st_ino == inode:
                break
            (logs / "b.log").rename(logs / f"other.{i}")
        else:
            pytest.skip("this file system does not use an inode again at once")
    assert f.take() == new
    assert len(f.offsets) == 2


def test_files_that_begin_alike_are_told_apart(logs: Path, follow: Callable[..., Follower]) -> None:
    """By what follows; the first 8 KiB are the same here."""
    top = lines(200, 30)
    one, two = top + lines(5), top + lines(5)
    f = follow()
    append(logs / "a.log", one)
    append(logs / "b.log", two)
    assert sorted(f.take()) == sorted(one + two)
    f.crash()
    more = lines(2)
    append(logs / "a.log", more[:1])
    append(logs / "b.log", more[1:])
    assert sorted(f.take()) == sorted(more)


def test_files_that_are_alike_are_two_files_once_they_rest(logs: Path, follow: Callable[..., Follower]) -> None:
    """Until then one may be the copy that is made before the other is cut."""
    f = follow()
    append(logs / "a.log", ['{"test":1}'])
    append(logs / "b.log", ['{"test":1}'])
    assert f.take() == ['{"test":1}']
    assert f.take(2 * SETTLE) == ['{"test":1}']
    append(logs / "b.log", ['{"test":2}'])
    assert f.take(2 * SETTLE) == ['{"test":2}']


def test_packed_files_with_one_header_are_told_apart(logs: Path, follow: Callable[..., Follower]) -> None:
    """Today's file is there, yesterday's comes packed and was never seen before."""
    top = lines(150, 30)
    today, yesterday = top + lines(10), top + lines(3)
    f = follow("*")
    append(logs / "today.log", today)
    assert f.take() == today
    (logs / "yesterday.log.gz").write_bytes(gzip.compress(joined(yesterday)))
    assert f.take(2 * SETTLE) == yesterday
