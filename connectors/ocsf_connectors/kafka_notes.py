"""What a Kafka source must know after a crash: where it began, which topics were made anew, what the cluster lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ocsf_pipe.source import Ledger


@dataclass(frozen=True, slots=True)
class Place:
    """A partition of a topic as this source names it.

    life: counts the topics of this name, from 1. cut: counts how often the log of the partition lost its end.
    """

    topic: str
    partition: int
    life: int = 1
    cut: int = 1

    def name(self, cluster: str) -> str:
        """Return the partition id: the same for the same log, another once its positions begin to mean others."""
        return f"{cluster}/{self.topic}{_tail(self.life)}/{self.partition}{_tail(self.cut)}"


def _tail(count: int) -> str:
    return f"~{count}" if count > 1 else ""


@dataclass(slots=True)
class Notes:
    """The durable notes of one source; what two workers write at once is decided by who is first.

    Every note is written before anything is read by it, and never changed.
    """

    ledger: Ledger
    cluster: str
    _seen: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    def life(self, topic: str, topic_id: str | None) -> int | None:
        """Return which topic of its name this is; None when it was never seen.

        A cluster that gives no ids shows one life only; an id that appears later is taken on by the latest life.
        """
        latest, note = self._latest(f"topic@{self.cluster}@{topic}")
        if not note or topic_id is None:
            return latest or None
        known = note["id"] or self._settled(f"topic-id@{self.cluster}@{topic}@{latest}", {"id": topic_id})["id"]
        if known == topic_id:
            return latest
        lives = (self._note(f"topic@{self.cluster}@{topic}@{life}") or {} for life in range(1, latest))
        return next((life for life, old in enumerate(lives, 1) if old.get("id") == topic_id), None)

    def seen_before(self, topic: str) -> bool:
        """Whether a topic of this name was ever read."""
        return self._latest(f"topic@{self.cluster}@{topic}")[0] > 0

    def begin(self, topic: str, topic_id: str | None, starts: Mapping[int, int]) -> int:
        """Note a topic's life with the first position of each partition that it has now; returns which life it is.

        Another worker's note stands where it was quicker.
        """
        note = {"id": topic_id, "starts": {str(number): start for number, start in starts.items()}}
        while True:
            life, latest = self._latest(f"topic@{self.cluster}@{topic}")
            if latest and (topic_id is None or latest["id"] in {None, topic_id}):
                return life
            self._settled(f"topic@{self.cluster}@{topic}@{life + 1}", note)

    def start(self, place: Place) -> int:
        """Return the first position to read of a partition that the lake knows nothing of."""
        if place.cut > 1:
            return int(self._cut(place)["start"])
        note = self._note(f"topic@{self.cluster}@{place.topic}@{place.life}") or {"starts": {}}
        return int(note["starts"].get(str(place.partition), 0))  # one that came later is read from its beginning

    def place(self, topic: str, partition: int, life: int) -> Place:
        """Return the place of a partition, with the cuts that its log has had."""
        cut = self._latest(self._cut_stem(Place(topic, partition, life)), first=2)[0]
        return Place(topic, partition, life, max(1, cut))

    def cut(self, place: Place, start: int) -> Place:
        """Note that a log ends before what was read of it; its positions go on under another id from `start`."""
        after = Place(place.topic, place.partition, place.life, place.cut + 1)
        self._settled(f"{self._cut_stem(after)}@{after.cut}", {"start": start})
        return after

    def gap(self, place: Place, position: int, end: int | None = None) -> int | None:
        """Return where a gap at a position ends as it was first noted; notes it where `end` is given and it is new."""
        name = f"gap@{place.name(self.cluster).replace('/', '@')}@{position}"
        note = self._note(name) if end is None else self._settled(name, {"end": end})
        return int(note["end"]) if note else None

    def refresh(self) -> None:
        """Forget what was not there, so that other workers' notes are found."""
        self._seen = {name: note for name, note in self._seen.items() if note is not None}

    def _cut_stem(self, place: Place) -> str:
        return f"cut@{self.cluster}@{place.topic}{_tail(place.life)}@{place.partition}"

    def _cut(self, place: Place) -> dict[str, Any]:
        return self._note(f"{self._cut_stem(place)}@{place.cut}") or {"start": 0}

    def _latest(self, stem: str, first: int = 1) -> tuple[int, dict[str, Any] | None]:
        count, note = first - 1, None
        while (following := self._note(f"{stem}@{count + 1}")) is not None:
            count, note = count + 1, following
        return (count, note) if count >= first else (0, None)

    def _note(self, name: str) -> dict[str, Any] | None:
        if name not in self._seen:
            data = self.ledger.get(name)
            self._seen[name] = json.loads(data) if data else None
        return self._seen[name]

    def _settled(self, name: str, note: dict[str, Any]) -> dict[str, Any]:
        if self._note(name) is None:
            self.ledger.put_new(name, json.dumps(note, sort_keys=True).encode())
            self._seen.pop(name, None)
        settled = self._note(name)
        return note if settled is None else settled
