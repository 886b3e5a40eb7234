"""How much an OTLP/protobuf message would unfold to, before anything unfolds it.

Two bytes make an empty span, and the parser takes 160 for one: a body within its limit could ask for gigabytes. So the
outer levels are counted first, by their lengths alone.
"""

from __future__ import annotations

from collections.abc import Iterator

MOST = 100_000
"""Resources, scopes and leaves together; exporters send some hundreds."""


class TooManyError(ValueError):
    """The message holds more than is taken in one request."""


def count(body: bytes) -> int:
    """Return how many resources, scopes and leaves a message has; raises TooManyError or ValueError (no protobuf)."""
    total = 0
    for group in _messages(body, 0, len(body), 1):
        total += 1
        for scoped in _messages(body, *group, 2):
            total += 1
            for _ in _messages(body, *scoped, 2):
                total += 1
                if total > MOST:
                    break
            if total > MOST:
                break
        if total > MOST:
            raise TooManyError(f"more than {MOST} resources, scopes and records in one request")
    return total


def _messages(body: bytes, at: int, end: int, number: int) -> Iterator[tuple[int, int]]:
    """Yield where the values of a field begin and end that are messages."""
    while at < end:
        tag, at = _varint(body, at, end)
        kind = tag & 7
        if kind == 2:
            length, at = _varint(body, at, end)
            if length > end - at:
                raise ValueError(f"a length of {length} bytes where {end - at} are left")
            if tag >> 3 == number:
                yield at, at + length
            at += length
        elif kind == 0:
            _, at = _varint(body, at, end)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError(f"no protobuf: wire type {kind}")
    if at != end:
        raise ValueError("the message ends too early")


def _varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    number = shift = 0
    while at < end and shift < 70:
        byte = body[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
    raise ValueError("a number does not end")
