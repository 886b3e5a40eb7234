"""Files, folders, globs and standard input: every file is one partition, unpacked by what its bytes say it is."""

from __future__ import annotations

import bz2
import glob
import hashlib
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Batch, BrokenStream, Offset, Reader

STDIN = "-"
START = Offset()
# A zstd block of four bytes may unpack to 128 KiB, so little is fed at a time: memory stays below 70 MiB.
_FEED = {"gzip": 65536, "bzip2": 4096, "zstd": 2048}
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bzip2"))


def packing(head: bytes) -> str | None:
    """Name how bytes are packed, by their first four; None when they are not."""
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


class Unpacked(io.RawIOBase):
    """The unpacked bytes of a packed stream, members joined; raises BrokenStream behind the last good byte."""

    def __init__(self, packed: BinaryIO, kind: str) -> None:
        """Unpack `packed`, which stands at its beginning, as `kind`: gzip, zstd or bzip2."""
        super().__init__()
        self._packed, self._kind = packed, kind
        self._left = bytearray()
        self._input = b""
        self._broken: str | None = None
        self._unpacker: Any = None

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as there are bytes; zero at a proper end."""
        view = memoryview(buffer)
        while len(self._left) < len(view) and not self._broken and self._more():
            pass
        count = min(len(view), len(self._left))
        view[:count] = self._left[:count]
        del self._left[:count]
        if not count and self._broken:
            raise BrokenStream(self._broken)
        return count

    def _more(self) -> bool:
        data = self._input or self._packed.read(_FEED[self._kind])
        self._input = b""
        if not data:
            if self._unpacker is not None:
                self._broken = f"the {self._kind} stream ends in the middle"
            return False
        if self._unpacker is None and not data.strip(b"\0"):
            return True  # zero padding behind the last member, as tape and cloud tools write it
        try:
            self._unpacker = self._unpacker or _unpacker(self._kind)
            self._left += self._unpacker.decompress(data)
        except (zlib.error, zstandard.ZstdError, OSError, ValueError) as error:
            self._broken = f"the {self._kind} stream is damaged: {error}"
            return False
        if self._unpacker.eof:
            self._input, self._unpacker = self._unpacker.unused_data, None
        return True

    def close(self) -> None:
        """Close the packed stream too."""
        self._packed.close()
        super().close()


def _unpacker(kind: str) -> Any:
    if kind == "gzip":
        return zlib.decompressobj(wbits=31)
    if kind == "bzip2":
        return bz2.BZ2Decompressor()
    return zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()


def open_stream(path: str | Path) -> BinaryIO:
    """Open a file, or standard input for `-`, as unpacked bytes; raises SourceError where it cannot be opened."""
    if str(path) == STDIN:
        return _unpack(io.BufferedReader(cast("Any", sys.stdin.buffer), 65536))
    try:
        return _unpack(Path(path).open("rb"))
    except OSError as error:
        raise SourceError(f"cannot open `{path}`: {error.strerror}", "check the path and its permissions") from error


def _unpack(file: io.BufferedReader) -> BinaryIO:
    kind = packing(file.peek(4)[:4])
    return cast("BinaryIO", Unpacked(file, kind)) if kind else file


def find(paths: Sequence[str | Path]) -> Iterator[Path]:
    """Yield the files that paths name: files, folders with all below them, globs, `-`; sorted, each once.

    Hidden files in folders are left out. Raises SourceError for a path that names nothing.
    """
    seen: set[Path] = set()
    for path in map(str, paths):
        for file in _named(path):
            if file not in seen:
                seen.add(file)
                yield file


def _named(path: str) -> list[Path]:
    if path == STDIN:
        return [Path(STDIN)]
    if Path(path).is_dir():
        below = sorted(p for p in Path(path).rglob("*") if p.is_file())
        return [p for p in below if not any(part.startswith(".") for part in p.relative_to(path).parts)]
    if Path(path).exists():
        return [Path(path)]
    found = sorted(p for p in map(Path, glob.glob(path, recursive=True)) if p.is_file())  # noqa: PTH207 - may be absolute
    if not found:
        raise SourceError(f"no such file: `{path}`", "name a file, a folder, a quoted glob, or `-` for standard input")
    return found


def partition_id(path: str | Path) -> str:
    """Name a file by its absolute path and first line: it keeps its id as it grows, another file there has its own."""
    if str(path) == STDIN:
        return STDIN
    with open_stream(path) as stream:
        try:
            first = stream.readline(4096)
        except BrokenStream:
            first = b""
    return f"{Path(path).absolute()}#{hashlib.sha256(first).hexdigest()[:16]}"


class FilePartition:
    """The records of one file, from an offset on."""

    def __init__(self, path: Path, reader: Reader, offset: Offset = START) -> None:
        """Open the file at an offset of an earlier reading."""
        self.id = partition_id(path)
        self._offset = offset
        self._stream = open_stream(path)
        self._runs = iter(reader(self._stream, resume_at=offset.position))

    def next_batch(self) -> Batch | None:
        """Return the next run; raises StopIteration at the end of the file. Never None: a file does not wait."""
        records = next(self._runs)
        start, self._offset = self._offset, Offset(records.end)
        return Batch((records,), start, self._offset)

    def offset(self) -> Offset:
        """Return the first place not yet returned."""
        return self._offset

    def acknowledge(self, offset: Offset) -> None:
        """A file does not care how far it was read."""

    def lag(self) -> int | None:
        """What waits is not known: the file may be packed."""
        return None

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


@dataclass(frozen=True, slots=True)
class FileSource:
    """Files as partitions, all read through one decoder."""

    paths: tuple[str | Path, ...]
    reader: Reader

    def partitions(self) -> Sequence[str]:
        """Return the id of every file."""
        return [partition_id(path) for path in find(self.paths)]

    def open(self, partition: str, offset: Offset = START) -> FilePartition:
        """Open the file of an id; raises SourceError when no file has it any more."""
        for path in find(self.paths):
            if partition_id(path) == partition:
                return FilePartition(path, self.reader, offset)
        raise SourceError(f"no file for partition `{partition}`", "the file was moved, removed or replaced")

    def close(self) -> None:
        """Nothing is held."""
