"""What the condition of an event rule says of the values of source paths: `id in (4624, 4625)` leaves two texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from ocsf_pipe.detect.inverse import Lets, Search, backwards
from ocsf_pipe.detect.readings import Value
from ocsf_pipe.ops.types import TEXT
from ocsf_pipe.plan.nodes import Call, Const, LetRef, Node, Path
from ocsf_pipe.plan.passes.consumed import reads

Domain: TypeAlias = Mapping[Path, frozenset[str]]


def domain_of(condition: Node, lets: Lets) -> Domain:
    """The only texts that each path has where the condition holds; paths that it leaves open are missing."""
    if isinstance(condition, LetRef) and condition.name in lets:
        return domain_of(lets[condition.name], lets)
    if not isinstance(condition, Call):
        return {}
    if condition.op == "and_":
        found: dict[Path, frozenset[str]] = {}
        for arg in condition.args:
            for path, texts in domain_of(arg, lets).items():
                found[path] = found.get(path, texts) & texts
        return found
    if condition.op == "or_":
        parts = [domain_of(arg, lets) for arg in condition.args]
        common = set(parts[0]).intersection(*parts[1:])
        return {path: frozenset().union(*(part[path] for part in parts)) for path in common}
    if condition.op in {"eq", "in_"}:
        return _one_of(condition, lets)
    return {}


def _one_of(condition: Call, lets: Lets) -> Domain:
    subject, *values = condition.args
    paths = reads(subject, lets)
    if len(paths) != 1 or not all(isinstance(value, Const) for value in values):
        return {}
    (path,) = paths
    place = backwards(subject, Value(Const(None, TEXT)), Search(path, lets))
    if not isinstance(place, Value) or place.folded or place.shared:
        return {}
    return {path: frozenset(str(value.value) for value in values if isinstance(value, Const))}
