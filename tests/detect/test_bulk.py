"""A condition says the same of many texts at once as of each."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsf_pipe.detect.asks import Ask, Every, Some, Unless, Word
from ocsf_pipe.detect.batches import Column, Repeating, series
from ocsf_pipe.detect.bulk import bulk, screen
from ocsf_pipe.detect.tree import Exists, Null, Pattern, Regex, Wild
from ocsf_pipe.detect.words import judge

_MANY, _ONE = Wild(), Wild(many=False)
_LITERAL = st.text("abAB.*\\ -\n", min_size=1, max_size=3)
_PARTS = st.lists(st.one_of(_LITERAL, st.just(_MANY), st.just(_ONE)), max_size=4).map(tuple)
_REGEX = st.sampled_from(
    [
        "a.b", r"^a", r"b$", r"\bab\b", r"\s", r"[^a]\w{2,}", r"(?:ab|ba)+", r"a{2}", r"\.", r"[a-b&&b]", r"[[a]b]",
        r"\<a", r"[\w.-]+", r"a.{2,5}b",
    ]
)  # fmt: skip
_WORD = st.one_of(
    st.builds(Pattern, _PARTS, st.booleans()),
    st.builds(Regex, _REGEX, st.sampled_from(["", "i", "s", "is"])),
    st.builds(Exists, st.booleans()),
    st.just(Null()),
).map(Word)
_ASK = st.recursive(
    _WORD,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5).map(lambda parts: Every(tuple(parts))),
        st.lists(inner, max_size=5).map(lambda parts: Some(tuple(parts))),
        inner.map(Unless),
    ),
    max_leaves=8,
)
_TEXT = st.none() | st.text("abAB.*\\ -\n\v\x1f\u0130\u212aé<&[", max_size=8)


def _answers(ask: Ask, texts: list[str | None], many: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    monkeypatch.setattr("ocsf_pipe.detect.batches._MANY", many)
    said = judge(ask, settled=True)
    rows = np.arange(len(texts))
    return Column.of(pa.array(texts, pa.string())).answers(said, 0, rows).tolist()


@given(ask=_ASK, texts=st.lists(_TEXT, min_size=1, max_size=20))
def test_many_at_once_and_each(ask: Ask, texts: list[str | None]) -> None:
    """Over texts that repeat, of any letters, and nulls."""
    with pytest.MonkeyPatch.context() as patched:
        each = _answers(ask, texts, 1000, patched)
        assert _answers(ask, texts, 0, patched) == each
    known = Repeating()
    column = Column.of(pa.array(texts, pa.string()), known)
    assert column.repeating is known
    assert column.answers(judge(ask, settled=True), 0, np.arange(len(texts))).tolist() == each


@given(ask=_ASK, texts=st.lists(_TEXT, min_size=1, max_size=20))
def test_a_screen_leaves_every_text_that_a_condition_may_hold_for(ask: Ask, texts: list[str | None]) -> None:
    """It may leave others too."""
    pattern = screen(ask)
    if pattern is not None:
        column = Column.of(pa.array(texts, pa.string()))
        answers = column.answers(judge(ask, settled=True), 0, np.arange(len(texts)))
        assert set(np.flatnonzero(answers).tolist()) <= set(column.matching(pattern).tolist())


@pytest.mark.parametrize("pattern", [r"[a&&b]", r"[a[b]]", r"\<a", r"[]a[b]]", r"a\b{start}", r"[^][a]", r"(?<=a)b"])
def test_what_polars_reads_otherwise_is_not_given_to_it(pattern: str) -> None:
    """Operations on classes and ends of words are known to polars alone; look-around to neither."""
    assert bulk(Word(Regex(pattern))) is None
    assert screen(Word(Regex(pattern))) is None


def test_views_of_texts_are_texts() -> None:
    """What DuckDB hands over without a copy is a column like any other."""
    column = Column.of(pa.array(["b", None, "a", "b"]).cast(pa.string_view()))
    assert column.texts.gather(column.numbers).to_list() == ["b", None, "a", "b"]
    assert series(pa.array(["x"]).cast(pa.string_view())).to_list() == ["x"]
