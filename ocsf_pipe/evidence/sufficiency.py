"""Whether a detection sees enough: what the lake holds, what mappings could fill, what a switch would bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.detect.states import State
from ocsf_pipe.evidence.filled import Filled, Share
from ocsf_pipe.evidence.named import named_paths
from ocsf_pipe.evidence.switches import Switch, switches_beside
from ocsf_pipe.mapping.catalogue import Listed
from ocsf_pipe.schema import Schema, load

Group = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lack:
    """Attributes of which one is needed and none is there, how many events were asked, and what would bring one.

    `switches` are of sources that the lake has events of; `mappings` could fill it and have no event in the lake;
    `silent` have events in the lake, could fill it, and were not given it by the source.
    """

    paths: Group
    events: int
    needed: bool
    switches: tuple[Switch, ...] = ()
    silent: tuple[str, ...] = ()
    mappings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sufficiency:
    """One detection: its state, what it lacks, and the sources whose events it reads."""

    id: str
    title: str
    state: State
    lacks: tuple[Lack, ...]
    sources: tuple[str, ...]
    fault: str | None = None


@dataclass
class Judge:
    """Judges detections against one lake."""

    filled: Filled
    catalogue: Mapping[str, Listed]
    schema: Schema

    @staticmethod
    def of(filled: Filled, catalogue: Mapping[str, Listed]) -> Judge:
        """Return the judge of a lake, with the mappings that there are."""
        return Judge(filled, catalogue, load())

    def judge(self, rule: Rule) -> Sufficiency:
        """Say whether a rule is live, degraded or blind; one that says nothing of its needs goes by what it names."""
        if rule.fault is not None:
            return Sufficiency(rule.id, rule.title, "blind", (), (), rule.fault)
        needs, helps = self._groups(rule)
        lacks = [lack for group in needs if (lack := self._lack(group, needed=True)) is not None]
        lacks += [lack for group in helps if (lack := self._lack(group, needed=False)) is not None]
        tables = {path.partition(".")[0] for group in (*needs, *helps) for path in group}
        tables |= set(rule.query.reads) if rule.query is not None else set()
        sources = sorted({source for table in tables for source in self.sources.get(table, {})})
        state: State = "live" if not lacks else "degraded"
        if not sources or any(lack.needed for lack in lacks):
            state = "blind"
        return Sufficiency(rule.id, rule.title, state, tuple(lacks), tuple(sources))

    @cached_property
    def sources(self) -> dict[str, dict[str, int]]:
        """The number of events by table and source."""
        return self.filled.sources()

    @cached_property
    def switches(self) -> tuple[Switch, ...]:
        """The switches of all mappings."""
        return tuple(one for name, listed in self.catalogue.items() for one in switches_beside(name, listed.path))

    def _groups(self, rule: Rule) -> tuple[Sequence[Group], Sequence[Group]]:
        if rule.settings.needs or rule.settings.helps or rule.query is None:
            return rule.settings.needs, rule.settings.helps
        named = named_paths(rule.query, self.schema)
        return [tuple(f"{table}.time" for table in rule.query.reads)], [(path,) for path in named]

    def _lack(self, group: Group, *, needed: bool) -> Lack | None:
        shares = self.filled.count(group)
        if any(share.filled for path in group for share in shares[path]):
            return None
        asked: dict[str, list[Share]] = {path.partition(".")[0]: shares[path] for path in group}
        events = sum(share.events for found in asked.values() for share in found)
        here = {share.source for found in asked.values() for share in found}
        able = [name for name in self.catalogue if any(self._fills(name, path) for path in group)]
        switches = [one for one in self.switches if one.mapping in here and any(map(one.fills, group))]
        switched = {one.mapping for one in switches}
        return Lack(
            group,
            events,
            needed,
            tuple(switches),
            tuple(name for name in able if name in here and name not in switched),
            tuple(name for name in able if name not in here),
        )

    def _fills(self, name: str, path: str) -> bool:
        """Whether a mapping sets an attribute, something in it or something that it is in; only likely ones compile."""
        listed = self.catalogue[name]
        table, _, attribute = path.partition(".")
        text = listed.path.read_text("utf-8")
        if any(part not in text for part in (table, attribute.split(".")[0])):
            return False
        wanted = tuple(attribute.split("."))
        return any(
            assign.path[: len(wanted)] == wanted[: len(assign.path)]
            for route in listed.plan.routes
            if route.table == table
            for assign in (*route.assigns, *route.derived)
        )
