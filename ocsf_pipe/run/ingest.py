"""Files in, tables out, every record accounted for; a run that was cut off goes on where it stopped."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ocsf_connectors.file import STDIN, find, open_stream, partition_id
from ocsf_pipe.decode import Limits
from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake import Lake, Txn
from ocsf_pipe.run.batch import Mapped, check_plan, now, settle
from ocsf_pipe.run.files import SMALL, Listing, Manifest, grouped, listing, plans_digest
from ocsf_pipe.run.recognise import HEAD, Chosen, Engines, choose, pick
from ocsf_pipe.run.report import Report
from ocsf_pipe.source import Offset, Records

PIPELINE = "ingest"
BATCH_BYTES = 128 << 20
ENVELOPE = 256 << 20
Progress = Callable[[str, int, Report], None]
"""Called with the file, the bytes of it that are done, and the account so far."""


def quiet(_file: str, _done: int, _report: Report) -> None:
    """The progress that shows nothing."""


@dataclass(slots=True)
class Ingest:
    """One run over files. `mapping` names the mapping of all of them; None lets the records tell."""

    lake: Lake
    mapping: str | None = None
    again: bool = False
    max_record: int = 16 << 20
    progress: Progress = quiet
    engines: Engines = field(default_factory=Engines)
    report: Report = field(default_factory=Report)

    def run(self, paths: Sequence[str | Path]) -> Report:
        """Take in every file that the paths name; raises SourceError for a path that names none."""
        started = time.monotonic()
        files = list(find(paths))
        small = [path for path in files if str(path) != STDIN and path.stat().st_size <= SMALL]
        if small or self.lake.store.names("_manifests"):
            self._small(small)
        for path in files:
            if path not in set(small):
                self._big(path)
        self.report.seconds = time.monotonic() - started
        return self.report

    # ------------------------------------------------------------------ small files, many to a batch

    def _small(self, paths: Sequence[Path]) -> None:
        manifest = Manifest(self.lake)
        groups = manifest.groups()
        known = {(file.id, file.size) for _, files in groups for file in files}
        fresh = [listing(path, self.mapping) for path in paths]
        wanted = [file for file in fresh if self.again or (file.id, file.size) not in known]
        self.report.skipped += len(fresh) - len(wanted)
        end = groups[-1][0] + len(groups[-1][1]) if groups else 0
        for files in grouped(wanted):
            groups.append((end, files))
            end += len(files)
        self._groups(manifest, groups, {file.id for file in fresh})

    def _groups(self, manifest: Manifest, groups: list[tuple[int, list[Listing]]], mine: set[str]) -> None:
        state = self.lake.resume(PIPELINE, "files", "small")
        known = {first for first, _ in manifest.groups()}
        for first, files in groups:
            if first < state.offset:
                continue
            if first not in known:
                manifest.append(first, files)
            pending = state.pending if state.pending is not None and state.pending.start == first else None
            self._group(first, files, state.next_batch, pending, mine)
            state = replace(state, next_batch=state.next_batch + 1, offset=first + len(files), pending=None)

    def _group(self, first: int, files: list[Listing], batch: int, pending: Txn | None, mine: set[str]) -> None:
        chosen = [(file, choose(Path(file.path), file.mapping)) for file in files]
        digest = plans_digest([m.plan.digest for _, choice in chosen for m in choice.mappings])
        end = first + len(files)
        txn = pending or Txn(PIPELINE, "files", "small", batch, digest, first, end, now())
        check_plan(self.lake, txn, digest)
        mapped = Mapped(txn.clock, self.engines)
        for file, choice in chosen:
            for records in self._read(Path(file.path), choice, 0):
                mapped.add(records, choice.mappings, file.id)
            self.progress(file.path, file.size, self.report)
        mapped.report.files = sum(file.id in mine for file in files)
        settle(self.lake, txn, mapped, pending=pending is not None)
        self.report.add(mapped.report)

    def _read(self, path: Path, choice: Chosen, resume_at: int) -> Iterator[Records]:
        stream = open_stream(path)
        try:
            yield from choice.format.read(stream, choice.settings, resume_at=resume_at, limits=self._limits(choice))
        finally:
            stream.close()

    def _limits(self, choice: Chosen) -> Limits:
        """How long a record may be; a document that holds many records may be longer."""
        envelope = any(listed.plan.records for listed in choice.mappings)
        return Limits(max_record=max(self.max_record, ENVELOPE) if envelope else self.max_record)

    # ------------------------------------------------------------------ a big file, batch by batch

    def _big(self, path: Path) -> None:
        name = f"stdin-{uuid.uuid4().hex}" if str(path) == STDIN else partition_id(path)
        if self.again:
            name = f"{name}-{uuid.uuid4().hex}"
        head = None
        stream = open_stream(path)
        try:
            if str(path) == STDIN:
                stream = _Replayed(stream)  # type: ignore[assignment]
                head = stream.peeked  # type: ignore[attr-defined]
            choice = choose(path, self.mapping, head=head)
            state = self.lake.resume(PIPELINE, "files", name)
            reader = partial(choice.format.read, settings=choice.settings, limits=self._limits(choice))
            runs = reader(stream, resume_at=state.offset)
            self._batches(path, name, choice, runs, state.next_batch, state.pending, Offset(state.offset))
        finally:
            stream.close()

    def _batches(
        self,
        path: Path,
        name: str,
        choice: Chosen,
        runs: Iterator[Records],
        batch: int,
        pending: Txn | None,
        start: Offset,
    ) -> None:
        digest = plans_digest([m.plan.digest for m in choice.mappings])
        at, found = start.position, False
        for records in gathered(runs, pending.end if pending is not None else None):
            found = True
            txn = pending or Txn(PIPELINE, "files", name, batch, digest, at, records[-1].end, now())
            check_plan(self.lake, txn, digest)
            mapped = Mapped(txn.clock, self.engines)
            for run in records:
                mapped.add(run, choice.mappings, name)
            settle(self.lake, txn, mapped, pending=pending is not None)
            self.report.add(mapped.report)
            at, batch, pending = txn.end, batch + 1, None
            self.progress(str(path), at, self.report)
        if pending is not None and not found:
            raise LakeError(f"`{path}` is shorter than the batch that was begun on it", "bring the file back as it was")
        self.report.files += found
        self.report.skipped += not found


def gathered(runs: Iterator[Records], until: int | None) -> Iterator[list[Records]]:
    """Runs gathered into batches of bounded size; the first batch ends at `until`, where a half-done one has to."""
    held: list[Records] = []
    size = 0
    for run in runs:
        for part in cut(run, until) if until is not None else [run]:
            held.append(part)
            size += part.raw.nbytes
            if (until is not None and part.end >= until) or (until is None and size >= BATCH_BYTES):
                yield held
                held, size, until = [], 0, None
    if held:
        yield held


def cut(run: Records, at: int) -> list[Records]:
    """The run as one or two, cut before the record at position `at`."""
    if run.end <= at:
        return [run]
    before = pc.less(run.position, at)
    parts = []
    for mask, keep, end in (
        (before, lambda place: place < at, at),
        (pc.invert(before), lambda place: place >= at, run.end),
    ):
        rows = pc.indices_nonzero(mask).cast(pa.int64())
        rejects = tuple(reject for reject in run.rejects if keep(reject.position))
        if len(rows) or rejects:
            parts.append(replace(pick(run, rows), rejects=rejects, end=end))
    return parts


class _Replayed:
    """Standard input whose first bytes were looked at."""

    def __init__(self, stream: object) -> None:
        self._stream = stream
        self.peeked = b""
        while len(self.peeked) < HEAD and (more := stream.read(HEAD - len(self.peeked))):  # type: ignore[attr-defined]
            self.peeked += more
        self._left = self.peeked

    def read(self, size: int = -1) -> bytes:
        if not self._left:
            return self._stream.read(size)  # type: ignore[attr-defined, no-any-return]
        if size < 0:
            data, self._left = self._left + self._stream.read(), b""  # type: ignore[attr-defined]
            return data
        data, self._left = self._left[:size], self._left[size:]
        return data

    def close(self) -> None:
        """Leave standard input open."""
