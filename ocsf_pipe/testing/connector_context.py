"""What a connector is given, for tests: a small decoder, ledgers in memory and on disk, a context of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

import numpy as np
import pyarrow as pa

from ocsf_pipe.decode import FORMATS, Limits
from ocsf_pipe.decode.format import concat
from ocsf_pipe.lake.store import LocalStore
from ocsf_pipe.source import Context, Decoder, Ledger, Records, Reject


@dataclass(frozen=True, slots=True)
class FakeDecoder:
    """A decoder of one format, JSON unless told otherwise, that reads in small chunks so that batches are many.

    `parse` obeys a `kind` that is an input format; a message of any other kind is one record as it stands. The `format`
    of the records is the kind, or the format's name.
    """

    name: str = "json"
    settings: Mapping[str, Any] = field(default_factory=dict)
    chunk_bytes: int = 4096
    max_record: int = 16 << 20

    def read(self, stream: BinaryIO, name: str, *, resume_at: int = 0) -> Iterator[Records]:  # noqa: ARG002
        """Yield the records of one stream from `resume_at` on."""
        limits = Limits(self.chunk_bytes, self.max_record)
        for run in FORMATS[self.name].read(stream, self.settings, resume_at=resume_at, limits=limits):
            yield replace(run, format=self.name)

    def parse(
        self, messages: pa.LargeBinaryArray, positions: pa.Int64Array, end: int, kind: str = ""
    ) -> tuple[Records, ...]:
        """Return the records of messages at the positions given."""
        known = FORMATS.get(kind or self.name)
        run = known.parse(messages, self.settings) if known is not None else _as_they_stand(messages)
        place = np.asarray(positions.to_numpy(zero_copy_only=False), np.int64)
        moved = place[run.position.to_numpy(zero_copy_only=False)] if len(run) else np.array([], np.int64)
        rejects = tuple(replace(reject, position=int(place[reject.position])) for reject in run.rejects)
        return (replace(run, position=pa.array(moved), end=end, rejects=rejects, format=kind or self.name),)


def _as_they_stand(messages: pa.LargeBinaryArray) -> Records:
    good: list[tuple[int, str]] = []
    bad: list[Reject] = []
    for index, message in enumerate(messages.to_pylist()):
        try:
            good.append((index, (message or b"").decode()))
        except UnicodeDecodeError as error:
            bad.append(Reject(index, 0, message, f"not UTF-8 at byte {error.start} of the record: {error.reason}"))
    raw = pa.array([text for _, text in good], pa.large_string())
    places = pa.array([index for index, _ in good], pa.int64())
    run = Records(raw, places, pa.array(np.zeros(len(good), np.int32)), len(messages))
    return concat([run], tuple(bad), len(messages))


class MemoryLedger:
    """A ledger that a crash of the process loses; share one between sources to play a restart."""

    def __init__(self) -> None:
        """Begin without files."""
        self.files: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put_new(self, name: str, data: bytes) -> bool:
        """Write a file that is not there yet; False when there is one, which stays as it is."""
        with self._lock:
            if name in self.files:
                return False
            self.files[name] = bytes(data)
            return True

    def get(self, name: str) -> bytes | None:
        """Return a file's bytes; None when there is no such file."""
        return self.files.get(name)

    def names(self) -> list[str]:
        """Return the names of the files, sorted."""
        return sorted(self.files)

    def delete(self, name: str) -> None:
        """Remove a file; a file that is not there is no error."""
        self.files.pop(name, None)


@dataclass(frozen=True, slots=True)
class FolderLedger:
    """A ledger in a local folder, durable as the lake's own."""

    folder: Path

    def put_new(self, name: str, data: bytes) -> bool:
        """Write a file that is not there yet; False when there is one, which stays as it is."""
        return LocalStore(self.folder).put_new(quote(name, safe=""), data)

    def get(self, name: str) -> bytes | None:
        """Return a file's bytes; None when there is no such file."""
        return LocalStore(self.folder).get(quote(name, safe=""))

    def names(self) -> list[str]:
        """Return the names of the files, sorted."""
        return sorted(unquote(name) for name in LocalStore(self.folder).names(""))

    def delete(self, name: str) -> None:
        """Remove a file; a file that is not there is no error."""
        LocalStore(self.folder).delete(quote(name, safe=""))


def context(
    folder: Path,
    *,
    source: str = "test",
    decoder: Decoder | None = None,
    ledger: Ledger | None = None,
    max_record: int = 16 << 20,
) -> Context:
    """Return a context whose state and ledger lie in `folder`: the same folder again is the same source restarted."""
    state = folder / "state"
    state.mkdir(parents=True, exist_ok=True)
    return Context(
        pipeline="test",
        source=source,
        decoder=decoder or FakeDecoder(max_record=max_record),
        ledger=ledger or FolderLedger(folder / "ledger"),
        state=state,
        max_record=max_record,
    )
