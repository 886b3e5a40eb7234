"""Files as partitions: found, unpacked by their magic, and resumed where a reading stopped."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from ocsf_connectors.file import FileSource, connect, find, open_stream, partition_id
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Batch
from ocsf_pipe.testing.connectors import FakeDecoder, MemoryLedger, check_cuts, context, drain, texts

LINES = b"".join(b'{"a":%d}\n' % i for i in range(5000))


def once(folder: Path, *paths: Path, chunk: int = 1 << 20) -> FileSource:
    """What is there, read once."""
    given = context(folder / "own", decoder=FakeDecoder(chunk_bytes=chunk), ledger=MemoryLedger())
    return connect({"paths": [str(path) for path in paths], "follow": False}, given)


def drained(path: Path, chunk: int = 1 << 20) -> list[Batch]:
    """Every batch of a file."""
    with tempfile.TemporaryDirectory() as folder:
        found = drain(once(Path(folder), path, chunk=chunk))
    assert len(found.finished) == 1
    return next(iter(found.batches.values()))


@pytest.mark.parametrize(
    "packed",
    [LINES, gzip.compress(LINES), gzip.compress(LINES[:90]) + gzip.compress(LINES[90:]), bz2.compress(LINES),
     zstandard.compress(LINES), zstandard.compress(LINES[:90]) + zstandard.compress(LINES[90:])],
    ids=["plain", "gzip", "gzip members", "bzip2", "zstd", "zstd frames"],
)  # fmt: skip
def test_a_file_is_unpacked_by_its_magic(tmp_path: Path, packed: bytes) -> None:
    """Whatever its name; and every cut of a reading leaves head and tail that make the whole."""
    path = tmp_path / "log.txt"
    path.write_bytes(packed)
    check_cuts(lambda: once(tmp_path, path, chunk=9000), LINES.decode().splitlines())


def test_a_truncated_gzip_gives_what_was_read_and_one_reject(tmp_path: Path) -> None:
    """The whole lines before the break arrive; the reject says why there is no more."""
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(LINES)[:-2000])
    batches = drained(path)
    got = texts(batches)
    assert got[:-1] == LINES.decode().split("\n")[: len(got) - 1]
    assert len(got) > 10
    assert [r.reason for b in batches for run in b.runs for r in run.rejects] == ["the gzip stream ends in the middle"]


def test_the_torture_list(tmp_path: Path) -> None:
    """Every good record arrives; the 50 MB line and the broken bytes are rejects with their place."""
    long = b'{"x":"' + b"y" * 50_000_000 + b'"}'
    path = tmp_path / "t.ndjson"
    path.write_bytes(b'{"a":1}\n\n{broken\n\xff\xfe\n' + long + b'\n{"n":"\0"}\n{"last":\r1}')
    batches = drained(path)
    assert texts(batches) == ['{"a":1}', "{broken", '{"n":"\0"}', '{"last":\r1}']
    rejects = [r for b in batches for run in b.runs for r in run.rejects]
    assert [(r.position, len(r.raw)) for r in rejects] == [(17, 2), (20, len(long))]


def test_a_partition_keeps_its_id_as_its_file_grows(tmp_path: Path) -> None:
    """Another first line is another partition."""
    path = tmp_path / "a.log"
    path.write_bytes(b"one\n")
    before = partition_id(path)
    path.write_bytes(b"one\ntwo\n")
    assert partition_id(path) == before
    path.write_bytes(b"two\n")
    assert partition_id(path) != before


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
@pytest.mark.parametrize("first", [b"", b"a", b"a\n", b"\n", b"x" * 4095 + b"\n", b"x" * 4096 + b"\n", b"x" * 9000])
def test_a_file_is_named_by_its_first_line_or_4096_bytes_of_it(
    tmp_path: Path, first: bytes, packed: Callable[[bytes], bytes]
) -> None:
    """Packed or not; a file that is known by this name in a lake must never get another."""
    path = tmp_path / "a"
    path.write_bytes(packed(first + b"second\n"))
    line = (first + b"second\n")[:4096].split(b"\n")[0]
    line += b"\n" if (first + b"second\n")[len(line) : len(line) + 1] == b"\n" and len(line) < 4096 else b""
    assert partition_id(path) == f"{path}#{hashlib.sha256(line).hexdigest()[:16]}"


def test_a_packed_file_that_breaks_in_its_first_line_is_named_by_its_path(tmp_path: Path) -> None:
    """What can be had of the line may be more the next time."""
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes(range(65, 91)) * 50)[:40])
    assert partition_id(path) == f"{path}#{hashlib.sha256(b'').hexdigest()[:16]}"


def test_folders_and_globs_are_searched(tmp_path: Path) -> None:
    """Nested files come sorted and once; hidden ones do not; a path that names nothing is an error."""
    for name in ("b/c.log", "a.log", "b/.hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(LINES[:50])
    expected = [tmp_path / "a.log", tmp_path / "b/c.log"]
    assert list(find([tmp_path, tmp_path / "a.log"])) == expected
    assert list(find([f"{tmp_path}/**/*.log"])) == expected
    assert len(once(tmp_path.parent / "own", tmp_path).partitions()) == 2
    with pytest.raises(SourceError, match="no such file"):
        list(find([tmp_path / "none"]))
    with pytest.raises(SourceError, match="cannot open"):
        open_stream(tmp_path / "none")
