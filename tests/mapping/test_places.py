"""A mistake is shown where it was written, whatever YAML made of the lines."""

from __future__ import annotations

import pytest

from ocsf_pipe.mapping import diagnose
from tests.mapping.events import mapping


def _shown(value: str) -> tuple[str, str]:
    """The line of the first complaint and the text above its carets."""
    text = mapping(every=f"  message: {value}\n")
    _, complaints = diagnose(text, "mapping.yaml", None)
    span = complaints[0].span
    assert span is not None
    line = text.splitlines()[span.line - 1]
    return line.strip(), line[span.column - 1 : span.end_column - 1]


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("nope(a)", "message: nope(a)"),
        ("lower( nope(a) )  # why", "message: lower( nope(a) )  # why"),
        (">-\n    nope(a)", "nope(a)"),
        ("|\n    lower(\n      nope(a)\n    )", "nope(a)"),
        (">\n    coalesce(a,\n\n      b,\n      nope(c))", "nope(c))"),
        (">-\n    'nope' ||\n    a ||   nope(b)", "a ||   nope(b)"),
        ("coalesce(a,\n      b,\n    nope(c))", "nope(c))"),
        ("lower(a) ||\n    lower(a) || nope(a)", "lower(a) || nope(a)"),
        (">-\n    lower(a) ||\n    lower(a) ||\n    lower(a) || nope(a)", "lower(a) || nope(a)"),
        ("'é' || nope(a)", "message: 'é' || nope(a)"),
    ],
)
def test_the_caret_is_under_the_word(value: str, line: str) -> None:
    """In plain scalars of one line and of several, in folded and in literal blocks, behind repeated lines."""
    if value.startswith("'"):
        value = f">-\n    {value}"
        line = line.removeprefix("message: ")
    assert _shown(value) == (line, "nope")


def test_a_place_in_braces_is_that_of_its_value() -> None:
    """Flow mappings put many values on one line."""
    assert _shown("{case: a, of: {x: lower(b), y: nope(c)}}") == (
        "message: {case: a, of: {x: lower(b), y: nope(c)}}",
        "nope",
    )


def test_a_place_survives_tabs_and_windows_line_ends() -> None:
    """Lines are counted as an editor counts them."""
    text = mapping(every="  message: nope(a)\t# why\n").replace("\n", "\r\n")
    _, complaints = diagnose(text, "mapping.yaml", None)
    assert [(c.span.line, c.span.column) for c in complaints if c.span] == [(7, 12)]
