"""A spool as a source: what was appended, in order, as records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
import pyarrow as pa

from ocsf_connectors.spool import Damage, Spool, Stored
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Batch, Decoder, Offset, Records, Reject

BATCH_BYTES = 16 << 20
_START = Offset()


class SpoolPartition:
    """The messages of a spool from an offset on; `position` of a record is that of its message."""

    def __init__(self, spool: Spool, decoder: Decoder, offset: Offset = _START) -> None:
        """Begin at an offset of an earlier reading; raises SourceError when the spool ends before it."""
        if offset.position > spool.end:
            raise SourceError(
                f"the lake has read the spool to {offset.position}, but it ends at {spool.end}",
                "the folder was replaced or cut; move it away, so that a new one is made",
            )
        self.id = spool.id
        self._spool, self._decoder, self._offset = spool, decoder, offset

    def next_batch(self) -> Batch | None:
        """Return the next messages' records; None when nothing waits. Raises OSError when the disk fails."""
        found = self._spool.read(self._offset.position, BATCH_BYTES)
        if not found:
            return None
        runs = tuple(run for group in _alike(found) for run in self._records(group))
        start, self._offset = self._offset, Offset(found[-1].end)
        return Batch(runs, start, self._offset)

    def offset(self) -> Offset:
        """Return the first position not yet returned."""
        return self._offset

    def acknowledge(self, offset: Offset) -> None:
        """Let the spool delete what is before the offset."""
        self._spool.forget(offset.position)

    def lag(self) -> int | None:
        """Return the bytes that wait."""
        return max(0, self._spool.end - self._offset.position)

    def close(self) -> None:
        """Nothing is held; the spool is its source's."""

    def _records(self, group: list[Stored]) -> tuple[Records, ...]:
        end = group[-1].end
        if isinstance(group[0].entry, Damage):
            return (_damaged(group, end),)
        positions = pa.array(np.array([one.position for one in group], np.int64))
        bodies = [one.entry.body for one in group if not isinstance(one.entry, Damage)]
        return self._decoder.parse(_binaries(bodies), positions, end, group[0].entry.kind)


def _alike(found: list[Stored]) -> Iterator[list[Stored]]:
    """Yield neighbours of one kind together."""
    for _, group in groupby(found, lambda one: None if isinstance(one.entry, Damage) else one.entry.kind):
        yield list(group)


def _binaries(bodies: list[bytes]) -> pa.LargeBinaryArray:
    offsets = np.zeros(len(bodies) + 1, np.int64)
    np.cumsum([len(body) for body in bodies], out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(bodies))]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(bodies), buffers)


def _damaged(group: list[Stored], end: int) -> Records:
    rejects = tuple(
        Reject(one.position, 0, one.entry.raw, f"the spool is damaged here: {one.entry.reason}")
        for one in group
        if isinstance(one.entry, Damage)
    )
    raw, position, sub = (pa.array([], kind) for kind in (pa.large_string(), pa.int64(), pa.int32()))
    return Records(raw, position, sub, end, rejects=rejects)


class SpoolSource:
    """A spool as a source of one partition, which is named by the spool's id."""

    def __init__(self, spool: Spool, decoder: Decoder) -> None:
        """Own the spool from now on."""
        self.spool, self._decoder = spool, decoder

    def partitions(self) -> Sequence[str]:
        """Return the id of the spool."""
        return [self.spool.id]

    def open(self, partition: str, offset: Offset = _START) -> SpoolPartition:
        """Open the spool at an offset; raises SourceError for any other id, and where the spool ends before it."""
        if partition != self.spool.id:
            raise SourceError(f"there is no spool `{partition}`", f"the folder is `{self.spool.id}` now")
        return SpoolPartition(self.spool, self._decoder, offset)

    def close(self) -> None:
        """Let go of the folder."""
        self.spool.close()
