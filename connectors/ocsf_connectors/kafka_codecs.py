"""The compression codecs of Kafka, each with a limit to what a batch may unpack to."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import zstandard
from kafka import codec as client_codecs

LIMIT = 128 << 20
"""Bytes beyond which a batch is not unpacked: a megabyte of zstd may say it holds a gigabyte."""
_XERIAL = b"\x82SNAPPY\x00"
_LENGTH = struct.Struct(">i")


class UnpackError(ValueError):
    """A batch cannot be unpacked, and will not be when it is fetched again."""


def unpacked(codec: int, packed: memoryview, limit: int = LIMIT) -> bytes:
    """Return the unpacked bytes; `codec` as in a batch's attributes. Raises UnpackError for the broken and too big."""
    if codec == 0:
        return bytes(packed)
    if codec not in _CODECS:
        raise UnpackError(f"the compression codec {codec} is not known")
    name, unpack = _CODECS[codec]
    try:
        body = unpack(bytes(packed), limit)
    except UnpackError:
        raise
    except Exception as error:  # each library has its own exceptions
        raise UnpackError(f"the {name} data is damaged: {error}") from error
    if len(body) > limit:
        raise UnpackError(f"the {name} data unpacks to more than {limit} bytes")
    return body


def _gzip(packed: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    body = unpacker.decompress(packed, limit + 1)
    if not unpacker.eof and len(body) <= limit:
        raise UnpackError("the gzip data ends in the middle")
    return body


def _snappy(packed: bytes, limit: int) -> bytes:
    if sum(_snappy_lengths(packed)) > limit:
        raise UnpackError(f"the snappy data unpacks to more than {limit} bytes")
    return bytes(client_codecs.snappy_decode(packed))


def _snappy_lengths(packed: bytes) -> list[int]:
    """Read the unpacked length that stands before each block, without unpacking."""
    if not packed.startswith(_XERIAL):
        return [_plain_varint(packed, 0)]
    lengths, at = [], 16
    while at + _LENGTH.size <= len(packed):
        (size,) = _LENGTH.unpack_from(packed, at)
        if size <= 0:
            raise UnpackError("the snappy data has a block without a length")
        lengths.append(_plain_varint(packed, at + _LENGTH.size))
        at += _LENGTH.size + size
    return lengths


def _plain_varint(data: bytes, at: int) -> int:
    value = 0
    for index in range(5):
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            break
    return value


def _lz4(packed: bytes, limit: int) -> bytes:
    import lz4.frame

    unpacker = lz4.frame.LZ4FrameDecompressor()
    body = bytes(unpacker.decompress(packed, max_length=limit + 1))
    if not unpacker.eof and len(body) <= limit:
        raise UnpackError("the lz4 data ends in the middle")
    return body


def _zstd(packed: bytes, limit: int) -> bytes:
    unpacker = zstandard.ZstdDecompressor(max_window_size=LIMIT)
    with unpacker.stream_reader(packed, read_across_frames=True) as reader:
        body = bytes(reader.read(limit + 1))
    told = zstandard.frame_content_size(packed)
    if len(body) < min(told, limit) or not body:  # a frame that is cut off ends without a word
        raise UnpackError("the zstd data ends in the middle")
    return body


_CODECS: dict[int, tuple[str, Callable[[bytes, int], bytes]]] = {
    1: ("gzip", _gzip),
    2: ("snappy", _snappy),
    3: ("lz4", _lz4),
    4: ("zstd", _zstd),
}
