"""`unmapped`: the raw record minus what its rule consumed, in the same pass.

A JSON merge patch takes the consumed keys out. The patch is a constant but for two things that differ by row: an
object of the mapping that is not there, or is no object in this record, must not be touched; and a value that did
not convert stays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ocsf_pipe.engine.sql import decoded_fields, json_path
from ocsf_pipe.ops.sql_text import name_text, text_literal
from ocsf_pipe.plan.nodes import Path, Shape


@dataclass(slots=True)
class _Keys:
    """The consumed keys of one object; a key without keys of its own is consumed whole."""

    below: dict[str, _Keys] = field(default_factory=dict)


def consumed_tree(paths: Sequence[Path]) -> _Keys:
    """The consumed paths as a tree; a path consumed whole swallows those below it."""
    root = _Keys()
    whole = set(paths)
    for path in paths:
        if any(path[:i] in whole for i in range(1, len(path))):
            continue
        at = root
        for key in path:
            at = at.below.setdefault(key, _Keys())
    return root


def unmapped_sql(paths: Sequence[Path], shape: Shape, kept: Mapping[Path, Sequence[str]]) -> str:
    """The SQL of what is left of `j`; `kept` names, for a path, the flags that put its value back."""
    tree = consumed_tree(paths)
    if not tree.below:
        return "j"
    pieces = _joined(_pieces(tree, (), shape, kept))
    patch = " || ".join([text_literal("{"), *pieces, text_literal("}")])
    left = f"json_merge_patch(j, {patch})::varchar"
    for keys in _emptied(tree):
        left = _without_empty(left, keys)
    return f"nullif({left}, '{{}}')"


def _pieces(tree: _Keys, path: Path, shape: Shape | None, kept: Mapping[Path, Sequence[str]]) -> list[str]:
    """SQL texts whose concatenation is the members of the patch, each with a comma behind it."""
    pieces: list[str] = []
    fields = dict(decoded_fields(shape)) if shape is not None else {}
    for key, below in sorted(tree.below.items()):
        at = (*path, key)
        name = json.dumps(key, ensure_ascii=False)
        if below.below:
            inner = _joined(_pieces(below, at, fields.get(key), kept))
            whole = " || ".join([text_literal(name + ":{"), *inner, text_literal("},")])
            pieces.append(f"(case when {_is_object(at, fields.get(key))} then {whole} else '' end)")
        elif kept.get(at):
            flags = " or ".join(kept[at])
            pieces.append(f"(case when {flags} then '' else {text_literal(name + ':null,')} end)")
        else:
            pieces.append(text_literal(name + ":null,"))
    return pieces


def _joined(pieces: list[str]) -> list[str]:
    """Neighbouring constants written as one."""
    found: list[str] = []
    for piece in pieces:
        if found and piece.startswith("'") and found[-1].startswith("'"):
            found[-1] = found[-1][:-1] + piece[1:]
        else:
            found.append(piece)
    return found


def _is_object(path: Path, shape: Shape | None) -> str:
    """Whether an object stands at `path`: surely where one of its parts was decoded, else the text is asked."""
    asked = f"json_type(j, {text_literal(json_path(path))}) = 'OBJECT'"
    if shape is None or shape.kind != "object":
        return asked
    place = "r." + ".".join(name_text(key) for key in path)
    parts = [f"{place}.{name_text(name)} is not null" for name, inner in decoded_fields(shape) if inner.kind == "text"]
    if not parts:
        return f"{place} is not null and {asked}"
    return f"{place} is not null and ({' or '.join(parts)} or {asked})"


def _emptied(tree: _Keys) -> list[list[str]]:
    """Keys of objects that may be left empty, deepest first."""
    levels: dict[int, set[str]] = {}
    pending = [(tree, 0)]
    while pending:
        keys, depth = pending.pop()
        for key, below in keys.below.items():
            if below.below:
                levels.setdefault(depth, set()).add(key)
                pending.append((below, depth + 1))
    return [sorted(levels[depth]) for depth in sorted(levels, reverse=True)]


def _without_empty(left: str, keys: list[str]) -> str:
    """`left` without members that are empty objects.

    Exact on JSON text: a quote inside a string is escaped, so `"key":{}` is always a member; keys that could follow
    a closing quote (`,` `:` `]` `}`) are left alone.
    """
    safe = [_regex_escape(json.dumps(key, ensure_ascii=False)) for key in keys if key and key[0] not in ",:]}"]
    if not safe:
        return left
    names = "|".join(safe)
    after = text_literal(f",(?:{names}):\\{{\\}}")
    first = text_literal(f"\\{{(?:{names}):\\{{\\}},?")
    return f"regexp_replace(regexp_replace({left}, {after}, '', 'g'), {first}, '{{', 'g')"


def _regex_escape(text: str) -> str:
    return "".join(c if c.isalnum() or c in '_"' or ord(c) > 127 else f"\\{c}" for c in text)
