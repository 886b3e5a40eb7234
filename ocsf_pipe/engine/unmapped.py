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

_FEW = 8
"""Parts of an object that are looked at before its text is asked: each stands in the patch of every rule."""


@dataclass(slots=True)
class Keys:
    """The consumed keys of one object; a key without keys of its own is consumed whole."""

    below: dict[str, Keys] = field(default_factory=dict)


def consumed_tree(paths: Sequence[Path]) -> Keys:
    """The consumed paths as a tree; a path consumed whole swallows those below it."""
    root = Keys()
    whole = set(paths)
    for path in paths:
        if any(path[:i] in whole for i in range(1, len(path))):
            continue
        at = root
        for key in path:
            at = at.below.setdefault(key, Keys())
    return root


def is_leaf(tree: Keys, path: Path) -> bool:
    """Whether a path is consumed whole by itself, not with what is around it."""
    at = tree
    for key in path:
        if key not in at.below:
            return False
        at = at.below[key]
    return not at.below


def leftover_sql(paths: Sequence[Path], shape: Shape, kept: Mapping[Path, Sequence[str]]) -> str:
    """The SQL of `j` without `paths`; `kept` names, for a path, the flags that put its value back."""
    tree = consumed_tree(paths)
    if not tree.below:
        return "j"
    exact = _patched(_pieces(tree, (), shape, kept))
    quick = _quick(tree, (), shape)
    if quick is None:
        return exact
    pieces, tests = quick
    flags = sorted({flag for found in kept.values() for flag in found})
    doubts = " or ".join([*flags, "odd", *(f"not ({test})" for test in tests)])
    return f"(case when {doubts} then {exact} else {_patched(pieces)} end)"


def _patched(pieces: Sequence[str]) -> str:
    patch = " || ".join([text_literal("{"), *_joined(list(pieces)), text_literal("}")])
    return f"json_merge_patch(j, {patch})::varchar"


def _quick(tree: Keys, path: Path, shape: Shape | None) -> tuple[list[str], list[str]] | None:
    """The patch of a record without oddities, and the tests that it has none; None where that cannot be told.

    Nearly every record: nothing failed, and whatever stands where an object is expected is one, for a part of it was
    decoded. Its patch differs by the objects that are not there, and by nothing else.
    """
    pieces: list[str] = []
    tests: list[str] = []
    fields = dict(decoded_fields(shape)) if shape is not None else {}
    for key, below in sorted(tree.below.items()):
        name = json.dumps(key, ensure_ascii=False)
        inner = fields.get(key)
        if not below.below:
            pieces.append(text_literal(name + ":null,"))
        elif inner is not None:  # an object that is not decoded is not there: `odd` has seen to that
            found = _quick(below, (*path, key), inner)
            if found is None or inner.kind != "object" or not decoded_fields(inner):
                return None
            place = "r." + ".".join(name_text(step) for step in (*path, key))
            parts = " or ".join(f"{place}.{name_text(part)} is not null" for part, _ in decoded_fields(inner)[:_FEW])
            whole = " || ".join([text_literal(name + ":{"), *_joined(found[0]), text_literal("},")])
            pieces.append(f"(case when {place} is not null then {whole} else '' end)")
            tests += [f"{place} is null or {parts}", *found[1]]
    return pieces, tests


def tidy_sql(column: str, trees: Sequence[Keys]) -> str:
    """The SQL of `column` without objects that the patches left empty; null where nothing is left.

    Exact on JSON text: a quote inside a string is escaped, so `"key":{}` is always a member of an object.
    """
    empty = "|".join(dict.fromkeys(pattern for tree in trees for pattern in _empty_patterns(tree)))
    if not empty:
        return f"nullif({column}, '{{}}')"
    after, first = text_literal(f",(?:{empty})"), text_literal(f"\\{{(?:{empty}),?")
    rest = f"regexp_replace(regexp_replace({column}, {after}, '', 'g'), {first}, '{{', 'g')"
    found = f"regexp_matches({column}, {text_literal(empty)})"
    return f"nullif(case when {found} then {rest} else {column} end, '{{}}')"


def _empty_patterns(tree: Keys) -> list[str]:
    """For every object that was taken from, the pattern of its being empty but for others that are."""
    patterns = []
    for key, below in inner_keys(tree):
        inside = _empty_patterns(below)
        nested = f"(?:(?:{'|'.join(inside)}),?)*" if inside else ""
        patterns += [f"{_regex_escape(json.dumps(key, ensure_ascii=False))}:\\{{{nested}\\}}", *inside]
    return patterns


def inner_keys(tree: Keys) -> list[tuple[str, Keys]]:
    """The objects that were taken from; a key that could follow a closing quote (`,` `:` `]` `}`) is left alone."""
    return [(key, below) for key, below in sorted(tree.below.items()) if below.below and key and key[0] not in ",:]}"]


def _pieces(tree: Keys, path: Path, shape: Shape | None, kept: Mapping[Path, Sequence[str]]) -> list[str]:
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
    if shape is None:
        return f"(odd and {asked})"
    if shape.kind != "object":
        return asked
    place = "r." + ".".join(name_text(key) for key in path)
    # a part of any kind can only come out of an object; a few of them settle nearly every record
    parts = [f"{place}.{name_text(name)} is not null" for name, _ in decoded_fields(shape)][:_FEW]
    return f"{place} is not null and ({' or '.join([*parts, asked])})"


def undecoded_keys(tree: Keys, shape: Shape | None) -> list[str]:
    """The objects that are taken from and of which nothing is decoded, outermost only."""
    fields = dict(decoded_fields(shape)) if shape is not None else {}
    keys: list[str] = []
    for key, below in tree.below.items():
        if below.below:
            keys += undecoded_keys(below, fields[key]) if key in fields else [key]
    return keys


def odd_sql(keys: Sequence[str]) -> str:
    """Whether the text of a record can have one of these keys at all, plain or escaped: one look for all of them."""
    if not keys:
        return "false"
    names = "|".join(sorted({_regex_escape(json.dumps(key, ensure_ascii=False)) for key in keys}))
    names = names.replace("\\/", "\\\\?/")  # a slash may be written with a backslash before it
    return f"coalesce(regexp_matches(j, {text_literal(names + chr(124) + chr(92) * 2 + 'u')}), false)"


def _regex_escape(text: str) -> str:
    return "".join(c if c.isalnum() or c in '_"' or ord(c) > 127 else f"\\{c}" for c in text)
