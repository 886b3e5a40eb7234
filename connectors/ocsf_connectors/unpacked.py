"""Packed bytes as a stream of what is inside: gzip, bzip2 and zstd, told by their first bytes."""

from __future__ import annotations

import bz2
import io
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

import zstandard

from ocsf_pipe.source import BrokenStream

# A zstd block of four bytes may unpack to 128 KiB, so little is fed at a time: memory stays below 70 MiB.
_FEED = {"gzip": 65536, "bzip2": 4096, "zstd": 2048}
IN_THE_MIDDLE = "ends in the middle"
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
                self._broken = f"the {self._kind} stream {IN_THE_MIDDLE}"
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


class Rewindable(io.RawIOBase):
    """The unpacked bytes of a packed file that can be read again from any place, by unpacking it anew.

    `patient`: a file that ends in the middle is still being written: BlockingIOError instead of BrokenStream.
    """

    def __init__(self, reopen: Callable[[], BinaryIO], kind: str, piece: int, *, patient: bool) -> None:
        """Open the packed bytes with `reopen`; at most `piece` bytes are given at once, `last` holds the last 4 KiB."""
        super().__init__()
        self._reopen, self._kind, self._piece, self._patient = reopen, kind, piece, patient
        self._stream = Unpacked(reopen(), kind)
        self._at = 0
        self.last = b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that going forward is reading, so that who leaves bytes out meets a break among them; `seek` works."""
        return False

    def tell(self) -> int:
        """Return the place, counted in unpacked bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place: backwards from the beginning anew, forwards by unpacking what lies between."""
        target = offset + (self._at if whence == io.SEEK_CUR else 0)
        if target < self._at:
            self._stream.close()
            self._stream, self._at, self.last = Unpacked(self._reopen(), self._kind), 0, b""
        while self._at < target and self.read(min(self._piece, target - self._at)):
            pass
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as there are bytes; zero at a proper end."""
        try:
            view = memoryview(buffer)[: self._piece]
            count = self._stream.readinto(view)
        except BrokenStream as broken:
            if self._patient and str(broken).endswith(IN_THE_MIDDLE):
                raise BlockingIOError(str(broken)) from broken
            raise
        self._at += count
        self.last = (self.last + view[max(0, count - 4096) : count])[-4096:]
        return count

    def close(self) -> None:
        """Close the packed bytes too."""
        self._stream.close()
        super().close()
