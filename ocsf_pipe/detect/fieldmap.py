"""The field map: mappings read backwards. Which events serve a Sigma logsource, where each Sigma field stands there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ocsf_pipe.detect.columns import attributes
from ocsf_pipe.detect.domains import Domain, domain_of
from ocsf_pipe.detect.inverse import Search, backwards
from ocsf_pipe.detect.joins import joined
from ocsf_pipe.detect.readings import Inside, Keys, Named, Place, Reading, Value
from ocsf_pipe.detect.tree import And, Exists, Leaf, Null, Or, Tree, mapped
from ocsf_pipe.ops.types import TEXT
from ocsf_pipe.plan.nodes import Assign, Attr, Call, Const, Node, Path, Plan, Route, Shape, SigmaRoute

_NO_FIELDS = frozenset({"RenderingInfo", "Other"})
_MESSAGE = ("RenderingInfo", "Message")
_RAW_JSON = frozenset({"json", "zeek"})


@dataclass(frozen=True, slots=True)
class Segment:
    """The events of one rule of one mapping that serve a logsource.

    `telling` is what tells them from the others of their table: places with the texts that they may hold, `constant`
    attributes with their value, `foreign` the texts that those of earlier rules hold. `beside` are all rules of the
    mapping that fill the table. `twins` are further rules of the logsource whose events nothing tells from these.
    """

    plan: Plan = field(hash=False, repr=False, compare=False)
    route: Route = field(hash=False, repr=False, compare=False)
    sigma: SigmaRoute = field(hash=False, repr=False)
    mapping: str
    name: str
    telling: tuple[tuple[Reading, tuple[str, ...]], ...] = ()
    constant: tuple[tuple[Path, str | float], ...] = ()
    foreign: tuple[tuple[Reading, tuple[str, ...]], ...] = ()
    not_fanned: tuple[str, ...] = ()
    beside: frozenset[str] = frozenset()
    twins: tuple[Route, ...] = field(default=(), hash=False, repr=False, compare=False)

    @property
    def table(self) -> str:
        """The table of the events."""
        return self.route.table


class FieldMap:
    """The field map of some mappings; what it finds out, it keeps."""

    def __init__(self, plans: Iterable[Plan]) -> None:
        """Take the compiled mappings; those without `sigma:` serve nothing."""
        self.plans = tuple(plan for plan in plans if plan.sigma)
        self.mappings = {plan.mapping: _Mapping(plan) for plan in self.plans}
        self._segments: dict[tuple[tuple[str, str], ...], tuple[Segment, ...]] = {}
        self._readings: dict[tuple[str, str, tuple[tuple[str, str], ...], str], Reading] = {}

    def segments(self, logsource: Sequence[tuple[str, str]]) -> tuple[Segment, ...]:
        """The events that serve a rule's logsource; none where no mapping does."""
        key = tuple(sorted(logsource))
        if key not in self._segments:
            found = [segment for one in self.mappings.values() for segment in one.segments(dict(key))]
            self._segments[key] = tuple(with_twins(found))
        return self._segments[key]

    def reading(self, segment: Segment, name: str) -> Reading:
        """Where a Sigma field stands in the events of the segment."""
        key = (
            segment.mapping,
            "+".join(r.name for r in (segment.route, *segment.twins)),
            segment.sigma.logsource,
            name,
        )
        if key not in self._readings:
            mapping = self.mappings[segment.mapping]
            routes = (segment.route, *segment.twins)
            self._readings[key] = together([mapping.reading(route, segment.sigma, name) for route in routes])
        return self._readings[key]

    def spelled(self, segment: Segment, tree: Tree) -> Tree:
        """The condition with every field that stands in several places asked for in each of them."""
        several = dict(segment.sigma.several)
        return mapped(tree, lambda leaf: _in_each(leaf, several.get(leaf.field or "", ()))) if several else tree

    def domain(self, segment: Segment, reading: Reading) -> frozenset[str] | None:
        """The only texts that a source path can have in the events of the segment; None where nothing says so."""
        return self.mappings[segment.mapping].domains[segment.name].get(reading.source)


