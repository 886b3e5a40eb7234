"""Which parts of a record a mapping reads, gathered while it is lowered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from ocsf_pipe.ops.types import Type
from ocsf_pipe.plan.nodes import Shape

Use = Literal["text", "json", "object", "list"]


@dataclass(slots=True)
class Trie:
    """One place in the record: how it is used, what lies below it, and what the author declared it to be."""

    uses: set[Use] = field(default_factory=set)
    children: dict[str, Trie] = field(default_factory=dict)
    element: Trie | None = None
    declared: Type | None = None
    in_list: bool = False
    touched: bool = False

    def child(self, name: str) -> Trie:
        """The place under a key; this place is then used as an object."""
        self.uses.add("object")
        found = self.children.setdefault(name, Trie(in_list=self.in_list))
        found.touched = True
        return found

    def item(self) -> Trie:
        """The place of every element; this place is then used as a list."""
        self.uses.add("list")
        if self.element is None:
            declared = self.declared.item if self.declared and self.declared.kind == "list" else None
            self.element = Trie(in_list=True)
            self.element.declare(declared)
        return self.element

    def declare(self, kind: Type | None) -> None:
        """Note what the author says of this place; the fields of a declared object are declared with it."""
        if kind is None:
            return
        self.declared = kind
        for name, inner in kind.fields:
            self.children.setdefault(name, Trie(in_list=self.in_list)).declare(inner)

    def at(self, path: Iterable[str]) -> Trie:
        """The place under these keys; it is made where nothing has named it yet."""
        place = self
        for name in path:
            place = place.children.setdefault(name, Trie(in_list=place.in_list))
        return place

    def is_used(self) -> bool:
        """Whether anything reads this place or one below it."""
        return bool(self.uses) or self.touched or any(child.is_used() for child in self.children.values())

    def clash(self, use: Use) -> Use | None:
        """The earlier use that cannot stand beside this one, if any.

        At the top of a record JSON can stand beside anything, for it is cut out of the record by itself; inside the
        elements of a list there is nothing to cut it out of.
        """
        others = sorted(self.uses - {use})
        if self.in_list:
            return others[0] if others else None
        if use == "json":
            return None
        return next((other for other in others if other != "json"), None)

    def shape(self) -> Shape:
        """What is to be decoded here: the most structured use wins; JSON beside it is cut out of the record."""
        if "list" in self.uses and self.element is not None:
            kind: Use = "text" if self.declared is not None else "list"
            return Shape(kind, item=self.element.shape())
        if "object" in self.uses:
            used = ((name, child) for name, child in sorted(self.children.items()) if child.touched)
            return Shape("object", fields=tuple((name, child.shape()) for name, child in used))
        return Shape("json" if self.uses == {"json"} else "text")

    def is_free(self) -> bool:
        """Whether the text of this place can be read beside any other use: it is cut out of the record."""
        return not self.in_list
