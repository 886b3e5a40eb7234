"""`unmapped` in plain Python: what `unmapped.py` has to agree with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocsf_pipe.decode import json_text
from ocsf_pipe.decode.json_text import Object
from ocsf_pipe.engine.once import once_for_each
from ocsf_pipe.engine.unmapped import Keys, consumed_tree, inner_keys
from ocsf_pipe.plan.nodes import Path, Route


@dataclass(frozen=True, slots=True)
class Taken:
    """What the rules of a plan consume, worked out once: a tree by rule; by key, the objects that any takes from."""

    trees: Mapping[str, Keys]
    objects: Mapping[str, Sequence[Keys]]


@once_for_each
def taken_by(routes: Sequence[Route]) -> Taken:
    """What the rules of a plan consume; an `also` rule consumes nothing."""
    trees = {route.name: consumed_tree(route.consumed) for route in routes}
    objects: dict[str, list[Keys]] = {}
    for tree in (trees[route.name] for route in routes if not route.also):
        for key, below in _everywhere(tree):
            objects.setdefault(key, []).append(below)
    return Taken(trees, objects)


def leftover(whole: Any, text: str, rule: str, kept: Mapping[Path, bool], taken: Taken) -> str | None:
    """The JSON text of the record without what the rule consumed, but for what is `kept`; None for nothing.

    Objects that any rule takes from are left out where they are left empty.
    """
    tidy = rest_of(whole, rule, kept, taken)
    if not taken.trees[rule].below and tidy == whole:
        return text
    return json_text.dumps(tidy) if tidy != {} else None


def rest_of(whole: Any, rule: str, kept: Mapping[Path, bool], taken: Taken) -> Any:
    """The record without what the rule consumed, as a value; its keys and scalars are those of `whole`."""
    tree = taken.trees[rule]
    return _tidy(_without(whole, tree, (), kept) if tree.below else whole, taken.objects)


def tidied(value: Any, taken: Taken) -> Any:
    """A value without the objects that any rule takes from and that are empty."""
    return _tidy(value, taken.objects)


def _without(value: dict[str, Any], tree: Keys, path: Path, kept: Mapping[Path, bool]) -> dict[str, Any]:
    """An object without what was consumed of it; of a key that came twice all are consumed, or all stay.

    Of an object whose parts are consumed only the first of that name stays, as a merge patch has it.
    """
    left: list[tuple[str, Any]] = []
    for key, inner in _pairs(value):
        below = tree.below.get(key)
        at = (*path, key)
        if below is None or (not below.below and kept.get(at)) or (below.below and not isinstance(value[key], dict)):
            left.append((key, inner))
        elif below.below and inner is value[key]:
            left.append((key, _without(inner, below, at, kept)))
    return _object(left)


def _pairs(value: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    return value.pairs if isinstance(value, Object) else value.items()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else Object(pairs)


def _everywhere(tree: Keys) -> list[tuple[str, Keys]]:
    return [pair for key, below in inner_keys(tree) for pair in [(key, below), *_everywhere(below)]]


def _empty(value: Any, tree: Keys) -> bool:
    """Whether an object holds nothing but objects that `tree` takes from and that are empty themselves."""
    names = dict(inner_keys(tree))
    pairs = _pairs(value) if isinstance(value, dict) else [("", None)]
    return all(key in names and _empty(inner, names[key]) for key, inner in pairs)


def _tidy(value: Any, taken: Mapping[str, Sequence[Keys]]) -> Any:
    if isinstance(value, list):
        return [_tidy(item, taken) for item in value]
    if not isinstance(value, dict):
        return value
    kept = [(k, v) for k, v in _pairs(value) if not any(_empty(v, below) for below in taken.get(k, ()))]
    return _object([(key, _tidy(inner, taken)) for key, inner in kept])
