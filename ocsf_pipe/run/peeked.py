"""Standard input whose first bytes were looked at."""

from __future__ import annotations

from io import BytesIO
from typing import BinaryIO, Self

from ocsf_pipe.source import BrokenStream

PEEK = 8 << 20
"""How much of standard input tells its mapping: a document with many records has to be whole."""


class Peeked:
    """A stream that can be read once, and its first bytes as often as need be."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read the first bytes of `stream`."""
        self._stream = stream
        self._broken: BrokenStream | None = None
        found = bytearray()
        try:
            while len(found) < PEEK and (more := stream.read(PEEK - len(found))):
                found += more
        except BrokenStream as broken:
            self._broken = broken
        self._first = self._left = bytes(found)

    def first(self) -> BinaryIO:
        """The first bytes, from their beginning."""
        return BytesIO(self._first)

    def read(self, size: int = -1) -> bytes:
        """Return what is left of the first bytes, then the rest; raises BrokenStream behind the last good byte."""
        if self._left:
            size = len(self._left) if size < 0 else size
            data, self._left = self._left[:size], self._left[size:]
            return data
        if self._broken is not None:
            raise self._broken
        return self._stream.read(size)

    def seekable(self) -> bool:
        """Say that it cannot be read twice."""
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave standard input open."""
