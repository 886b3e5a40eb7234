"""A condition over one segment → what it asks of the columns of the table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from ocsf_pipe.detect.asks import Ask, Every, Flag, Later, Literal, Look, Some, Text, Word, every, some, unless
from ocsf_pipe.detect.columns import text_sql
from ocsf_pipe.detect.convert import tree_sql
from ocsf_pipe.detect.fieldmap import FieldMap, Segment
from ocsf_pipe.detect.leaf import RAW, LeafSql
from ocsf_pipe.detect.matching import flagged, match_sql, same_sql
from ocsf_pipe.detect.prefilter import need
from ocsf_pipe.detect.readings import Inside, Keys, Named, Place, Reading, Value
from ocsf_pipe.detect.tree import And, Exists, FieldRef, Leaf, Not, Null, Number, Or, Pattern, Regex, Test, Tree
from ocsf_pipe.ops.letter_case import lower_text
from ocsf_pipe.ops.regex_text import RegexError, compiled
from ocsf_pipe.ops.types import TEXT

Bounds: TypeAlias = tuple[str, str]
"""SQL of whether a test passes for sure, and of whether that is open."""
SHORTEST = 3
_PLAIN = re.compile(r"[a-z0-9 ._-]+")
_HEAVY = re.compile(r'"raw_data"|"unmapped"|json_extract')
"""What costs much to read or to take apart for every row."""


_text = lru_cache(maxsize=1024)(Text)  # thousands of tests are of the same few texts, whose SQL is long


@dataclass(frozen=True, slots=True)
class Questioner:
    """Writes what conditions ask of the events of one segment.

    `exact`: of few rows, so that every place is read and nothing stays open.
    """

    segment: Segment
    fields: FieldMap
    leaf: LeafSql
    exact: bool = False

    def ask(self, tree: Tree) -> Ask:
        """What the condition asks."""
        match tree:
            case Leaf():
                return self._leaf(tree)
            case Not(part=part):
                return unless(self.ask(part))
            case And(parts=parts):
                return every(tuple(map(self.ask, parts)))
            case Or(parts=parts):
                return some((*map(self.ask, parts), *self._together(parts)))

    def _leaf(self, tree: Leaf) -> Ask:
        if tree.field is None:
            return self._other(tree, hint=_keyword_hint(tree, self.leaf))
        reading = self.fields.reading(self.segment, tree.field)
        match tree.test:
            case Null() | Exists():
                return self._there(tree, tree.test, reading)
            case FieldRef(field=field):
                return self._other(tree, self._same(tree.test, reading, self.fields.reading(self.segment, field)))
        places = self.leaf.telling(reading, tree.test)
        if not places:
            return Some(())
        if isinstance(tree.test, Pattern | Regex):
            return self._text(tree, tree.test, places)
        return self._other(tree, self._value(tree.test, places))

    def _there(self, tree: Leaf, test: Null | Exists, reading: Reading) -> Ask:
        if not reading.places:
            return Every(()) if isinstance(test, Null) or not test.there else Some(())
        texts = self.leaf.texts(reading.places)
        return self._look(tree, Word(test, open=len(texts) > 1), texts)

    def _text(self, tree: Leaf, test: Pattern | Regex, places: Sequence[Place]) -> Ask:
        first = places[0]
        if isinstance(first, Keys):
            return self._other(tree, None if self.leaf.own(first, places[1:]) else self._keys(first, test))
        if isinstance(first, Inside | Named) and not self.exact:
            return self._other(tree, hint=self._document_hint(test, places))
        if isinstance(first, Inside) and first.lists and first.path:
            return self._other(tree)
        if self.leaf.own(first, places[1:]) and not self.exact:
            return self._other(tree)
        upto = self._upto(places, test)
        plain = all(map(_is_text, upto[1:]))
        if self.exact and not plain:
            return self._other(tree)
        texts = self.leaf.texts(places)[: len(upto)]
        return self._look(tree, Word(test, len(upto) > 1), texts if plain else texts[:1])

    def _together(self, parts: Sequence[Tree]) -> Iterator[Flag]:
        """What tests of one enum say together, where each alone leaves open which of an id's texts was there."""
        tests: dict[str, list[Test]] = {}
        for part in parts:
            if isinstance(part, Leaf) and part.field is not None and isinstance(part.test, Pattern | Number | Regex):
                tests.setdefault(part.field, []).append(part.test)
        for field, some_tests in tests.items() if not self.exact else ():
            reading = self.fields.reading(self.segment, field)
            first = reading.places[0] if reading.places else None
            if not isinstance(first, Keys) or self.leaf.own(first, reading.places[1:]):
                continue
            told = [test for test in some_tests if self.leaf.telling(reading, test)[0] == first]
            sql = self.leaf.together(first, told) if len(told) > 1 else ""
            if sql:
                yield Flag(f"coalesce({sql}, false)")

    # ------------------------------------------------------------------ what DuckDB answers, as far as it can

    def _value(self, test: Test, places: Sequence[Place]) -> Bounds | None:
        """A test of the first place: open where that is null."""
        first = places[0]
        if not isinstance(first, Value) or self.leaf.own(first, places[1:]):
            return None
        text = self.leaf.text(first)
        return match_sql(text, test), f"{text} is null"

    def _keys(self, place: Keys, test: Test) -> Bounds:
        sure, open_ = self.leaf.keys(place, test)
        null = "" if self.leaf.decides(place, test) else f"{text_sql(place.node, self.leaf.columns)} is null"
        return sure or "false", " or ".join(one for one in (open_, null) if one) or "false"

    def _same(self, test: FieldRef, one: Reading, two: Reading) -> Bounds | None:
        """A comparison of the first places of two fields: open where one is null."""
        if not one.places or not two.places:
            return None
        texts = self.leaf.texts(one.places)[0], self.leaf.texts(two.places)[0]
        return same_sql(*texts, test), f"({texts[0]} is null or {texts[1]} is null)"

    def _look(self, tree: Leaf, word: Word, texts: Sequence[str]) -> Ask:
        """A look at the first of some texts, or at all of them."""
        whole = f"coalesce({', '.join(texts)})" if len(texts) > 1 else None
        if self.exact and isinstance(word.test, Regex) and not _is_alike(word.test):
            return self._other(tree)
        if self.exact:
            return Look(_text(whole or texts[0]), Word(word.test))
        look = Look(_text(texts[0], whole), word)
        if isinstance(word.test, Regex) and not _is_alike(word.test):
            hint = need(look)
            return Later(hint if isinstance(hint, Literal) else None)
        return self._other(tree) if _HEAVY.search(texts[0]) else look

    def _upto(self, places: Sequence[Place], test: Pattern | Regex) -> list[Place]:
        """The places that are looked at: none behind the first that decides."""
        for number, place in enumerate(places, 1):
            if self.leaf.decides(place, test):
                return list(places[:number])
        return list(places)

    def _other(self, tree: Leaf, bounds: Bounds | None = None, *, hint: Literal | None = None) -> Ask:
        """What DuckDB answers: now where that costs little, else as far as `bounds` say, and the rest later."""
        sql = tree_sql(tree, self.segment, self.fields, self.leaf)
        if self.exact or not _HEAVY.search(sql):
            return Flag(f"coalesce({sql}, false)")
        if bounds is None or any(map(_HEAVY.search, bounds)):
            return Later(hint)
        sure, open_ = (Flag(f"coalesce({one}, false)") for one in bounds)
        return Some((sure, Every((open_, Later(hint)))))

    def _document_hint(self, test: Pattern | Regex, places: Sequence[Place]) -> Literal | None:
        """In the text of a document stands what JSON and XML do not escape."""
        if not isinstance(test, Pattern):
            return None
        if all(isinstance(one, Named) or (isinstance(one, Inside) and one.document == "raw") for one in places):
            return _plain_hint(_text(self.leaf.columns.sql(RAW, TEXT)), test)
        first = places[0]
        if isinstance(first, Inside) and first.document == "unmapped" and all(isinstance(p, Inside) for p in places):
            return _plain_hint(_text(self.leaf.document(first)), test)
        return None


def _keyword_hint(tree: Leaf, leaf: LeafSql) -> Literal | None:
    """What all spellings of a keyword have in common."""
    test = tree.test if isinstance(tree.test, Pattern) else None
    test = Pattern((str(tree.test.number),)) if isinstance(tree.test, Number) else test
    return _plain_hint(_text(leaf.columns.sql(RAW, TEXT)), test) if test is not None else None


def _plain_hint(text: Text, test: Pattern) -> Literal | None:
    parts = (lower_text(part) for part in test.parts if isinstance(part, str))
    longest = max((piece for part in parts for piece in _PLAIN.findall(part)), key=len, default="")
    return Literal(text, longest) if len(longest) >= SHORTEST else None


def _is_alike(test: Regex) -> bool:
    """Whether Python answers a regular expression as DuckDB does."""
    try:
        compiled(flagged(test.text, test.flags))
    except RegexError:
        return False
    return True


def _is_text(place: Place) -> bool:
    """Whether a place is one text, so that the first that is not null is what a test sees."""
    return not isinstance(place, Keys) and not (isinstance(place, Inside) and place.lists)
