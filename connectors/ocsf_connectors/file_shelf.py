"""What a partition reads a file through, and how many files are open at once."""

from __future__ import annotations

import io
import os
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocsf_connectors.file_partition import FollowedFile

MAX_OPEN = 128
"""Files that are open at once, each with a decoder that holds some MiB at most."""
PIECE = 1 << 20


class Part(io.RawIOBase):
    """The bytes of an open file up to `limit`, which may be moved on: behind it nothing was written yet."""

    def __init__(self, handle: int, limit: int) -> None:
        """Read from `handle`, which stays its owner's."""
        super().__init__()
        self.handle, self.limit, self._at = handle, limit, 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read from any place."""
        return True

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, counted from the beginning, from here or from the limit."""
        self._at = max(0, offset + (0, self._at, self.limit)[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as there are bytes before the limit; a file that was cut has none."""
        view = memoryview(buffer)[: max(0, min(PIECE, self.limit - self._at))]
        count = os.preadv(self.handle, [view], self._at) if len(view) else 0
        self._at += count
        return count


@dataclass(slots=True)
class Shelf:
    """The partitions whose files are open; those that have nothing to read make room for those that have."""

    most: int = MAX_OPEN
    _open: OrderedDict[str, FollowedFile] = field(default_factory=OrderedDict)

    def admit(self, partition: FollowedFile) -> bool:
        """Make room for a partition; False when all places are taken by others that are being read."""
        if partition.id in self._open:
            self._open.move_to_end(partition.id)
            return True
        closable = [one for one in self._open.values() if one.may_close()]
        if len(closable) >= self.most:
            idle = next((one for one in closable if one.idle), None)
            if idle is None:
                return False
            idle.release()
        self._open[partition.id] = partition
        return True

    def leave(self, partition: FollowedFile) -> None:
        """Take a partition off."""
        self._open.pop(partition.id, None)

    def handle(self, name: str) -> int | None:
        """Return the open handle of an entry's file of lines; None when it is not open."""
        partition = self._open.get(name)
        return partition.handle if partition is not None else None
