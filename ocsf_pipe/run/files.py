"""Files into the lake, each record once: big files batch by batch, small ones many to a batch.

A big file is a partition of its own, its offset a place in the unpacked text. Small files share one partition whose
records are numbered by a manifest: `_manifests/ingest/<first>.json` lists files before they are read, so that a
crashed batch is read again from the same bytes. A listing names the bytes it means by their number and digest: a file
that has grown is listed again from where the last listing ended, one that was rewritten is listed as a new one.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, cast

from ocsf_connectors.file import Unpacked, open_stream, packing, partition_id
from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake import Lake
from ocsf_pipe.source import BrokenStream

SMALL = 8 << 20
"""A file with more unpacked text than this many bytes is a big one."""
GROUP_BYTES = 64 << 20
GROUP_FILES = 1000
ROOT = "_manifests/ingest"
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Listing:
    """One file of the manifest: where it is, its id, its mapping if one was named, and which bytes are meant.

    size, digest: those of the file when it was listed, packed as it is; start, end: the part of its unpacked text
    that comes with this listing, in bytes.
    """

    path: str
    id: str
    mapping: str | None
    size: int
    digest: str
    start: int
    end: int

    def stream(self) -> BinaryIO:
        """The unpacked bytes that are meant, without what was appended since; OSError where the file is gone."""
        return unpacked(self._bytes())

    def _bytes(self) -> bytes:
        with Path(self.path).open("rb") as file:
            return file.read(self.size)

    def present(self) -> bool:
        """Whether the file still begins with the bytes that are meant."""
        try:
            return digest(self._bytes()) == self.digest
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Manifest:
    """The small files that were ever taken in, in order; the number of a file is its place."""

    lake: Lake

    def groups(self) -> list[tuple[int, list[Listing]]]:
        """Every group with the number of its first file."""
        found = []
        for name in self.lake.store.names(ROOT):
            data = self.lake.store.get(f"{ROOT}/{name}")
            if data is None:
                raise LakeError(f"the manifest `{ROOT}/{name}` is gone", "restore it, or use a new lake")
            found.append((int(name.split(".")[0]), [Listing(**item) for item in json.loads(data)]))
        return sorted(found, key=lambda group: group[0])

    def append(self, first: int, files: Sequence[Listing]) -> None:
        """Write a group; LakeError when another ingest has written one at the same place meanwhile."""
        body = json.dumps([asdict(file) for file in files])
        if not self.lake.store.put_new(f"{ROOT}/{first:012d}.json", body.encode()):
            raise LakeError("another ingest into this lake is running", "wait for it, then start this one again")


def listing(path: Path, mapping: str | None, before: Sequence[Listing] = ()) -> Listing | None:
    """List a small file behind its earlier listings; None when the lake has all its bytes already."""
    data = path.read_bytes()
    start = taken(data, before)
    end = text_length(data)
    if start is not None and start >= end:
        return None
    name = partition_id(path)
    return Listing(str(path.absolute()), name, mapping, len(data), digest(data), start or 0, end)


def taken(data: bytes, before: Sequence[Listing]) -> int | None:
    """How much of the unpacked text came with earlier listings of bytes that these begin with; None for nothing."""
    known = [
        file.end for file in before if file.size <= len(data) and digest(memoryview(data)[: file.size]) == file.digest
    ]
    return max(known, default=None)


def taken_of_big(path: Path, before: Sequence[Listing]) -> int:
    """The same for a file that was small once; zero for nothing."""
    longest = max((file.size for file in before), default=0)
    with path.open("rb") as file:
        return taken(file.read(longest), before) or 0


def is_small(path: Path) -> bool:
    """Whether the unpacked text is short; little of a long one is unpacked to know that."""
    if path.stat().st_size > SMALL:
        return False
    with path.open("rb") as file:
        head = file.read(4)
    return packing(head) is None or text_length(path.read_bytes(), SMALL + 1) <= SMALL


def text_length(data: bytes, enough: int | None = None) -> int:
    """The number of unpacked bytes, up to the break of a broken stream; counting ends at `enough`."""
    if packing(data[:4]) is None:
        return len(data)
    stream, length = unpacked(data), 0
    try:
        while (enough is None or length < enough) and (piece := stream.read(_PIECE)):
            length += len(piece)
    except BrokenStream:
        pass
    return length


def unpacked(data: bytes) -> BinaryIO:
    """Bytes as a stream, unpacked by what they begin with."""
    kind = packing(data[:4])
    return cast("BinaryIO", Unpacked(io.BytesIO(data), kind)) if kind else io.BytesIO(data)


def big_id(path: Path) -> str:
    """Name a big file by its path and its first 64 KiB of text: many logs of a kind share their first line."""
    with open_stream(path) as stream:
        try:
            head = stream.read(_PIECE)
        except BrokenStream:
            head = b""
    return f"{path.absolute()}#{digest(head)}"


def digest(data: bytes | memoryview) -> str:
    """Name some bytes."""
    return hashlib.sha256(data).hexdigest()[:32]


def grouped(files: Sequence[Listing]) -> Iterator[list[Listing]]:
    """Cut a list of files into batches of bounded size."""
    group: list[Listing] = []
    size = 0
    for file in files:
        if group and (size + file.end > GROUP_BYTES or len(group) == GROUP_FILES):
            yield group
            group, size = [], 0
        group.append(file)
        size += file.end
    if group:
        yield group


def plans_digest(digests: Sequence[str]) -> str:
    """One name for several plans."""
    return hashlib.sha256("\n".join(sorted(set(digests))).encode()).hexdigest()[:16]
