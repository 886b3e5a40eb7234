"""Files in, tables out, every record accounted for; a run that was cut off goes on where it stopped."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from ocsf_connectors.file import STDIN, find, open_stream
from ocsf_pipe.content.vault import Vault
from ocsf_pipe.decode import Limits
from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake import Lake, State, Txn
from ocsf_pipe.mapping.catalogue import find_mapping
from ocsf_pipe.memory import keep_for_now
from ocsf_pipe.run.batch import Mapped, now, resumed, settle
from ocsf_pipe.run.contents import vault_of
from ocsf_pipe.run.files import Listing, Manifest, big_id, grouped, is_small, listing, plans_digest, taken_of_big
from ocsf_pipe.run.lane import cut
from ocsf_pipe.run.peeked import Peeked
from ocsf_pipe.run.recognise import Chosen, Engines, Opener, choose
from ocsf_pipe.run.report import Report
from ocsf_pipe.source import Offset, Records

PIPELINE = "ingest"
BATCH_BYTES = 64 << 20
ENVELOPE = 256 << 20
Progress = Callable[[str, int, Report], None]
"""Called with the file, the bytes of it that are done, and the account so far."""


def quiet(_file: str, _done: int, _report: Report) -> None:
    """The progress that shows nothing."""


@dataclass(slots=True)
class Ingest:
    """One run over files. `mapping` names the mapping of all of them; None lets the records tell.

    `vault` guards content; the lake's own where it is left out. `threads` are DuckDB's.
    """

    lake: Lake
    mapping: str | None = None
    again: bool = False
    max_record: int = 16 << 20
    progress: Progress = quiet
    threads: int | None = 1
    vault: Vault | None = None
    engines: Engines = field(init=False)
    report: Report = field(default_factory=Report)

    def __post_init__(self) -> None:
        """Make the engines of this run."""
        self.engines = Engines(self.threads, self.vault or vault_of(self.lake))

    def run(self, paths: Sequence[str | Path]) -> Report:
        """Take in every file of the paths; raises SourceError for a path, UsageError for a mapping, that is none."""
        started = time.monotonic()
        keep_for_now()
        if self.mapping is not None:
            find_mapping(self.mapping)  # a name that is none is told even where all files are in the lake already
        files = list(find(paths))
        small = [path for path in files if str(path) != STDIN and is_small(path)]
        groups = Manifest(self.lake).groups()
        before = by_path(groups)
        self._small(small, groups, before)
        for path in sorted(set(files) - set(small)):
            self._big(path, before.get(str(path.absolute()), []))
        self.report.seconds = time.monotonic() - started
        return self.report

    # ------------------------------------------------------------------ small files, many to a batch

    def _small(
        self, paths: Sequence[Path], groups: list[tuple[int, list[Listing]]], before: Mapping[str, list[Listing]]
    ) -> None:
        """List what is new behind what was listed before, then read all that is not in the lake yet."""
        known = {} if self.again else before
        wanted = [listing(path, self.mapping, known.get(str(path.absolute()), ())) for path in paths]
        self.report.skipped += wanted.count(None)
        written = {first for first, _ in groups}
        end = groups[-1][0] + len(groups[-1][1]) if groups else 0
        for files in grouped([file for file in wanted if file is not None]):
            groups.append((end, files))
            end += len(files)
        state = self.lake.resume(PIPELINE, "files", "small")
        mine = {str(path.absolute()) for path in paths}
        for first, files in groups:
            if first < state.offset:
                continue
            if first not in written:
                Manifest(self.lake).append(first, files)
            pending = state.pending if state.pending is not None and state.pending.start == first else None
            batch = self._group(first, files, state.next_batch, pending, mine)
            state = State(batch + 1, first + len(files))

    def _group(self, first: int, files: list[Listing], batch: int, pending: Txn | None, mine: set[str]) -> int:
        here = [file for file in files if file.present()]
        chosen = [(file, choose(Path(file.path), file.mapping, file.stream)) for file in here]
        plans = [self.engines.vault.digest(m.plan) for _, choice in chosen for m in choice.mappings]
        digest = plans_digest([*plans, *(file.digest for file in here)])
        batch, pending = resumed(self.lake, batch, pending, digest)
        txn = pending or Txn(PIPELINE, "files", "small", batch, digest, first, first + len(files), now())
        mapped = Mapped(txn.clock, self.engines)
        for file, choice in chosen:
            for records in self._read(file.stream(), choice, file.start):
                mapped.add(records, choice.mappings, file.id, named=file.mapping is not None)
            self.progress(file.path, file.size, self.report)
        mapped.report.files = sum(file.path in mine for file in here)
        mapped.report.gone = len(files) - len(here)
        settle(self.lake, txn, mapped, pending=pending is not None)
        self.report.add(mapped.report)
        return batch

    def _read(self, stream: BinaryIO, choice: Chosen, resume_at: int) -> Iterator[Records]:
        with stream:
            yield from choice.format.read(stream, choice.settings, resume_at=resume_at, limits=self._limits(choice))

    def _limits(self, choice: Chosen) -> Limits:
        """How long a record may be; a document that holds many records may be longer."""
        envelope = any(listed.plan.records for listed in choice.mappings)
        return Limits(max_record=max(self.max_record, ENVELOPE) if envelope else self.max_record)

    # ------------------------------------------------------------------ a big file, batch by batch

    def _big(self, path: Path, before: Sequence[Listing]) -> None:
        name, stream, opener, begin = self._opened(path, before)
        with stream:
            choice = choose(path, self.mapping, opener)
            state = self.lake.resume(PIPELINE, "files", name)
            start = state.offset if state.next_batch or state.pending else begin
            runs = self._read(stream, choice, start)
            self._batches(path, name, choice, runs, state.next_batch, state.pending, Offset(start))

    def _opened(self, path: Path, before: Sequence[Listing]) -> tuple[str, BinaryIO, Opener | None, int]:
        """The id of a big file, its bytes, those to recognise it by, and how much came while it was small."""
        if str(path) == STDIN:
            peeked = Peeked(open_stream(path))
            return f"stdin-{uuid.uuid4().hex}", cast("BinaryIO", peeked), peeked.first, 0
        if self.again:
            return f"{big_id(path)}-{uuid.uuid4().hex}", open_stream(path), None, 0
        return big_id(path), open_stream(path), None, taken_of_big(path, before)

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
        digest = plans_digest([self.engines.vault.digest(m.plan) for m in choice.mappings])
        at, found = start.position, False
        for records in gathered(runs, pending.end if pending is not None else None):
            found = True
            batch, pending = resumed(self.lake, batch, pending, digest)
            txn = pending or Txn(PIPELINE, "files", name, batch, digest, at, records[-1].end, now())
            mapped = Mapped(txn.clock, self.engines)
            for run in records:
                mapped.add(run, choice.mappings, name, named=self.mapping is not None)
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


def by_path(groups: Sequence[tuple[int, list[Listing]]]) -> dict[str, list[Listing]]:
    """The listings of every path."""
    found: dict[str, list[Listing]] = {}
    for _, files in groups:
        for file in files:
            found.setdefault(file.path, []).append(file)
    return found
