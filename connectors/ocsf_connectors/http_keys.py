"""Idempotency keys: a request that is sent again, because its answer was lost, is in the spool once.

A key is in the spool entry of its request, so it is on disk exactly when the request is. On start the keys are read
back from there; before segments are deleted, all that are remembered are written to a file of their own.
"""

from __future__ import annotations

import hashlib
import os
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from ocsf_connectors.spool import Entry, Spool
from ocsf_pipe.errors import SourceError

_MAGIC = b"idempotency keys 1\n"
_HALF = 16
_CHUNK = 8 << 20


class Known(Enum):
    """What is known of a key and the body that came with it."""

    NEW = "new"
    SAME = "same"
    OTHER = "other"


def key_of(scope: str, key: str, body: bytes) -> bytes:
    """Return what is remembered of a key, 32 bytes: a digest of it and whom it belongs to, and one of the body."""
    named = hashlib.blake2b(f"{scope}\0{key}".encode("utf-8", "surrogateescape"), digest_size=_HALF).digest()
    return named + hashlib.blake2b(body, digest_size=_HALF).digest()


class Keys:
    """The last `capacity` keys that were taken; many threads may ask."""

    def __init__(self, path: Path, capacity: int) -> None:
        """Read the file, if there is one; raises SourceError where it is damaged."""
        self._path, self._capacity = path, capacity
        self._taken: OrderedDict[bytes, bytes] = OrderedDict()
        self._flying: dict[bytes, object] = {}
        self._change = threading.Condition()
        for key in _loaded(path):
            self._remember(key)

    def learn(self, spool: Spool) -> None:
        """Read the keys of what is in a spool."""
        at = spool.begin
        while found := spool.read(at, _CHUNK):
            for one in found:
                if isinstance(one.entry, Entry) and one.entry.key:
                    self._remember(one.entry.key)
            at = found[-1].end

    @contextmanager
    def claimed(self, key: bytes) -> Iterator[Known]:
        """Claim a key for a block, which is remembered if the block ends without an exception.

        Another request with the same key waits until this one is settled.
        """
        named, body = key[:_HALF], key[_HALF:]
        with self._change:
            while named in self._flying:
                self._change.wait()
            seen = self._taken.get(named)
            if seen is None:
                self._flying[named] = object()
        if seen is not None:
            yield Known.SAME if seen == body else Known.OTHER
            return
        try:
            yield Known.NEW
        except BaseException:
            self._settle(named, None)
            raise
        self._settle(named, key)

    def save(self) -> None:
        """Write what is remembered, durable when it returns; what is in flight now is waited for."""
        with self._change:
            flying = set(self._flying.values())
            while flying & set(self._flying.values()):
                self._change.wait()
            data = _MAGIC + b"".join(named + body for named, body in self._taken.items())
        _write(self._path, data + zlib.crc32(data).to_bytes(4, "big"))

    def _settle(self, named: bytes, key: bytes | None) -> None:
        with self._change:
            del self._flying[named]
            if key is not None:
                self._remember(key)
            self._change.notify_all()

    def _remember(self, key: bytes) -> None:
        self._taken[key[:_HALF]] = key[_HALF:]
        if len(self._taken) > self._capacity:
            self._taken.popitem(last=False)


def _loaded(path: Path) -> Iterator[bytes]:
    if not path.exists():
        return
    data = path.read_bytes()
    inner = data[len(_MAGIC) : -4]
    if not data.startswith(_MAGIC) or zlib.crc32(data[:-4]).to_bytes(4, "big") != data[-4:] or len(inner) % (2 * _HALF):
        raise SourceError(f"the file of idempotency keys `{path}` is damaged", "remove it; retries may then double")
    for start in range(0, len(inner), 2 * _HALF):
        yield inner[start : start + 2 * _HALF]


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
