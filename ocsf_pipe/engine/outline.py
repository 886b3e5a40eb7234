"""A skeleton read once: where each path of a mapping stands in its records, and what a rule leaves of them.

A place in a skeleton is a pair: characters of the skeleton before it, scalars before it. With the lengths of a
record's scalars it is a place in the record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias, cast

from ocsf_pipe.engine.leftover import Taken, rest_of, tidied
from ocsf_pipe.engine.skeleton import CANONICAL
from ocsf_pipe.plan.nodes import Path

Place: TypeAlias = tuple[int, int]
Span: TypeAlias = tuple[Place, Place]

MOST_DEEP = 100
MOST_BYTES = 1 << 16
_KEY = re.compile(r'"([^"\\]*)":')
_WORD = re.compile(r"[^,\]}]+")
_CANONICAL = re.compile(CANONICAL)


class UnfitError(ValueError):
    """The skeleton is no sound JSON, or nothing that can be read by its places."""


class Key(str):
    """A key of an object, where it stands, and its value: `start` is its quote, `begin` and `end` its value's."""

    __slots__ = ("begin", "end", "start", "value")

    start: Place
    begin: Place
    end: Place
    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A scalar: text, a bare word that was taken out, or one that stands in the skeleton, as `word`."""

    kind: str
    word: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands at a path: an object, a list, text or a bare word; `span` of text is without its quotes."""

    kind: str
    span: Span


@dataclass(frozen=True, slots=True)
class Outline:
    """One skeleton: its object, and how many scalars its records have."""

    whole: dict[str, Any]
    scalars: int
    size: int

    def cell(self, path: Path) -> Cell | None:
        """What stands at a path; None for nothing. Raises UnfitError where the way there is no object."""
        at: Any = self.whole
        key = None
        for step in path:
            if not isinstance(at, dict):
                return None if isinstance(at, Leaf) and at.kind == "bare" else _unfit()
            key = next((known for known in at if known == step), None)
            if key is None:
                return None
            at = at[key]
        found = cast("Key", key)
        return Cell(_kind(at), (found.begin, found.end))

    def left(self, rule: str, kept: Mapping[Path, bool], taken: Taken) -> tuple[Span, ...]:
        """The pieces of a record that are its `unmapped`, none for nothing; raises UnfitError where it has others."""
        rest = rest_of(self.whole, rule, kept, taken)
        if rest == self.whole:
            return (((0, 0), (self.size, self.scalars)),)
        if not rest:
            return ()
        return tuple(_joined(_pieces(rest, (0, 0), (self.size, self.scalars))))

    def lists_stay(self, taken: Taken) -> bool:
        """Whether no element of a list loses anything by its being tidied; otherwise `left` may raise."""
        return all(tidied(found, taken) == found for found in _lists(self.whole))

    def keys(self) -> set[str]:
        """All keys of objects, at any depth."""
        return set(_keys(self.whole))


def read_outline(skeleton: bytes) -> Outline:
    """Read a skeleton; raises UnfitError."""
    if len(skeleton) > MOST_BYTES:
        raise UnfitError
    # Places are counted in bytes, and so are characters of this.
    reader = _Reader(skeleton.decode("latin-1"))
    whole = reader.object(0)
    if reader.at != len(skeleton) or not whole:
        raise UnfitError
    return Outline(whole, reader.scalars, len(skeleton))


class _Reader:
    """Reads one skeleton: strict JSON without spaces, with nothing where a bare word was taken out."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.scalars = 0

    def expect(self, text: str) -> bool:
        """Whether that comes next; if so it is read."""
        found = self.text.startswith(text, self.at)
        self.at += len(text) if found else 0
        return found

    @property
    def place(self) -> Place:
        return self.at, self.scalars

    def object(self, depth: int) -> dict[str, Any]:
        if depth > MOST_DEEP or not self.expect("{"):
            raise UnfitError
        found: dict[str, Any] = {}
        if self.expect("}"):
            return found
        while True:
            key = self.key()
            if key in found:
                raise UnfitError
            found[key] = self.value(key, depth)
            if self.expect("}"):
                return found
            if not self.expect(","):
                raise UnfitError

    def key(self) -> Key:
        start = self.place
        named = _KEY.match(self.text, self.at)
        if named is None:
            raise UnfitError
        self.at = named.end()
        key = Key(named[1].encode("latin-1").decode())
        key.start = start
        return key

    def value(self, key: Key, depth: int) -> Any:
        key.begin = self.place
        if self.text[self.at : self.at + 1] in (",", "}"):
            self.scalars += 1
            key.value = Leaf("bare")
        else:
            key.value = self.composed(depth)
        key.end = self.place
        return key.value

    def composed(self, depth: int) -> Any:
        """An object, a list or text."""
        if self.expect('""'):
            self.scalars += 1
            return Leaf("text")
        if self.text.startswith("[", self.at):
            return self.list(depth + 1)
        return self.object(depth + 1)

    def list(self, depth: int) -> list[Any]:
        if depth > MOST_DEEP:
            raise UnfitError
        self.at += 1
        found: list[Any] = []
        if self.expect("]"):
            return found
        while True:
            found.append(self.item(depth))
            if self.expect("]"):
                return found
            if not self.expect(","):
                raise UnfitError

    def item(self, depth: int) -> Any:
        """An element of a list: its bare words were not taken out."""
        if self.text[self.at : self.at + 1] in ('"', "[", "{"):
            return self.composed(depth)
        word = _WORD.match(self.text, self.at)
        if word is None or not _CANONICAL.match(word[0]):
            raise UnfitError
        self.at = word.end()
        return Leaf("word", word[0])


def _unfit() -> NoReturn:
    raise UnfitError


def _kind(value: Any) -> str:
    if isinstance(value, Leaf):
        return value.kind
    return "object" if isinstance(value, dict) else "list"


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def _lists(value: dict[str, Any]) -> Iterator[list[Any]]:
    """The lists that are in no other list."""
    for inner in value.values():
        if isinstance(inner, list):
            yield inner
        elif isinstance(inner, dict):
            yield from _lists(inner)


def _pieces(value: Mapping[str, Any], begin: Place, end: Place) -> Iterator[Span]:
    """The pieces of an object of which something was taken; every comma is the one before its key."""
    yield begin, (begin[0] + 1, begin[1])
    for number, (name, inner) in enumerate(value.items()):
        key = cast("Key", name)
        yield (key.start[0] - bool(number), key.start[1]), key.begin
        if inner == key.value:
            yield key.begin, key.end
        elif isinstance(inner, dict):
            yield from _pieces(inner, key.begin, key.end)
        else:
            raise UnfitError  # a list whose elements have lost something
    yield (end[0] - 1, end[1]), end


def _joined(spans: Iterator[Span]) -> Sequence[Span]:
    """Neighbouring pieces as one."""
    found: list[Span] = []
    for begin, end in spans:
        if found and found[-1][1] == begin:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found