class _Mapping:
    """One mapping read backwards."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.lets = dict(plan.lets)
        self.known = dict(_paths(plan.shape, ()))

    @cached_property
    def domains(self) -> Mapping[str, Domain]:
        return {
            route.name: domain_of(route.when, self.lets) if route.when is not None else {} for route in self.plan.routes
        }

    def segments(self, wanted: Mapping[str, str]) -> Iterator[Segment]:
        serving = [one for one in self.plan.sigma if wanted.items() <= dict(one.logsource).items()]
        listed: dict[str, dict[Node | None, SigmaRoute]] = {}
        for one in serving:
            for name in one.events:
                listed.setdefault(name, {}).setdefault(one.where, one)
        for route in self.plan.routes:
            found = listed.get(route.name, {})
            for one in (found[None],) if None in found else found.values():
                yield self._segment(route, one, set(listed))

    def _segment(self, route: Route, sigma: SigmaRoute, listed: set[str]) -> Segment:
        beside = [other for other in self.plan.routes if other.table == route.table and other.name not in listed]
        main = [other.name for other in self.plan.routes if other.table == route.table and not other.also]
        bare = Segment(self.plan, route, sigma, self.plan.mapping, route.name)
        fanned = tuple(f"#{other.name}" for other in beside if other.also or other.for_each)
        telling = []
        for path, texts in self.domains[route.name].items():
            reading = self.of_path(route, path)
            if reading.state == "live":
                telling.append((reading, tuple(sorted(texts))))
        constant = tuple(
            (assign.path, assign.value.value)
            for assign in route.assigns
            if assign.path == ("activity_id",) and isinstance(assign.value, Const) and assign.value.value is not None
        )
        return replace(
            bare,
            telling=tuple(telling),
            constant=constant,
            foreign=tuple(self._foreign(route)),
            not_fanned=fanned,
            beside=frozenset(main),
        )

    def _foreign(self, route: Route) -> Iterator[tuple[Reading, tuple[str, ...]]]:
        """What rules above this one take away from it: texts of paths that its own condition leaves open."""
        texts: dict[Path, set[str]] = {}
        for other in self.plan.routes[: [one.name for one in self.plan.routes].index(route.name)]:
            if other.table == route.table and not other.also and not route.also:
                for path, found in self.domains[other.name].items():
                    texts.setdefault(path, set()).update(found)
        for path, gone in texts.items():
            reading = self.of_path(route, path)
            if path not in self.domains[route.name] and reading.state == "live":
                yield reading, tuple(sorted(gone))

    # ------------------------------------------------------------------ fields

    def reading(self, route: Route, sigma: SigmaRoute, name: str) -> Reading:
        for joined_name, node in sigma.joins:
            if joined_name == name and {one.path for one in attributes(node)} <= {a.path for a in route.assigns}:
                paths = self.paths(sigma, name)
                rest = self.of_path(route, paths[0], paths[1:])
                raw = tuple(place for place in rest.places if not isinstance(place, Value | Keys))
                return Reading(paths[0], (Value(node, folded=True, lost=("",), partial=True), *raw))
        first, *others = self.paths(sigma, name)
        found = self.of_path(route, first, others)
        alike = [path for path in self._spellings.get(_spelled(first), ()) if path not in {first, *others}]
        if alike and any(isinstance(place, Value | Keys) and place.shared for place in found.places):
            return self.of_path(route, first, (*others, *alike))  # one field, as several shippers write its name
        return found

    @cached_property
    def _spellings(self) -> Mapping[str, Sequence[Path]]:
        found: dict[str, list[Path]] = defaultdict(list)
        for path in self.known:
            found[_spelled(path)].append(path)
        return found

    def paths(self, sigma: SigmaRoute, name: str) -> tuple[Path, ...]:
        """The source paths that a Sigma field may be: the one it is called by, then others of the same last part."""
        declared = dict(sigma.fields).get(name)
        if declared:
            return (declared,)
        whole = tuple(name.split("."))
        if whole in self.known:
            return (whole,)
        below = (*sigma.under, name)
        alike = [path for path in self.known if path[-1] == name and path[0] not in _NO_FIELDS]
        if below in self.known:
            return (below, *(path for path in alike if path != below and path[0] != "System"))
        if len(whole) == 1 and alike:
            return tuple(alike) if sigma.under else (alike[0],)
        return (below,) if sigma.under and len(whole) == 1 else (whole,)

    def of_path(self, route: Route, path: Path, others: Sequence[Path] = ()) -> Reading:
        """Where a source path stands; `others` are paths that mean the same."""
        places = [*self._attributes(route, path, others), *self._documents(route, (path, *others))]
        why = "" if places else f"no event tells what the record has in `{'.'.join(path)}`"
        return Reading(path, tuple(places), why)

    def _attributes(self, route: Route, path: Path, others: Sequence[Path]) -> Iterator[Place]:
        search = Search(path, {**self.lets, **dict(route.locals)}, also=frozenset(others))
        found: list[tuple[tuple[int, ...], Place, bool]] = []
        for assign in route.assigns:
            if not any(_reads(source, search) for source in assign.sources):
                continue
            place = backwards(assign.value, Value(_text(assign)), replace(search, sibling=_sibling(assign, route)))
            if isinstance(place, Value) and place.masks:
                masks = (Const(mask, TEXT) for mask in place.masks)
                place = replace(place, node=Call("nullif", (place.node, *masks), TEXT), partial=True)
            if place is not None:
                found.append((_rank(place, assign), place, assign.failed is not None))
        if found:
            _, place, kept = min(found, key=lambda one: one[0])
            if _is_whole(place):
                yield from self._kept(place, path) if kept else (place,)
                return
        together = joined(route.assigns, search)
        if together is not None:
            yield together
        elif found:
            yield from self._kept(min(found, key=lambda one: one[0])[1], path)

    def _kept(self, place: Place, path: Path) -> Iterator[Place]:
        """A value that did not convert stands in `unmapped`."""
        yield replace(place, partial=True) if isinstance(place, Value | Keys) else place
        yield Inside("unmapped", path, lists=False)

    def _documents(self, route: Route, paths: Sequence[Path]) -> Iterator[Place]:
        windows = self.plan.format == "windows_event"
        gone = [path for path in paths if route.also or _is_consumed(path, route)]
        for path in paths:
            if path not in gone:
                yield Inside("unmapped", path, lists=not windows)
        if not gone:  # what no value consumes is in `unmapped` or was never there
            return
        if windows and any(path[0] in {"EventData", "UserData"} or path == _MESSAGE for path in paths):
            yield Named(paths[0][-1])
        elif self.plan.format in _RAW_JSON:
            yield from (Inside("raw", path, lists=True) for path in paths)


def _in_each(leaf: Leaf, paths: Sequence[Path]) -> Tree:
    """The test of a field that stands at any of some paths; that it is not there asks all of them."""
    if not paths:
        return leaf
    parts = tuple(replace(leaf, field=".".join(path)) for path in paths)
    missing = isinstance(leaf.test, Null) or (isinstance(leaf.test, Exists) and not leaf.test.there)
    return And(parts) if missing else Or(parts)


def _spelled(path: Path) -> str:
    """A path without what shippers change in it: letter case, and whether its parts are keys of one another."""
    return ".".join(path).lower().replace("_", ".")


def _is_consumed(path: Path, route: Route) -> bool:
    return any(path[: len(consumed)] == consumed for consumed in route.consumed)


def with_twins(segments: Sequence[Segment]) -> list[Segment]:
    """The segments, each with the rules whose events nothing tells from its own."""
    alike: dict[tuple[object, ...], list[Segment]] = {}
    for one in segments:
        told = (one.telling, one.constant, one.foreign, one.sigma.where)
        alike.setdefault((one.mapping, one.table, *told), []).append(one)
    return [
        replace(one, twins=tuple(other.route for other in same if other is not one))
        for same in alike.values()
        for one in same
    ]


def together(readings: Sequence[Reading]) -> Reading:
    """One reading for events of several rules: every place that one of them has, attributes before documents."""
    places = list(dict.fromkeys(place for reading in readings for place in reading.places))
    if len(readings) == 1 or all(list(reading.places) == places for reading in readings):
        return readings[0]
    typed = [replace(place, partial=True) for place in places if isinstance(place, Value | Keys)]
    documents = [place for place in places if not isinstance(place, Value | Keys)]
    documents.sort(key=lambda place: isinstance(place, Named) or place.document == "raw")
    return replace(readings[0], places=(*dict.fromkeys(typed), *documents))


def _reads(source: Path, search: Search) -> bool:
    paths = (search.path, *search.also)
    return any(path[: len(source)] == source for path in paths)


def _text(assign: Assign) -> Attr | Call:
    return Attr(assign.path, assign.type)


def _sibling(assign: Assign, route: Route) -> Attr | None:
    """The attribute that holds the source's own word where an enum's id is 99."""
    last = assign.path[-1]
    name = "activity_name" if last == "activity_id" else last.removesuffix("_id")
    path = (*assign.path[:-1], name)
    return Attr(path, TEXT) if any(other.path == path for other in route.assigns) else None


def _rank(place: Place, assign: Assign) -> tuple[int, ...]:
    """The smaller, the better: what is exact before what is not, what is simple before what is not."""
    if isinstance(place, Value | Keys):
        inexact = (place.shared, place.partial, isinstance(place, Keys), place.folded)
        return (*map(int, inexact), len(place.lost), len(assign.path))
    return (0, 0, 0, 0, 0, len(assign.path))


def _is_whole(place: Place) -> bool:
    return not isinstance(place, Value | Keys) or not (place.shared or place.partial)


def _paths(shape: Shape, above: Path) -> Iterator[tuple[Path, str]]:
    for name, inner in shape.fields:
        path = (*above, name)
        if inner.kind == "object":
            yield from _paths(inner, path)
        yield path, inner.kind


__all__ = ["FieldMap", "Named", "Segment"]
