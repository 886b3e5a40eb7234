"""What a rule asks for, as frozen values: conditions whose leaves test one field each. Knows no mapping and no SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from ocsf_pipe.carried import Carried


@dataclass(frozen=True, slots=True)
class Pattern(Carried):
    """A text with wildcards: `*` any characters, `?` exactly one; `parts` are literals (never empty) and these two.

    A wildcard is `Wild`, everything else is literal. Letter case is ignored unless `cased`.
    """

    parts: tuple[str | Wild, ...]
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Wild(Carried):
    """A wildcard: `many` for `*`, else `?`."""

    many: bool = True


@dataclass(frozen=True, slots=True)
class Regex(Carried):
    """A regular expression that is searched for; `flags` are some of `ims`."""

    text: str
    flags: str = ""


@dataclass(frozen=True, slots=True)
class Cidr(Carried):
    """An address in a network."""

    network: str


@dataclass(frozen=True, slots=True)
class Compare(Carried):
    """A number compared with a number; a value that is no number satisfies nothing."""

    sign: Literal["<", "<=", ">", ">=", "<>"]
    number: int | float


@dataclass(frozen=True, slots=True)
class Number(Carried):
    """A number: the text of it, or another spelling of the same number."""

    number: int | float


@dataclass(frozen=True, slots=True)
class Null(Carried):
    """The field is not there, or null."""


@dataclass(frozen=True, slots=True)
class Exists(Carried):
    """The field is there, whatever it holds; `there` false: it is not."""

    there: bool


@dataclass(frozen=True, slots=True)
class FieldRef(Carried):
    """The same text as another field, ignoring case; `starts` and `ends` leave something free after or before it."""

    field: str
    starts: bool = False
    ends: bool = False


@dataclass(frozen=True, slots=True)
class TimePart(Carried):
    """One part of a time, in UTC."""

    unit: Literal["minute", "hour", "day", "week", "month", "year"]
    number: int


Test: TypeAlias = Pattern | Regex | Cidr | Compare | Number | Null | Exists | FieldRef | TimePart


@dataclass(frozen=True, slots=True)
class Leaf(Carried):
    """A test of one field; of the whole record where `field` is None (a keyword)."""

    field: str | None
    test: Test


@dataclass(frozen=True, slots=True)
class And(Carried):
    """All of the parts; true where there are none."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Or(Carried):
    """Any of the parts; false where there are none."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Not(Carried):
    """Not the part; a part that is neither true nor false counts as false."""

    part: Tree


Tree: TypeAlias = Leaf | And | Or | Not
TRUE = And(())
FALSE = Or(())


def leaves(tree: Tree) -> Iterator[Leaf]:
    """Every leaf, from left to right."""
    match tree:
        case Leaf():
            yield tree
        case Not(part=part):
            yield from leaves(part)
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from leaves(part)


def fields(tree: Tree) -> tuple[str, ...]:
    """The names of all fields, each once, those that another one is compared with among them."""
    found: dict[str, None] = {}
    for leaf in leaves(tree):
        if leaf.field is not None:
            found.setdefault(leaf.field)
        if isinstance(leaf.test, FieldRef):
            found.setdefault(leaf.test.field)
    return tuple(found)


def simplified(tree: Tree, known: Callable[[Leaf], bool | None]) -> Tree:
    """The tree without the leaves that `known` tells the outcome of, and without what that makes superfluous."""
    match tree:
        case Leaf():
            outcome = known(tree)
            return tree if outcome is None else (TRUE if outcome else FALSE)
        case Not(part=part):
            inner = simplified(part, known)
            return FALSE if inner == TRUE else TRUE if inner == FALSE else Not(inner)
        case And(parts=parts):
            kept = [part for part in (simplified(p, known) for p in parts) if part != TRUE]
            return FALSE if FALSE in kept else kept[0] if len(kept) == 1 else And(tuple(kept))
        case Or(parts=parts):
            kept = [part for part in (simplified(p, known) for p in parts) if part != FALSE]
            return TRUE if TRUE in kept else kept[0] if len(kept) == 1 else Or(tuple(kept))


def mapped(tree: Tree, change: Callable[[Leaf], Tree]) -> Tree:
    """The tree with every leaf changed."""
    match tree:
        case Leaf():
            return change(tree)
        case Not(part=part):
            return Not(mapped(part, change))
        case And(parts=parts) | Or(parts=parts):
            return replace(tree, parts=tuple(mapped(part, change) for part in parts))
