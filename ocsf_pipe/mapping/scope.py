"""What a name means where it stands: a variable, a let, a field of the element at hand, or a path of the record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ocsf_pipe.mapping.shapes import Trie
from ocsf_pipe.mapping.syntax import Side
from ocsf_pipe.plan.nodes import Node


@dataclass(frozen=True, slots=True)
class Handle:
    """A value that a path can go on from.

    `trie` is its place in the record, where it has one; `keys` are the keys still to be read where it is JSON.
    """

    node: Node
    trie: Trie | None = None
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """The names in force at one place of a mapping.

    `used` collects the names that something read, `macros` are lets that are spelled out where they are used.
    """

    record: Trie
    names: dict[str, Handle] = field(default_factory=dict)
    macros: dict[str, Side] = field(default_factory=dict)
    element: Handle | None = None
    used: set[str] = field(default_factory=set)
    depth: int = 0

    def bind(self, name: str | None, handle: Handle, at: tuple[str, Handle] | None = None) -> Scope:
        """The scope inside an `each`: its element is named, or else read by bare paths."""
        names = dict(self.names)
        if name is not None:
            names[name] = handle
        if at is not None:
            names[at[0]] = at[1]
        element = handle if name is None else self.element
        return replace(self, names=names, element=element, depth=self.depth + 1)
