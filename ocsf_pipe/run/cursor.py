"""How far something has read the tables of a lake, moved in steps that are finished or never were.

A step is a batch of the lake's write-ahead log. Which version of each table it reads up to, and what it writes, is
written down before it begins (`_manifests/cursors/<application>/<end>.json`), so that a step that was cut off is known
to be done, or is taken anew.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake import Lake, Txn
from ocsf_pipe.lake.txn import app_id

ROOT = "_manifests/cursors"
Versions = Mapping[str, int]
"""The version of each table that was read."""


@dataclass(slots=True)
class Cursor:
    """One reader's place; `pipeline`, `source` and `partition` name it for ever; `table` is what its steps write."""

    lake: Lake
    pipeline: str
    source: str
    partition: str
    table: str | None = None

    def at(self) -> tuple[int, int, Versions]:
        """The number of the next step, the id of the last one, and the versions that have been read up to there.

        A step that was cut off is finished where the lake has what it wrote, and given up where it has not: then
        the table takes nothing of it any more, even from one who was only slow.
        """
        state = self.lake.resume(self.pipeline, self.source, self.partition)
        if state.pending is None:
            return state.next_batch, state.offset, self._read(state.offset)["versions"]
        pending, said = state.pending, self._read(state.pending.end)
        if not said["uids"] or self._arrived(pending, said["uids"]):
            self.finish(pending, said["counts"])
            return pending.batch + 1, pending.end, said["versions"]
        self.lake.finish(replace(pending, end=pending.start), {})
        self.lake.store.delete(self._path(pending.end))
        return pending.batch + 1, pending.start, self._read(pending.start)["versions"]

    def _arrived(self, pending: Txn, uids: Sequence[str]) -> bool:
        """Whether the rows of a step are in the table; from now on they are, or will never be.

        An empty commit under the number of the step is refused where its rows came first, and refuses them otherwise.
        """
        if self.table is None:
            return False
        self.lake.writer.write(self.table, pa.table({"time": pa.array([], pa.int64())}), [pending])
        query = f"select count(*) as n from {self.table} where metadata.uid = $uid"
        try:
            return bool(self.lake.sql(query, {"uid": uids[0]})["n"][0].as_py())
        except LakeError:  # the table has no such column yet: nobody has written a row
            return False

    def begin(
        self,
        step: int,
        last: int,
        versions: Versions,
        counts: Mapping[str, Any],
        plan: str,
        clock: int,
        uids: Sequence[str] = (),
    ) -> Txn:
        """Write down a step and its intent; FencedError where another has taken it meanwhile.

        `uids` are the `metadata.uid` of the rows that it writes into its table, in order.
        """
        end = secrets.randbits(52) | 1  # never 0, which is the beginning; exact as a JSON number
        txn = Txn(self.pipeline, self.source, self.partition, step, plan, last, end, clock)
        body = {"versions": dict(versions), "counts": dict(counts), "uids": list(uids[:1])}
        self.lake.store.put_new(self._path(end), json.dumps(body).encode())
        self.lake.begin(txn)
        return txn

    def finish(self, txn: Txn, counts: Mapping[str, Any]) -> None:
        """Mark a step done; where the one before it ended is not needed any more."""
        self.lake.finish(txn, counts)
        if txn.start:
            self.lake.store.delete(self._path(txn.start))

    def _path(self, end: int) -> str:
        return f"{ROOT}/{app_id(self.pipeline, self.source, self.partition)}/{end}.json"

    def _read(self, end: int) -> dict[str, Any]:
        """What a step wrote down; at the beginning, and where it is gone, all is still to be read."""
        found = self.lake.store.get(self._path(end)) if end else None
        return dict(json.loads(found)) if found is not None else {"versions": {}, "counts": {}, "uids": []}
