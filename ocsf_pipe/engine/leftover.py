"""`unmapped` in plain Python: what `unmapped.py` has to agree with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ocsf_pipe.decode import json_text
from ocsf_pipe.engine.unmapped import Keys, consumed_tree, inner_keys
from ocsf_pipe.plan.nodes import Path


def leftover(
    whole: Any, text: str, paths: Sequence[Path], kept: Mapping[Path, bool], trees: Sequence[Keys]
) -> str | None:
    """The JSON text of the record without its consumed paths, but for those that are `kept`; None for nothing.

    `trees` are those of all rules: objects that one of them takes from are left out where they are left empty.
    """
    tree = consumed_tree(paths)
    if tree.below and not isinstance(whole, dict):
        return None
    rest = _without(whole, tree, (), kept) if tree.below else whole
    tidy = _tidy(rest, [pair for one in trees for pair in _everywhere(one)])
    if not tree.below and tidy == whole:
        return text
    return json_text.dumps(tidy) if tidy != {} else None


def _without(value: dict[str, Any], tree: Keys, path: Path, kept: Mapping[Path, bool]) -> dict[str, Any]:
    left: dict[str, Any] = {}
    for key, inner in value.items():
        below = tree.below.get(key)
        at = (*path, key)
        if below is None or (not below.below and kept.get(at)):
            left[key] = inner
        elif below.below:
            left[key] = _without(inner, below, at, kept) if isinstance(inner, dict) else inner
    return left


def _everywhere(tree: Keys) -> list[tuple[str, Keys]]:
    return [pair for key, below in inner_keys(tree) for pair in [(key, below), *_everywhere(below)]]


def _empty(value: Any, tree: Keys) -> bool:
    """Whether an object holds nothing but objects that `tree` takes from and that are empty themselves."""
    names = dict(inner_keys(tree))
    return isinstance(value, dict) and all(key in names and _empty(inner, names[key]) for key, inner in value.items())


def _tidy(value: Any, taken: Sequence[tuple[str, Keys]]) -> Any:
    if isinstance(value, list):
        return [_tidy(item, taken) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {k: v for k, v in value.items() if not any(k == key and _empty(v, below) for key, below in taken)}
    return {key: _tidy(inner, taken) for key, inner in kept.items()}
