"""Which files paths name, and how one is opened."""

from __future__ import annotations

import fnmatch
import glob
import hashlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from ocsf_connectors.unpacked import Unpacked, packing
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import BrokenStream

STDIN = "-"
_NAMING = 4096
"""Bytes of the first line that go into the name of a file."""


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
            first = _first_line(stream)
        except BrokenStream:
            first = b""
    return f"{Path(path).absolute()}#{hashlib.sha256(first).hexdigest()[:16]}"


def _first_line(stream: BinaryIO) -> bytes:
    """The first line, or so much of it as names a file; not by `readline`, which asks a raw stream byte by byte."""
    data = b""
    while len(data) < _NAMING and b"\n" not in data and (piece := stream.read(_NAMING - len(data))):
        data += piece
    line, end, _ = data.partition(b"\n")
    return line + end


@dataclass(frozen=True, slots=True)
class Wanted:
    """The files that a pipeline names: files, folders with all below them, globs; without those that `exclude` fits.

    A path that names nothing yet is no error: the file or folder may come later.
    """

    paths: tuple[str, ...]
    exclude: tuple[str, ...] = ()

    def files(self) -> list[tuple[str, os.stat_result]]:
        """Return every regular file there is now, in order of its path, with what the file system says about it."""
        found = {}
        for path in dict.fromkeys(name for named in self.paths for name in _present(named)):
            if not self._excluded(path):
                try:
                    found[path] = Path(path).stat()
                except OSError:
                    continue  # gone since, or a link to nothing
        return [(path, stat) for path, stat in sorted(found.items()) if _regular(stat)]

    def _excluded(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        return any(fnmatch.fnmatch(path, one) or fnmatch.fnmatch(name, one) for one in self.exclude)


def _regular(stat: os.stat_result) -> bool:
    return stat.st_mode & 0o170000 == 0o100000


def _present(path: str) -> Iterator[str]:
    if glob.has_magic(path):
        yield from glob.iglob(path, recursive=True)  # noqa: PTH207 - a pattern may be absolute
    elif Path(path).is_dir():
        for folder, below, names in os.walk(path):
            below[:] = [name for name in below if not name.startswith(".")]
            yield from (f"{folder}/{name}" for name in names if not name.startswith("."))
    else:
        yield path
