"""The write-ahead log of each partition: an intent before a batch is mapped, its end when every table has it.

`_checkpoints/<pipeline>/<source>/<partition>/<batch>.json` is the intent, `<batch>.done.json` the end with its counts.
Only the highest batch matters to a resume; a few older ones are kept for people.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ocsf_pipe.errors import FencedError, LakeError
from ocsf_pipe.lake.store import Store
from ocsf_pipe.lake.txn import State, Txn, app_id

ROOT = "_checkpoints"
_KEEP = 3
Counts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The logs of all partitions of one lake."""

    store: Store

    def resume(self, pipeline: str, source: str, partition: str) -> State:
        """Return where the partition stands; batch 0 at offset 0 for one that was never begun."""
        folder = f"{ROOT}/{app_id(pipeline, source, partition)}"
        intents, ends = self._listed(folder)
        last = max(intents | ends, default=None)
        if last is None:
            return State(0, 0)
        if last in ends:
            return State(last + 1, int(self._read(folder, last, "done.json")["txn"]["end"]))
        pending = Txn(**self._read(folder, last, "json"))
        return State(last, pending.start, pending)

    def begin(self, txn: Txn) -> None:
        """Write the intent, unless it is there already and this very one; FencedError when another worker's is.

        After the write the folder is read again: a worker that slept while others went on, and whose number has been
        pruned meanwhile, finds the higher ones and gives way before it has written a row.
        """
        self._refuse_gap(txn)
        path = f"{_folder(txn)}/{txn.batch:012d}.json"
        try:
            new = self.store.put_new(path, txn.to_json().encode())
        except OSError:  # the answer is lost, not necessarily the write: what is there decides
            new = False
            if self.store.get(path) is None:
                raise
        found = self.store.get(path)
        if found is None or Txn.from_json(found) != txn:
            raise _fenced(txn)
        if max(set.union(*self._listed(_folder(txn)))) > txn.batch:
            if new:
                self.store.delete(path)
            raise _fenced(txn)

    def finish(self, txn: Txn, counts: Counts) -> None:
        """Mark the batch done with its counts and the partition's running totals; a second time changes nothing."""
        folder = _folder(txn)
        before = self._totals(folder, txn.batch - 1) if txn.batch else {}
        body = {"txn": asdict(txn), "counts": dict(counts), "totals": add(before, counts)}
        path = f"{folder}/{txn.batch:012d}.done.json"
        try:
            self.store.put_new(path, json.dumps(body).encode())
        except OSError:  # the answer is lost, not necessarily the write
            if self.store.get(path) is None:
                raise
        self._prune(folder, txn.batch)

    def partitions(self) -> Iterator[tuple[str, Counts, Txn | None]]:
        """Return for every partition its application id, its totals so far, and the batch it left half done."""
        for pipeline in self.store.names(ROOT):
            for source in self.store.names(f"{ROOT}/{pipeline}"):
                for partition in self.store.names(f"{ROOT}/{pipeline}/{source}"):
                    yield self._partition(f"{pipeline}/{source}/{partition}")

    def _partition(self, name: str) -> tuple[str, Counts, Txn | None]:
        folder = f"{ROOT}/{name}"
        intents, ends = self._listed(folder)
        totals = self._totals(folder, max(ends)) if ends else {}
        left = max(intents, default=-1)
        pending = Txn(**self._read(folder, left, "json")) if left > max(ends, default=-1) else None
        return name, totals, pending

    def _refuse_gap(self, txn: Txn) -> None:
        state = self.resume(txn.pipeline, txn.source, txn.partition)
        if state.next_batch > txn.batch:
            raise _fenced(txn)
        if state.next_batch < txn.batch:
            raise LakeError(
                f"batch {txn.batch} of `{txn.app_id}` is begun before batch {state.next_batch} is finished",
                hint="finish the batches of a partition one after the other",
            )

    def _totals(self, folder: str, batch: int) -> Counts:
        return dict(self._read(folder, batch, "done.json")["totals"])

    def _listed(self, folder: str) -> tuple[set[int], set[int]]:
        names = self.store.names(folder)
        ends = {int(name.split(".")[0]) for name in names if name.endswith(".done.json")}
        intents = {int(name.split(".")[0]) for name in names if name.count(".") == 1}
        return intents, ends

    def _read(self, folder: str, batch: int, kind: str) -> dict[str, Any]:
        path = f"{folder}/{batch:012d}.{kind}"
        found = self.store.get(path)
        if found is None:
            raise LakeError(
                f"the checkpoint `{path}` is gone", hint="restore it, or start the partition under a new name"
            )
        return dict(json.loads(found))

    def _prune(self, folder: str, done: int) -> None:
        for name in self.store.names(folder):
            if int(name.split(".")[0]) <= done - _KEEP:
                self.store.delete(f"{folder}/{name}")


def add(before: Counts, more: Counts) -> dict[str, Any]:
    """Return the sum of two trees of counts; a key that only one has counts from nothing."""
    total = dict(before)
    for key, value in more.items():
        total[key] = add(total.get(key, {}), value) if isinstance(value, Mapping) else total.get(key, 0) + value
    return total


def _folder(txn: Txn) -> str:
    return f"{ROOT}/{txn.app_id}"


def _fenced(txn: Txn) -> FencedError:
    return FencedError(
        f"another worker has batch {txn.batch} of `{txn.app_id}`",
        hint="let one worker own a partition; this one resumes from what the other finished",
    )
