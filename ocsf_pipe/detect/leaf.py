"""One leaf of a condition as SQL, by where its field stands in the events of one segment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ocsf_pipe.detect.columns import Columns, text_sql
from ocsf_pipe.detect.inverse import OTHER
from ocsf_pipe.detect.matching import ignores_case, match_sql, passes
from ocsf_pipe.detect.raw import elements_sql, inside_sql, named_sql, unasked_sql
from ocsf_pipe.detect.readings import Inside, Keys, Named, Place, Reading, Value
from ocsf_pipe.detect.tree import Exists, Null, Number, Pattern, Regex, Test
from ocsf_pipe.ops.types import JSON, TEXT

RAW, UNMAPPED = ("raw_data",), ("unmapped",)
_FOLDS = (Pattern, Number, Regex)


@dataclass(frozen=True, slots=True)
class LeafSql:
    """Writes leaves for the rows of one table; `lowered` gives a column that holds an expression in lower case."""

    columns: Columns
    lowered: Callable[[str], str | None] = lambda _: None

    def test(self, reading: Reading, test: Test) -> str:
        """The SQL of a test of a field; null counts as false."""
        places = self.telling(reading, test)
        if isinstance(test, Null):
            return " and ".join(f"{text} is null" for text in self.texts(reading.places)) or "true"
        if isinstance(test, Exists):
            there = " or ".join(f"{text} is not null" for text in self.texts(reading.places)) or "false"
            return f"({there})" if test.there else f"not ({there})"
        if not places:
            return "false"
        return self._first(places, test, reading)

    def value(self, reading: Reading) -> str:
        """The SQL of the field's text: of the first place that has one."""
        texts = self.texts(reading.places)
        return texts[0] if len(texts) == 1 else f"coalesce({', '.join(texts)})" if texts else "cast(null as varchar)"

    def texts(self, places: Sequence[Place]) -> list[str]:
        """The SQL of the text at each place of a reading; null where it is not the path's own, see `own`."""
        return [_when(self.own(place, places[i:]), self.text(place)) for i, place in enumerate(places, 1)]

    def telling(self, reading: Reading, test: Test) -> list[Place]:
        """The places that have what the test asks for; the last one where none has."""
        return [place for place in reading.places if self._tells(place, test)] or list(reading.places[-1:])

    def decides(self, place: Place, test: Test) -> bool:
        """Whether the place alone says whether a test passes."""
        return self._tells(place, test) and not self._undecided(place, test)

    def _tells(self, place: Place, test: Test) -> bool:
        """Whether the place has what the test asks for: letter case may be lost."""
        return not (isinstance(place, Value | Keys) and place.folded and not ignores_case(test))

    def _first(self, places: Sequence[Place], test: Test, reading: Reading) -> str:
        """The test of the first place that has a value; later ones are looked at only where they can decide.

        A test of null is null, so that `coalesce` goes on to the next place.
        """
        first, rest = places[0], places[1:]
        found = self._place(first, test, reading, rest)
        if not rest or not self._undecided(first, test):
            return found
        return f"coalesce({found}, {self._first(rest, test, reading)})"

    def _undecided(self, place: Place, test: Test) -> bool:
        """Whether a null may stand for a text that passes."""
        if isinstance(place, Value | Keys):
            return place.partial or place.shared or any(passes(lost, test) for lost in place.lost)
        return True

    def own(self, place: Place, rest: Sequence[Place]) -> str | None:
        """The SQL of whether an attribute that may hold another path's value counts; None where it always does.

        It does not where the raw record can be asked: what is not there was never the path's.
        """
        if not isinstance(place, Value | Keys) or not place.shared:
            return None
        raw = self.columns.sql(RAW, TEXT)
        for one in rest:
            if isinstance(one, Named):
                return unasked_sql(raw, one.name)
            if isinstance(one, Inside) and one.document == "raw":
                return f"coalesce(not starts_with(ltrim({raw}), '{{'), true)"
        return None

    def _place(self, place: Place, test: Test, reading: Reading, rest: Sequence[Place]) -> str:
        return _when(self.own(place, rest), self._test(place, test, reading, rest))

    def _test(self, place: Place, test: Test, reading: Reading, rest: Sequence[Place]) -> str:
        match place:
            case Keys():
                return self._keys(place, test, reading, rest)
            case Inside(lists=True, path=path) if path:
                found = elements_sql(self.document(place), path)
                return f"nullif(len(list_filter({found}, lambda v: {match_sql('v', test)})) > 0, false)"
            case _:
                return self._match(place, test)

    def _match(self, place: Place, test: Test) -> str:
        text = self.text(place)
        return match_sql(text, test, lowered=self.lowered(text))

    def _keys(self, place: Keys, test: Test, reading: Reading, rest: Sequence[Place]) -> str:
        """An enum: which ids pass is known now; what an id leaves open is looked up in the record."""
        sure, open_ = self.keys(place, test)
        parts = [sure] if sure else []
        if open_:
            later = [one for one in rest if not isinstance(one, Keys)]
            decided = (
                self._first(later, test, reading) if later else self._any_text(place, self._open(place, test), test)
            )
            parts.append(f"({open_} and {decided})")
        return f"({' or '.join(parts)})" if parts else "false"

    def keys(self, place: Keys, test: Test) -> tuple[str, str]:
        """The SQL of whether an enum's id passes for sure, and of whether it leaves that open; empty for never."""
        column = text_sql(place.node, self.columns)
        sure = [
            number
            for number, texts in place.texts
            if number not in place.vague and {passes(text, test) for text in texts} == {True}
        ]
        parts = []
        if sure:
            parts.append(f"{column} in ({', '.join(repr(str(number)) for number in sure)})")
        if place.other is not None:
            word = text_sql(place.other, self.columns)
            parts.append(f"({column} = '{OTHER}' and {match_sql(word, test, lowered=self.lowered(word))})")
        open_ = ", ".join(repr(str(number)) for number in self._open(place, test))
        return " or ".join(parts), f"{column} in ({open_})" if open_ else ""

    def together(self, place: Keys, tests: Sequence[Test]) -> str:
        """The SQL of whether each text of an enum's id passes one of some tests; empty for never."""
        sure = [
            repr(str(number))
            for number, texts in place.texts
            if number not in place.vague and all(any(passes(text, test) for test in tests) for text in texts)
        ]
        return f"{text_sql(place.node, self.columns)} in ({', '.join(sure)})" if sure else ""

    def _open(self, place: Keys, test: Test) -> list[int | str]:
        """The ids of texts of which some pass and some do not."""
        both = [
            number
            for number, texts in place.texts
            if number not in place.vague and len({passes(text, test) for text in texts}) == 2
        ]
        return [*place.vague, *both]

    def _any_text(self, place: Keys, numbers: Sequence[int | str], test: Test) -> str:
        texts = [text for number, keys in place.texts if number in numbers for text in keys]
        return "true" if any(passes(text, test) for text in texts) else "false"

    # ------------------------------------------------------------------ texts

    def text(self, place: Place) -> str:
        """The SQL of the text at a place."""
        match place:
            case Value(node=node):
                return text_sql(node, self.columns)
            case Keys():
                return self._key_text(place)
            case Inside(path=path):
                document = self.document(place)
                return inside_sql(document, path) if path else document
            case Named(name=name):
                return named_sql(self.columns.sql(RAW, TEXT), name)

    def _key_text(self, place: Keys) -> str:
        column = text_sql(place.node, self.columns)
        whens = " ".join(f"when '{number}' then '{_quoted(texts[0])}'" for number, texts in place.texts)
        other = f" when '{OTHER}' then {text_sql(place.other, self.columns)}" if place.other is not None else ""
        return f"(case {column} {whens}{other} end)"

    def document(self, place: Inside) -> str:
        """The SQL of the document that a place is in."""
        if place.node is not None:
            return text_sql(place.node, self.columns)
        return self.columns.sql(UNMAPPED, JSON) if place.document == "unmapped" else self.columns.sql(RAW, TEXT)


def _when(condition: str | None, text: str) -> str:
    return text if condition is None else f"(case when {condition} then {text} end)"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
