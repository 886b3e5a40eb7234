"""No text whatever breaks the compiler: it answers with a plan or with complaints, each in its place."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ocsf_pipe.bundled import mappings_dir
from ocsf_pipe.errors import CODES
from ocsf_pipe.mapping import diagnose, render
from tests.mapping.corpus import OK

# The small ones: a large mapping takes a second to compile and says no more about the compiler.
SHIPPED = [path for path in sorted(mappings_dir().glob("*/*/mapping.yaml")) if path.stat().st_size < 12_000]
TEXTS = [path.read_text(encoding="utf-8") for path in (*OK, *SHIPPED)]
FRAGMENTS = [
    *(
        "[*]",
        "[0]",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        ",",
        ":",
        ": ",
        "- ",
        "&a ",
        "*a",
        "!!int x",
        "!!timestamp x",
        "!x ",
        "<<: ",
    ),
    *(
        "'",
        '"',
        ">-\n",
        "|\n",
        "#",
        "%",
        "@",
        "`",
        "\t",
        "\n",
        "\n\n",
        "  ",
        "---\n",
        "...",
        "?",
        "~",
        "\x00",
        "\x85",
        "\ufeff",
    ),
    *(
        "case ",
        "when ",
        "then ",
        "end",
        "else ",
        "and ",
        "not ",
        "in (",
        "between 1 and ",
        "is null",
        "like ",
        "null",
        "true",
    ),
    *("each", "first", "case", "of", "set", "where", "as", "at", "let", "every", "events", "class", "for_each", "also"),
    *(
        "1e999",
        "99999999999999999999",
        "-1",
        "0",
        "2026-13-45",
        "0x1F",
        "1_000",
        "é",
        "\U0001f600",
        "a.b.c",
        '"a.b"',
        "parse_json(a)",
    ),
    *(
        "list(text)",
        "list({a: json})",
        "json",
        "timestamp",
        "authentication",
        "win/registry_key_activity",
        "user",
        "metadata",
        "time",
    ),
    *(
        "regex_extract(a, '(', 1)",
        "list_get(a, b)",
        "split_all(a, ',')[*]",
        "entries(a)",
        "to_timestamp(a, 'x')",
        "hmac_sha256(a, b)",
    ),
]


def _check(text: str) -> None:
    plan, complaints = diagnose(text, "mapping.yaml", None)
    assert (plan is None) == bool(complaints), "either a plan or complaints"
    lines = text.splitlines() or [""]
    for complaint in complaints:
        assert complaint.code in CODES
        assert complaint.span is not None
        assert 1 <= complaint.span.line <= len(lines) + 1
        assert 1 <= complaint.span.column < complaint.span.end_column
    render(complaints, text)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A right mapping with up to four small injuries."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 12)))
        kind = draw(st.sampled_from(["insert", "replace", "line", "move", "word"]))
        if kind == "line":
            lines = text.split("\n")
            one, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
            lines[one] = draw(st.sampled_from(["", lines[other], lines[one] + lines[other].strip(), lines[one][2:]]))
            text = "\n".join(lines)
        elif kind == "move":
            text = text[:at] + text[end:] + text[at:end]
        elif kind == "word":
            words = text.split(" ")
            words[draw(st.integers(0, len(words) - 1))] = words[draw(st.integers(0, len(words) - 1))]
            text = " ".join(words)
        else:
            text = text[:at] + draw(st.sampled_from(FRAGMENTS)) + text[at if kind == "insert" else end :]
    return text


@settings(max_examples=150)
@given(mutated())
def test_an_injured_mapping_is_answered(text: str) -> None:
    """Near-right mappings, where most of the compiler runs before it meets the mistake."""
    _check(text)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
def test_fragments_in_any_order_are_answered(text: str) -> None:
    """Mostly no YAML at all."""
    _check(text)


@given(
    st.lists(st.sampled_from([*FRAGMENTS, "a", "b ", " + ", " || ", " = ", "lower(", "1", "'x'"]), max_size=25).map(
        "".join
    )
)
def test_any_text_as_an_expression_is_answered(expression: str) -> None:
    """As a block scalar, so that YAML keeps it whole."""
    text = OK_MAPPING + "    message: >-\n      " + expression.replace("\n", " ") + "\n"
    _check(text)


OK_MAPPING = """\
mapping: acme.widget
product: {vendor_name: Acme}
input: {format: json, fields: {b: integer}}
events:
  - class: base_event
    time: at
    severity_id: 'Unknown'
    activity_id: 'Other'
"""


def test_a_bomb_of_aliases_is_answered_at_once() -> None:
    """Ten aliases of ten aliases of ten … stand for billions of nodes and are never unfolded."""
    levels = "".join(f"  l{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 40))
    _, complaints = diagnose("let:\n  l0: &a0 [x]\n" + levels, "mapping.yaml", None)
    assert [c.code for c in complaints] == ["M107"]


def test_a_file_of_megabytes_is_not_read() -> None:
    """The limit is stated in the complaint."""
    _, complaints = diagnose("title: " + "x" * (1 << 20), "mapping.yaml", None)
    assert [c.code for c in complaints] == ["M107"]


def test_deep_nesting_is_answered() -> None:
    """Neither YAML's nesting nor an expression's reaches the end of the stack."""
    for text in (
        "[" * 50_000,
        OK_MAPPING + "    message: " + "(" * 50_000,
        OK_MAPPING + "    message: " + "- " * 50_000,
    ):
        _check(text)
    for chain in (" + 1", " || 'x'", " and b = 1", "[*]", ".a", " is null"):
        _check(OK_MAPPING + "    message: b" + chain * 20_000)


def test_a_path_that_is_no_file_is_an_os_error(tmp_path: Path) -> None:
    """Only what stands in a file is complained about."""
    import pytest

    from ocsf_pipe.mapping import compile_mapping

    with pytest.raises(OSError, match=r"mapping\.yaml"):
        compile_mapping(tmp_path / "mapping.yaml")
