"""Whether an attribute or a condition is given the text of content: what stands there is its token.

Only what the compiler can follow is complained about: paths, lets, elements of lists. That nothing else comes through
is not this check's doing: an engine is never given the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from ocsf_pipe.errors import Span
from ocsf_pipe.mapping.context import Context
from ocsf_pipe.plan.nodes import Call, Content, Each, Get, LetRef, Node, Path, Plan, Read, Route, Var
from ocsf_pipe.plan.passes.consumed import children

_STRUCTURE = re.compile(r"is_null|is_not_null|parse_json|to_json|json_\w+|entries|list_\w+|map_get")
"""Ops that ask whether it is there, or that read what is kept of its structure."""
_HINT = "map a part that is kept, or a JSON attribute; `content_list` tells of the text"

Named = Mapping[str, Node]


def complain_of_sealed(context: Context, plan: Plan) -> None:
    """Complain of every attribute that is no JSON, and every op on text, that is given content."""
    if not plan.content:
        return
    for route in plan.routes:
        named = {**dict(plan.lets), **dict(route.locals), **dict([route.for_each] if route.for_each else [])}
        for assign in route.assigns:
            if assign.span is not None and assign.type.kind != "json":
                _complain(context, plan, assign.value, named, assign.span)
        for condition in _conditions(route):
            if route.span is not None:
                _complain(context, plan, condition, named, route.span)


def _conditions(route: Route) -> Iterator[Node]:
    if route.when is not None:
        yield route.when


def _complain(context: Context, plan: Plan, value: Node, named: Named, span: Span) -> None:
    for path in sorted(set(_texts(value, named, {}))):
        if any(_covers(one, path) for one in plan.content):
            text = ".".join(path).replace(".*", "[*]")
            context.complain("M601", f"`{text}` is content: its text is sealed before it is mapped", span, _HINT)


def _texts(value: Node, named: Named, bound: Mapping[str, Path]) -> Iterator[Path]:
    """The paths that a value reads as something that is no JSON."""
    path = _path(value, named, bound)
    if path is not None:
        if value.type.kind in {"text", "integer", "float", "timestamp", "ip", "boolean"}:
            yield path
    elif isinstance(value, Call) and _STRUCTURE.fullmatch(value.op):
        return
    elif isinstance(value, Each):
        items = _path(value.items, named, bound)
        inner = {**bound, value.name: (*items, "*")} if items is not None else bound
        for part in (value.value, value.where):
            if part is not None:
                yield from _texts(part, named, inner)
    elif isinstance(value, LetRef | Var):
        if value.name in named:
            yield from _texts(named[value.name], {k: v for k, v in named.items() if k != value.name}, bound)
    else:
        for part in children(value):
            if part.type.kind != "json":
                yield from _texts(part, named, bound)


def _path(value: Node, named: Named, bound: Mapping[str, Path]) -> Path | None:
    """The source path that a node is; None where it computes something."""
    if isinstance(value, Read):
        return tuple(str(step) for step in value.steps) or None
    if isinstance(value, Var) and value.name in bound:
        return bound[value.name]
    if isinstance(value, Var | LetRef) and value.name in named:
        found = _path(named[value.name], named, bound)
        return (*found, "*") if found and isinstance(value, Var) else found
    if isinstance(value, Get):
        of = _path(value.of, named, bound)
        return None if of is None else (*of, value.name)
    return None


def _covers(content: Content, path: Path) -> bool:
    """Whether what stands at a path is sealed as text: at or below content, unless it is kept, or leads to what is."""
    keys = tuple(step for step in path if step != "*" and not step.isdigit())
    depth = len(content.path)
    if len(keys) < depth or not _alike(content.path, keys[:depth]):
        return False
    below = keys[depth:]
    return not any(_alike(kept[: len(below)], below[: len(kept)]) for kept in content.keep)


def _alike(patterns: Iterable[str], keys: Iterable[str]) -> bool:
    pairs = zip(patterns, keys, strict=False)
    return all(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), key, re.DOTALL) for pattern, key in pairs)
