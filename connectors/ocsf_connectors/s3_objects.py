"""Objects as streams: small ones from memory, large ones piece by piece, packed ones unpacked; all can be rewound."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from ocsf_connectors.unpacked import Unpacked, packing
from ocsf_pipe.source import BrokenStream

PIECE = 8 << 20
_STEP = 1 << 20
Fetch = Callable[[int, int], bytes]
"""Return the bytes from one place to another, the second not included."""


class Pieces(io.RawIOBase):
    """An object of `size` bytes that is fetched in pieces as it is read; one piece is held."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        """Fetch nothing yet."""
        super().__init__()
        self._fetch, self._size = fetch, size
        self._at = self._begin = 0
        self._piece = b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read from any place."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the piece in hand, or fetch the next."""
        if self._at >= self._size or not len(buffer):
            return 0
        if not self._begin <= self._at < self._begin + len(self._piece):
            self._piece, self._begin = b"", self._at
            self._piece = self._fetch(self._at, min(self._at + PIECE, self._size))
        here = memoryview(self._piece)[self._at - self._begin :][: len(buffer)]
        memoryview(buffer)[: len(here)] = here
        self._at += len(here)
        return len(here)


class Rewindable(io.RawIOBase):
    """The unpacked bytes of a packed stream that can be rewound; behind a break there is nothing."""

    def __init__(self, packed: BinaryIO, kind: str) -> None:
        """Stand at the beginning."""
        super().__init__()
        self._packed, self._kind = packed, kind
        self._at = 0
        self._over = False
        self._unpacked = self._anew()

    def _anew(self) -> Unpacked:
        self._packed.seek(0)
        return Unpacked(cast("BinaryIO", _Lent(self._packed)), self._kind)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read from any place, at the price of unpacking what is before."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; behind the break of a broken stream everything was told already."""
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the end of a packed stream is not known")
        target = offset + (self._at if whence == io.SEEK_CUR else 0)
        if target < self._at:
            self._unpacked, self._at, self._over = self._anew(), 0, False
        while self._at < target and not self._over:
            try:
                got = len(self._unpacked.read(min(target - self._at, _STEP)) or b"")
            except BrokenStream:
                got = 0
            self._over = not got
            self._at += got
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; raises BrokenStream behind the last good byte."""
        if self._over:
            return 0
        got = self._unpacked.readinto(buffer)
        self._at += got
        return got


class _Lent:
    """A stream that is not closed by those who read it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)

    def close(self) -> None:
        pass


def unpacked(packed: BinaryIO) -> BinaryIO:
    """Return the stream, unpacked where its first bytes say that it is packed; it stands at its beginning."""
    kind = packing(packed.read(4))
    packed.seek(0)
    return cast("BinaryIO", Rewindable(packed, kind)) if kind else packed
