"""Type text as authors write it under `input.fields`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsf_pipe.mapping.types import SCALARS, TypeTextError, parse_type
from ocsf_pipe.ops.types import INTEGER, JSON, TEXT, Type, list_of


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("text", TEXT),
        ("string", TEXT),
        ("list(integer)", list_of(INTEGER)),
        ("list( list(json) )", list_of(list_of(JSON))),
        (
            "{a: text, b: {c: integer}}",
            Type("object", fields=(("a", TEXT), ("b", Type("object", fields=(("c", INTEGER),))))),
        ),
        ('list({"key.with dots": text})', list_of(Type("object", fields=(("key.with dots", TEXT),)))),
        ("list({list: text})", list_of(Type("object", fields=(("list", TEXT),)))),
        ("{}", Type("object")),
    ],
)
def test_a_type_is_read(text: str, kind: Type) -> None:
    """White space means nothing; keys may be quoted."""
    assert parse_type(text) == kind


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "`` ends too early"),
        ("txt", "unknown type `txt`"),
        ("list", "expected `(` in `list`, got the end"),
        ("list(text", "expected `)` in `list(text`, got the end"),
        ("{a text}", "expected `:` in `{a text}`, got `text`"),
        ("text text", "`text text` goes on after the type"),
        ("list<text>", "`list<text>` is not a type"),
    ],
)
def test_what_is_none_is_said(text: str, message: str) -> None:
    """With a hint that shows the form."""
    with pytest.raises(TypeTextError) as caught:
        parse_type(text)
    assert str(caught.value) == message
    assert caught.value.hint


KINDS = st.recursive(
    st.sampled_from(sorted(SCALARS)).map(SCALARS.__getitem__),
    lambda inner: (
        inner.map(list_of)
        | st.lists(st.tuples(st.from_regex("[a-z]{1,4}", fullmatch=True), inner), min_size=1, max_size=3).map(
            lambda fields: Type("object", fields=tuple(fields))
        )
    ),
    max_leaves=6,
)


@given(KINDS)
def test_a_type_reads_back_from_its_own_text(kind: Type) -> None:
    """What a complaint prints can be written in a mapping."""
    assert parse_type(str(kind)) == kind
