"""How much a mapping file may be: its size, how deep it nests, what its aliases unfold to.

A file of a few hundred bytes can name another part of itself over and over and so stand for billions of nodes; the
bounds here are met before anything walks the file. The largest shipped mapping is a tenth of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

MAX_CHARACTERS = 1 << 20
MAX_DEPTH = 50
MAX_NODES = 200_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Excess:
    """What is too much, where it is first seen, and what to do."""

    what: str
    mark: Any  # yaml.Mark: the C reader has a class of its own
    remedy: str


def too_much(source: str) -> Excess | None:
    """Whether a text is too long or nests too deep; raises what YAML's scanner raises for a text that is none."""
    if len(source) > MAX_CHARACTERS:
        what = f"the file has {len(source)} characters; a mapping has at most {MAX_CHARACTERS}"
        return Excess(what, None, "split it into mappings of one product each")
    depth = 0
    for event in yaml.parse(source, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            return Excess(
                f"this is nested more than {MAX_DEPTH} deep", event.start_mark, "name parts of it under `let`"
            )
    return None


def too_many_nodes(root: yaml.Node) -> Excess | None:
    """Whether the document, its aliases unfolded, is too large or holds itself."""
    sizes: dict[int, int] = {}
    open_: set[int] = set()
    pending = [root]
    while pending:
        node = pending[-1]
        if id(node) in sizes:
            pending.pop()
            continue
        inner = _inner(node)
        waiting = [part for part in inner if id(part) not in sizes]
        if id(node) in open_ and any(id(part) in open_ for part in waiting):
            return Excess("an alias stands inside what it names", node.start_mark, "write the part out")
        if waiting:
            open_.add(id(node))
            pending.extend(waiting)
            continue
        sizes[id(node)] = 1 + sum(sizes[id(part)] for part in inner)
        open_.discard(id(node))
        if sizes[id(node)] > MAX_NODES:
            what = f"the aliases here unfold to more than {MAX_NODES} values"
            return Excess(what, node.start_mark, "write the parts out, or name them under `let`")
    return None


def _inner(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
