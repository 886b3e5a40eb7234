"""The hashes of a text's shingles: quickly made, and the same as their definition says, for lakes hold them."""

from __future__ import annotations

import hashlib
import re

from hypothesis import example, given
from hypothesis import strategies as st

from ocsf_pipe.content.sketch import SHINGLE, SKETCH, sketch, words
from ocsf_pipe.content.summary import Summaries
from tests.content.sealing import KEY

_SIGNS = st.one_of(st.sampled_from("aZ9_ .,-\n\x1f\x00’—ßİĸ\u0307\u00a0\u2003中é\ud800\U0001f600٣"), st.characters())


def plainly(found: list[str], key: bytes) -> tuple[str, ...]:
    """The definition of a sketch, word for word."""
    rows = {" ".join(found[i : i + SHINGLE]) for i in range(max(1, len(found) - SHINGLE + 1))} - {""}
    return tuple(sorted(hashlib.blake2b(row.encode(), digest_size=8, key=key).hexdigest() for row in rows))[:SKETCH]


@given(st.text(_SIGNS))
@example("".join(map(chr, range(0x80, 0x1000))))
def test_words_are_runs_of_letters_and_digits_in_lower_case(text: str) -> None:
    """As the expression for them finds them, in every script."""
    assert [word.decode() for word in words(text)] == re.findall(r"\w+", text.lower())


@given(st.lists(st.text("abc", min_size=1, max_size=2), max_size=400))
@example([str(i) for i in range(2000)])
def test_a_sketch_is_the_smallest_hashes(found: list[str]) -> None:
    """Of many words and of few, of rows that repeat."""
    assert sketch([word.encode() for word in found], b"k") == plainly(found, b"k")


def test_sketches_that_lakes_hold_stay_what_they_are() -> None:
    """Texts of before and after compare: these values must never change."""
    of = Summaries(KEY).of
    assert of("hello there").shingles == ("f7a04c6c7d5db0f1",)
    kept = ("38195ae070e2ee63", "823e7e7d4a7a1da1", "cd836c432d814601")
    assert of("Größe — ‘naïve’ café_9 costs 5\u00a0€ today").shingles == kept
    assert of("hello there").hmac == "4186222c6f9c775455dc0c39044ca061"
