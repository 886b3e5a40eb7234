"""What the condition of an event rule says of the values of source paths: `id in (4624, 4625)` leaves two texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ocsf_pipe.detect.inverse import Lets, Search, backwards
from ocsf_pipe.detect.readings import Value
from ocsf_pipe.ops.types import TEXT
from ocsf_pipe.plan.nodes import Call, Const, LetRef, Node, Path
from ocsf_pipe.plan.passes.consumed import reads

Domain: TypeAlias = Mapping[Path, frozenset[str]]
_WIDEST = 5000


def domain_of(condition: Node, lets: Lets) -> Domain:
    """The only texts that each path has where the condition holds; paths that it leaves open are missing."""
    if isinstance(condition, LetRef) and condition.name in lets:
        return domain_of(lets[condition.name], lets)
    if not isinstance(condition, Call):
        return {}
    if condition.op == "and_":
        found: dict[Path, frozenset[str]] = {}
        for domain in (*(domain_of(arg, lets) for arg in condition.args), _between(condition.args, lets)):
            for path, texts in domain.items():
                found[path] = found.get(path, texts) & texts
        return found
    if condition.op == "or_":
        parts = [domain_of(arg, lets) for arg in condition.args]
        common = set(parts[0]).intersection(*parts[1:])
        return {path: frozenset().union(*(part[path] for part in parts)) for path in common}
    if condition.op in {"eq", "in_"}:
        return _one_of(condition, lets)
    return {}


def _between(args: Sequence[Node], lets: Lets) -> Domain:
    """The whole numbers between a lowest and a highest one that are asked for of the same path."""
    found: dict[Path, dict[str, int]] = {}
    for arg in args:
        if not isinstance(arg, Call) or arg.op not in {"ge", "le"} or not isinstance(arg.args[1], Const):
            continue
        path, number = _subject(arg.args[0], lets), arg.args[1].value
        if path is not None and isinstance(number, int):
            found.setdefault(path, {})[arg.op] = number
    return {
        path: frozenset(map(str, range(bounds["ge"], bounds["le"] + 1)))
        for path, bounds in found.items()
        if len(bounds) == 2 and bounds["le"] - bounds["ge"] < _WIDEST
    }


def _one_of(condition: Call, lets: Lets) -> Domain:
    subject, *values = condition.args
    path = _subject(subject, lets)
    if path is None or not all(isinstance(value, Const) for value in values):
        return {}
    return {path: frozenset(str(value.value) for value in values if isinstance(value, Const))}


def _subject(subject: Node, lets: Lets) -> Path | None:
    """The path whose text an expression is; None where it is not that of one."""
    paths = reads(subject, lets)
    if len(paths) != 1:
        return None
    (path,) = paths
    place = backwards(subject, Value(Const(None, TEXT)), Search(path, lets))
    return path if isinstance(place, Value) and not place.folded and not place.shared else None
