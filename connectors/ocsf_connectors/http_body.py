"""Bodies unpacked piece by piece, within bounds."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Protocol

import zstandard

ENCODINGS = ("gzip", "deflate", "zstd")
_PIECE = 1 << 20
# A block of zstd is at least 4 bytes and at most 128 KiB unpacked: a slice of 128 bytes gives 4 MiB at most, since the
# library has no way to stop in the middle of one.
_ZSTD_SLICE = 128
_ZSTD_WINDOW = 8 << 20


class BodyError(ValueError):
    """The body is not what its Content-Encoding says."""


class BodyTooLargeError(ValueError):
    """The body is larger than it may be."""


class Unpacking(Protocol):
    """Unpacks what is fed to it, in pieces of a few MiB at most."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what comes out; raises BodyError for what is not packed so."""
        ...

    def finish(self) -> None:
        """Raise BodyError when the body ended before its packing did."""
        ...


class Body:
    """The bytes of a request's body, unpacked as they come; raises BodyTooLargeError as soon as they are too many."""

    def __init__(self, encoding: str, max_raw: int, max_unpacked: int) -> None:
        """Begin; raises LookupError for an encoding that is not known."""
        self._unpacking = _unpacking(encoding.strip().lower())
        self._max_raw, self._max_unpacked = max_raw, max_unpacked
        self._pieces: list[bytes] = []
        self.raw = self.size = 0

    def feed(self, data: bytes) -> Iterator[int]:
        """Take the next bytes of the body; yields the size of each piece that came of them, to give others a turn."""
        self.raw += len(data)
        if self.raw > self._max_raw:
            raise BodyTooLargeError(f"the body is longer than {self._max_raw} bytes")
        for piece in self._unpacking.feed(data):
            self.size += len(piece)
            if self.size > self._max_unpacked:
                raise BodyTooLargeError(f"the body is longer than {self._max_unpacked} bytes when unpacked")
            self._pieces.append(piece)
            yield len(piece)

    def whole(self) -> bytes:
        """Return the body; raises BodyError when it ended too early."""
        self._unpacking.finish()
        return b"".join(self._pieces)


def _unpacking(encoding: str) -> Unpacking:
    if encoding in ("", "identity"):
        return _Plain()
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _Zlib(gzip=encoding != "deflate")
    if encoding == "zstd":
        return _Zstd()
    raise LookupError(encoding)


class _Plain:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield bytes(data)

    def finish(self) -> None:
        """Nothing to miss: the length was counted by HTTP."""


class _Zlib:
    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._stream: Any = None
        self._done = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._done and not self._gzip:
                raise BodyError("there are bytes behind the packed ones")
            if self._stream is None or self._done:  # gzip may have several members
                self._stream, self._done = zlib.decompressobj(self._bits(data)), False
            try:
                piece = self._stream.decompress(data, _PIECE)
            except zlib.error as error:
                raise BodyError(str(error)) from error
            yield piece
            self._done = self._stream.eof
            data = self._stream.unused_data if self._done else self._stream.unconsumed_tail

    def _bits(self, data: bytes) -> int:
        """`deflate` is the zlib format by the standard, and without its header by custom."""
        if self._gzip:
            return 31
        return 15 if data[0] & 15 == 8 and (len(data) < 2 or (data[0] << 8 | data[1]) % 31 == 0) else -15

    def finish(self) -> None:
        if not self._done:
            raise BodyError("the packed body ends too early")


class _Zstd:
    def __init__(self) -> None:
        self._stream: Any = None
        self._done = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_SLICE):
            yield from self._slice(data[start : start + _ZSTD_SLICE])

    def _slice(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream is None or self._done:
                self._stream, self._done = _zstd_stream(), False
            try:
                piece = self._stream.decompress(data)
            except (zstandard.ZstdError, MemoryError) as error:
                raise BodyError(str(error)) from error
            self._done = self._stream.eof
            data = self._stream.unused_data if self._done else b""
            yield piece

    def finish(self) -> None:
        if not self._done:
            raise BodyError("the packed body ends too early")


def _zstd_stream() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
