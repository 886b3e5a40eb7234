"""Syslog messages out of a TCP stream (RFC 6587): counted, or ended by LF or NUL, each message as it comes."""

from __future__ import annotations

import re
from dataclasses import dataclass

_COUNT = re.compile(rb"([1-9][0-9]{0,8}) (?=<)")
_PERHAPS = re.compile(rb"[1-9][0-9]{0,8} ?\Z")
_END = re.compile(rb"[\n\0]")
_BETWEEN = b"\r\n\0"
_EMPTY = b"\r\n\0 "


@dataclass(frozen=True, slots=True)
class Framed:
    """One message. `cut`: it is longer than the limit, or the stream ended within it; this is how it begins."""

    body: bytes
    cut: bool = False


class Framer:
    """Takes the bytes of one connection in any pieces, and gives the messages; holds `longest` bytes and a piece.

    A message is counted where it begins with a number, a blank and `<`; every other goes to the next LF or NUL. What
    is beyond `longest` bytes of a message is left out.
    """

    def __init__(self, longest: int) -> None:
        """Begin between two messages."""
        self._longest = longest
        self._data = bytearray()
        self._seen = 0  # bytes of an unfinished line that hold no end of it: they are not looked at again
        self._skip = 0  # bytes that are still to come of a counted message that was too long
        self._skip_line = False

    def feed(self, data: bytes) -> list[Framed]:
        """Return the messages that end in these bytes."""
        self._data += data
        out: list[Framed] = []
        at = 0
        while (at := self._past_skipped(at)) < len(self._data):
            message, end = self._next(at)
            if end < 0:
                break
            if message.body.strip(_EMPTY):
                out.append(message)
            at = end
        if at:
            del self._data[:at]
        return out

    def finish(self) -> list[Framed]:
        """Return what there is of the last message when the connection ends."""
        rest, self._data = bytes(self._data), bytearray()
        count = _COUNT.match(rest)
        body = rest[count.end() if count else 0 :].rstrip(_BETWEEN)
        return [Framed(body, count is not None)] if body.strip(_EMPTY) else []

    def _past_skipped(self, at: int) -> int:
        if self._skip:
            step = min(self._skip, len(self._data) - at)
            self._skip -= step
            at += step
        if self._skip_line:
            end = _END.search(self._data, at)
            self._skip_line = end is None
            at = end.end() if end else len(self._data)
        while not self._skip and at < len(self._data) and self._data[at] in _BETWEEN:
            at += 1
        return at

    def _next(self, at: int) -> tuple[Framed, int]:
        """The message at a place, and the place behind it; -1 where it does not end yet."""
        count = _COUNT.match(self._data, at)
        if count:
            return self._counted(count.end(), int(count[1]))
        if _PERHAPS.match(self._data, at):
            return Framed(b""), -1
        end = _END.search(self._data, at + self._seen, at + self._longest + 1)
        self._seen = 0
        if end:
            return Framed(bytes(self._data[at : end.start()]).rstrip(_BETWEEN)), end.end()
        if len(self._data) - at <= self._longest:
            self._seen = len(self._data) - at
            return Framed(b""), -1
        self._skip_line = True
        return Framed(bytes(self._data[at : at + self._longest]), cut=True), at + self._longest

    def _counted(self, start: int, length: int) -> tuple[Framed, int]:
        if length <= self._longest:
            end = start + length
            if end > len(self._data):
                return Framed(b""), -1
            return Framed(bytes(self._data[start:end]).rstrip(_BETWEEN)), end
        end = start + self._longest
        if end > len(self._data):
            return Framed(b""), -1
        self._skip = length - self._longest
        return Framed(bytes(self._data[start:end]), cut=True), end
