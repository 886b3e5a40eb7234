"""Which mapping a file needs, told from its records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from ocsf_connectors.file import open_stream
from ocsf_pipe.content.vault import Vault
from ocsf_pipe.decode import FORMATS, Format, Limits
from ocsf_pipe.engine.engine import Engine
from ocsf_pipe.engine.recogniser import recogniser_of
from ocsf_pipe.engine.reference import inside, whole_of
from ocsf_pipe.mapping.catalogue import Listed, catalogue, find_mapping
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.source import BrokenStream, Records

HEAD = 1 << 16
RUNS = 8
SAMPLE = Limits(chunk_bytes=1 << 20, max_record=1 << 28)
LOOK_AT = 200
"""How many of the first records tell which mappings a file needs."""
Opener = Callable[[], AbstractContextManager[BinaryIO]]
UNKNOWN = "no mapping recognises the record"


@dataclass(slots=True)
class Engines:
    """The engines of a run, one per mapping, made when first needed."""

    threads: int | None = 1  # a batch is one piece of Arrow: a second thread finds nothing to do and costs memory
    vault: Vault = field(default_factory=Vault)
    _made: dict[str, Engine] = field(default_factory=dict)

    def of(self, listed: Listed) -> Engine:
        """The engine of a mapping; raises MappingError where it does not compile."""
        if listed.name not in self._made:
            self._made[listed.name] = Engine(listed.plan, self.threads, lambda: self.vault.sealer)
        return self._made[listed.name]


@dataclass(frozen=True, slots=True)
class Peek:
    """The objects that the first records of a run are, read once for all mappings that are asked; others are left out.

    `columnar`: the records have columns of text.
    """

    wholes: Sequence[dict[str, Any]]
    columnar: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """How a file is read: its format and settings, and the mappings its records go to, in the order they are asked.

    No mapping: nothing recognises the file, every record is refused.
    """

    format: Format
    settings: Mapping[str, Any]
    mappings: tuple[Listed, ...]


def choose(
    path: Path, name: str | None = None, opener: Opener | None = None, among: Iterable[Listed] | None = None
) -> Chosen:
    """Choose by name, or by what the first records look like. Raises UsageError for a name that is none.

    `opener` gives the unpacked bytes from their beginning, each time anew; the file itself if left out. `among` are the
    mappings that come into question, all there are if left out.
    """
    if name is not None:
        listed = find_mapping(name)
        return Chosen(FORMATS[listed.plan.format], listed.plan.settings, (listed,))
    opener = opener or partial(open_stream, path)
    head = _head(opener)
    samples: dict[str, list[Peek]] = {}
    found: list[tuple[int, Listed]] = []
    for listed in catalogue().values() if among is None else among:
        wanted = listed.head
        if not FORMATS[wanted.format].sniff(head, path.name, wanted.settings):
            continue
        key = f"{wanted.format} {dict(wanted.settings)}"
        if key not in samples:
            samples[key] = _sample(opener, wanted.format, wanted.settings)
        hits = sum(hits_of(listed, run) for run in samples[key])
        if hits:
            found.append((hits, listed))
    found.sort(key=lambda one: (-one[0], one[1].name))
    if not found:
        return Chosen(FORMATS["json"], {}, ())
    best = found[0][1].head
    same = [listed for _, listed in found if _reads_alike(listed, best.format, best.settings)]
    return Chosen(FORMATS[best.format], best.settings, tuple(same))


def _reads_alike(listed: Listed, format_name: str, settings: Mapping[str, Any]) -> bool:
    wanted = listed.head
    return wanted.format == format_name and dict(wanted.settings) == dict(settings)


def _head(opener: Opener) -> bytes:
    with opener() as stream:
        try:
            return stream.read(HEAD)
        except BrokenStream:
            return b""


def _sample(opener: Opener, format_name: str, settings: Mapping[str, Any]) -> list[Peek]:
    """The first records, or fewer where they are long."""
    runs: list[Peek] = []
    count = 0
    with opener() as stream:
        for run in islice(FORMATS[format_name].read(stream, settings, limits=SAMPLE), RUNS):
            runs.append(peek(run))
            count += min(len(run), LOOK_AT)
            if count >= LOOK_AT:
                break
    return runs


def peek(run: Records) -> Peek:
    """The first records of a run, read."""
    wholes = (whole_of(run, number) for number in range(min(len(run), LOOK_AT)))
    return Peek([whole for whole in wholes if not isinstance(whole, str)], run.columns is not None)


def hits_of(listed: Listed, sample: Peek) -> int:
    """How many of the first records the mapping recognises; only one that may recognise some is compiled."""
    return hits(listed.plan, sample) if hits(listed.head.recogniser, sample) else 0


def hits(plan: Plan, sample: Peek) -> int:
    """How many of the first records a plan recognises; those of a document each, where it takes documents apart."""
    found = recogniser_of(plan)
    return sum(found.takes(whole, columnar=sample.columnar) for whole in _apart(plan, sample))


def _apart(plan: Plan, sample: Peek) -> Iterator[dict[str, Any]]:
    keys = [] if sample.columnar else [str(step) for step in plan.records if step != "*"]
    if not keys:
        return iter(sample.wholes)
    found = ((whole, inside(whole, keys)) for whole in sample.wholes)
    parts = (part for whole, items in found for part in ([whole] if items is None else items))
    return (part for part in islice(parts, LOOK_AT) if isinstance(part, dict))


def pick(records: Records, rows: pa.Array) -> Records:
    """Some records of a run, by row; its rejects are left out."""
    return replace(
        records,
        raw=records.raw.take(rows),
        position=records.position.take(rows),
        sub=records.sub.take(rows),
        json=None if records.json is None else records.json.take(rows),
        columns=None if records.columns is None else records.columns.take(rows),
        rejects=(),
    )


def sorted_out(
    records: Records, mappings: Sequence[Listed], engines: Engines, *, sure: bool = True
) -> Iterator[tuple[Listed | None, Records]]:
    """Give every record to the first mapping that recognises it; None for those that none does.

    Where it is `sure` that a single mapping reads them, all records are its own: its last rule takes what it does not
    know. A document with an
    envelope is taken apart for a mapping that recognises one of its records; the others are then offered to all.
    """
    if not mappings:
        yield None, records
    elif sure and len(mappings) == 1:
        yield mappings[0], engines.of(mappings[0]).expand(records)
    else:
        yield from _offered(records, mappings, engines, apart=False)


def _offered(
    records: Records, mappings: Sequence[Listed], engines: Engines, *, apart: bool
) -> Iterator[tuple[Listed | None, Records]]:
    rest = records
    for listed in mappings:
        if not len(rest):
            return
        engine = engines.of(listed)
        pieces = rest if apart else engine.expand(rest)
        known = engine.recognised(pieces)
        if not pc.any(known).as_py():
            continue
        yield listed, _where(pieces, known)
        others = _where(pieces, pc.invert(known))
        if pieces is rest:
            rest = others
            continue
        claimed = pc.unique(pieces.position.filter(known))
        inside = pc.is_in(others.position, value_set=claimed)
        yield from _offered(_where(others, inside), mappings, engines, apart=True)
        rest = _where(rest, pc.invert(pc.is_in(rest.position, value_set=claimed)))
    if len(rest):
        yield None, rest


def _where(records: Records, mask: pa.BooleanArray) -> Records:
    return pick(records, pc.indices_nonzero(mask).cast(pa.int64()))
