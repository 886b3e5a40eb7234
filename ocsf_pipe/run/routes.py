"""The mappings of one source of a pipeline, and how its bytes become records for them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa

from ocsf_pipe.decode import FORMATS, Limits, hec
from ocsf_pipe.mapping.catalogue import Head, Listed, catalogue, find_mapping
from ocsf_pipe.run.recognise import HEAD, choose, hits_of, peek
from ocsf_pipe.source import Records

Label = str
"""An input format and, where it has settings, a digest of them: `json`, `delimited 1b4f0e98`."""
Positions = np.ndarray[Any, np.dtype[np.int64]]

# What a transport calls by another name than mappings do.
INNER = {"otlp_protobuf": "otlp"}
ENVELOPE = 256 << 20
MOST_SHAPES = 10_000


@dataclass(slots=True)
class Routes:
    """The mappings that take the records of one source: those `given` or else named, or all there are.

    It is the `Decoder` of the source too: what a mapping is called for decides how bytes are read.
    """

    names: tuple[str, ...] = ()
    given: tuple[Listed, ...] = ()
    max_record: int = 16 << 20
    _used: Counter[str] = field(default_factory=Counter)
    _listed: tuple[Listed, ...] | None = None
    _known: dict[frozenset[str], Label] = field(default_factory=dict)

    @property
    def listed(self) -> tuple[Listed, ...]:
        """The mappings, the most used first. Raises UsageError for a name that is none."""
        if self._listed is None:
            named = () if self.given else tuple(find_mapping(name) for name in self.names)
            self._listed = self.given or named or tuple(catalogue().values())
        return tuple(sorted(self._listed, key=lambda one: -self._used[one.name]))

    def of(self, label: Label) -> list[Listed]:
        """The mappings that read a format, in the order in which they are asked."""
        return [listed for listed in self.listed if label_of(listed) == label]

    def named_one(self) -> bool:
        """Whether one mapping was named, which then takes every record."""
        return len(self.names) == 1

    def may_hold_content(self) -> bool:
        """Whether what comes in may be content: a mapping has some, or none was named and it may be anything."""
        return not self.names or any(listed.plan.content for listed in self.listed)

    def prefer(self, used: Mapping[str, int]) -> None:
        """Ask the mappings that took most records first from now on."""
        self._used.update(used)

    # ------------------------------------------------------------------ the decoder

    def read(self, stream: BinaryIO, name: str, *, resume_at: int = 0) -> Iterator[Records]:
        """Yield the records of one stream; see `Decoder`."""
        label, format_name, settings, envelope = self._read_by(stream, name)
        stream.seek(0)
        limits = Limits(max_record=max(self.max_record, ENVELOPE) if envelope else self.max_record)
        for run in FORMATS[format_name].read(stream, settings, resume_at=resume_at, limits=limits):
            yield replace(run, format=label)

    def _read_by(self, stream: BinaryIO, name: str) -> tuple[Label, str, Mapping[str, Any], bool]:
        if len({label_of(listed) for listed in self.listed}) == 1:
            wanted = self.listed[0].head
            return label_of(self.listed[0]), wanted.format, wanted.settings, has_envelope(self.listed)
        chosen = choose(Path(name), None, lambda: _from_start(stream), self.listed)
        label = labelled(chosen.format.name, chosen.settings)
        self.prefer({listed.name: 1 for listed in chosen.mappings if not self._used[listed.name]})
        return label, chosen.format.name, chosen.settings, has_envelope(self.of(label))

    def parse(
        self, messages: pa.LargeBinaryArray, positions: pa.Int64Array, end: int, kind: str = ""
    ) -> tuple[Records, ...]:
        """Return the records of messages; see `Decoder`."""
        at = np.asarray(positions)
        if kind == "hec":
            return self._of_hec(messages, at, end)
        runs = []
        for label, format_name, settings, rows in self._sorted(messages, kind):
            part = messages if len(rows) == len(messages) else messages.take(pa.array(rows))
            found = FORMATS[format_name].parse(part, settings)
            runs.append(placed(found, at[rows], end, label))
        return tuple(runs)

    def _of_hec(self, messages: pa.LargeBinaryArray, at: Positions, end: int) -> tuple[Records, ...]:
        """Entries whose event is a record, and, read for what they look like, those whose event is a text."""
        found, texts = hec.parts(messages)
        runs = [placed(found, at, end, "json")]
        if len(texts):
            for run in self.parse(texts.raw.cast(pa.large_binary()), pa.array(np.arange(len(texts))), len(texts)):
                places = np.asarray(texts.position)
                subs = texts.sub.take(run.position)
                told = tuple(replace(reject, sub=texts.sub[reject.position].as_py()) for reject in run.rejects)
                runs.append(placed(replace(run, sub=subs, rejects=told), at[places], end, run.format))
        return tuple(run for run in runs if len(run) or run.rejects)

    def _sorted(
        self, messages: pa.LargeBinaryArray, kind: str
    ) -> Iterator[tuple[Label, str, Mapping[str, Any], Positions]]:
        """Messages by the format that reads them, as rows."""
        every = np.arange(len(messages))
        labels = {label_of(listed): listed.head for listed in self.listed}
        if kind in FORMATS:
            inner = INNER.get(kind, kind)
            settings = next((wanted.settings for wanted in labels.values() if wanted.format == inner), {})
            yield labelled(inner, settings), kind, settings, every
            return
        if len(labels) == 1:
            [(label, wanted)] = labels.items()
            yield label, wanted.format, wanted.settings, every
            return
        told: dict[Label, list[int]] = {}
        for row in range(len(messages)):
            told.setdefault(self._told(messages[row].as_py() or b"", labels), []).append(row)
        for label, rows in told.items():
            said = labels.get(label)
            yield label, said.format if said else "json", said.settings if said else {}, np.array(rows)

    def _told(self, message: bytes, labels: Mapping[Label, Head]) -> Label:
        """Which format a message is in: remembered by the keys of an object, told by its look otherwise."""
        try:
            value = orjson.loads(message)
        except orjson.JSONDecodeError:
            return self._look(message, labels)
        keys = frozenset(value) if isinstance(value, dict) else frozenset()
        if keys not in self._known:
            if len(self._known) >= MOST_SHAPES:
                self._known.clear()
            self._known[keys] = self._look(message, labels)
        return self._known[keys]

    def _look(self, message: bytes, labels: Mapping[Label, Head]) -> Label:
        """The format whose mappings recognise most of a message; the first that it looks like where none does."""
        head = message[:HEAD]
        alike = [label for label, wanted in labels.items() if FORMATS[wanted.format].sniff(head, "", wanted.settings)]
        if len(alike) < 2:
            return alike[0] if alike else "json"
        hits = {label: self._hits(message, label, labels[label]) for label in alike}
        return max(alike, key=lambda label: hits[label])

    def _hits(self, message: bytes, label: Label, wanted: Head) -> int:
        found = peek(FORMATS[wanted.format].parse(pa.array([message], pa.large_binary()), wanted.settings))
        return max((hits_of(listed, found) for listed in self.of(label)), default=0)


def label_of(listed: Listed) -> Label:
    """The format that a mapping reads."""
    return labelled(listed.head.format, listed.head.settings)


def labelled(format_name: str, settings: Mapping[str, Any]) -> Label:
    """A format with its settings as one text."""
    if not settings:
        return format_name
    said = json.dumps(dict(settings), sort_keys=True).encode()
    return f"{format_name} {hashlib.sha256(said).hexdigest()[:8]}"


def has_envelope(mappings: Iterable[Listed]) -> bool:
    """Whether one of the mappings takes documents apart, which may be longer than a record."""
    return any(listed.head.records for listed in mappings)


def placed(found: Records, positions: Positions, end: int, label: Label) -> Records:
    """Records whose position is the number of their message, put where that message stood."""
    rejects = tuple(replace(reject, position=int(positions[reject.position])) for reject in found.rejects)
    places = pa.array(positions[np.asarray(found.position)] if len(found) else [], pa.int64())
    return replace(found, position=places, end=end, rejects=rejects, format=label)


def _from_start(stream: BinaryIO) -> AbstractContextManager[BinaryIO]:
    stream.seek(0)
    return nullcontext(stream)
