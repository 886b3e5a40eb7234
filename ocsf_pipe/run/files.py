"""Files into the lake, each record once: big files batch by batch, small ones many to a batch.

A big file is a partition of its own, its offset a place in the unpacked text. Small files share one partition whose
records are numbered by a manifest: `_manifests/ingest/<first>.json` lists files before they are read, so that a
crashed batch is read again from the same files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocsf_connectors.file import partition_id
from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake import Lake

SMALL = 8 << 20
GROUP_BYTES = 64 << 20
GROUP_FILES = 1000
ROOT = "_manifests/ingest"


@dataclass(frozen=True, slots=True)
class Listing:
    """One file of the manifest: where, which (path and first line), how many bytes it had, with which mapping."""

    path: str
    id: str
    size: int
    mapping: str | None


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
        return sorted(found)

    def append(self, first: int, files: Sequence[Listing]) -> None:
        """Write a group; LakeError when another ingest has written one at the same place meanwhile."""
        body = json.dumps([{"path": f.path, "id": f.id, "size": f.size, "mapping": f.mapping} for f in files])
        if not self.lake.store.put_new(f"{ROOT}/{first:012d}.json", body.encode()):
            raise LakeError("another ingest into this lake is running", "wait for it, then start this one again")


def listing(path: Path, mapping: str | None) -> Listing:
    """What the manifest says of a file."""
    return Listing(str(path.absolute()), partition_id(path), path.stat().st_size, mapping)


def grouped(files: Sequence[Listing]) -> Iterator[list[Listing]]:
    """Cut a list of files into batches of bounded size."""
    group: list[Listing] = []
    size = 0
    for file in files:
        if group and (size + file.size > GROUP_BYTES or len(group) == GROUP_FILES):
            yield group
            group, size = [], 0
        group.append(file)
        size += file.size
    if group:
        yield group


def plans_digest(digests: Sequence[str]) -> str:
    """One name for several plans."""
    return hashlib.sha256("\n".join(sorted(set(digests))).encode()).hexdigest()[:16]
