"""What an op must have to be one, and what its types let it take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ocsf_pipe.ops
from ocsf_pipe.ops import OPERATORS, OPS, Example, literal, op, text_literal
from ocsf_pipe.ops.sql_text import constant_integer, constant_text
from ocsf_pipe.ops.types import BOOLEAN, FLOAT, INTEGER, IP, JSON, NULL, TEXT, TIMESTAMP, list_of

THREE = [Example(("a",), "a"), Example(("b",), "b"), Example((None,), None)]


def test_every_operator_has_its_op() -> None:
    """Each symbol of the language leads to an op that is marked as an operator, and the other way round."""
    assert set(OPERATORS.values()) == {name for name, op in OPS.items() if op.operator}


def test_an_op_without_documentation_is_refused() -> None:
    """The first sentence is required."""
    with pytest.raises(TypeError, match="`same` has no sentence of documentation"):

        @op(takes=(TEXT,), gives=TEXT, examples=THREE)
        def same(value: str) -> str:
            return value


@pytest.mark.parametrize("examples", [THREE[1:], THREE[:2] * 2])
def test_an_op_without_enough_examples_is_refused(examples: list[Example]) -> None:
    """Three are required, a null among them."""
    with pytest.raises(TypeError, match="`same` needs three examples, one of them with a null"):

        @op(takes=(TEXT,), gives=TEXT, examples=examples)
        def same(value: str) -> str:
            """Return the text."""
            return value


def test_an_op_without_a_sql_form_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that declares only the Python form cannot be used."""
    (tmp_path / "half.py").write_text(
        "from ocsf_pipe.ops import Example, op\n"
        "from ocsf_pipe.ops.types import TEXT\n"
        "@op(takes=(TEXT,), gives=TEXT, examples=[Example((None,), None)] * 3)\n"
        "def half(value):\n"
        '    """Return the text."""\n'
    )
    monkeypatch.setattr(ocsf_pipe.ops, "__path__", [*ocsf_pipe.ops.__path__, str(tmp_path)])
    with pytest.raises(TypeError, match="op `half` has no SQL form"):
        ocsf_pipe.ops._load("half")


def test_types_decide_what_an_op_takes() -> None:
    """Addresses and JSON are text, integers floats, null anything; text is no number."""
    assert OPS["lower"].accepts([IP])
    assert OPS["lower"].accepts([NULL])
    assert OPS["div"].accepts([INTEGER, FLOAT])
    assert not OPS["lower"].accepts([INTEGER])
    assert not OPS["eq"].accepts([TEXT, INTEGER])
    assert not OPS["eq"].accepts([list_of(TEXT), list_of(TEXT)])
    assert not OPS["lower"].accepts([])
    assert not OPS["lower"].accepts([TEXT, TEXT])


def test_types_decide_what_an_op_gives() -> None:
    """The result may depend on the arguments."""
    assert OPS["coalesce"].result([IP, TEXT]) == TEXT
    assert OPS["coalesce"].result([NULL, JSON]) == JSON
    assert OPS["add"].result([INTEGER, FLOAT]) == FLOAT
    assert OPS["sub"].result([TIMESTAMP, TIMESTAMP]) == INTEGER
    assert OPS["list_first"].result([list_of(BOOLEAN)]) == BOOLEAN
    with pytest.raises(TypeError, match=r"`add` does not take \(text, integer\)"):
        OPS["add"].result([TEXT, INTEGER])


@pytest.mark.parametrize(
    ("name", "constants", "fact"),
    [
        ("regex_matches", (None, "a(?=b)"), "`(?=b` is not supported in a pattern"),
        ("regex_matches", (None, "(a)\\1"), "`\\1` is not supported in a pattern"),
        ("regex_matches", (None, "a++"), "`++` repeats a repetition"),
        ("regex_matches", (None, "(a"), "is no regular expression"),
        ("regex_extract", (None, "(a)", 2), "`(a)` has no group 2"),
        ("regex_replace", (None, "(a)", "\\2"), "`(a)` has no group 2"),
        ("to_timestamp", (None, "min"), "unit `min` is not one of"),
        ("parse_timestamp", (None, "%H:%M"), "needs a year"),
        ("parse_timestamp", (None, "%Y-%q-%d"), "`%q` is not one of"),
        ("in_cidr", (None, "10.0.0.1/8"), "has host bits set"),
        ("json_get", (None, "a..b"), "`a..b` is no path"),
        ("mask", (None, -1), "cannot keep -1 characters"),
        ("hmac_sha256", (None, ""), "the key is empty"),
        ("parse_kv", (None, "", "="), "a separator is empty"),
    ],
)
def test_a_constant_that_cannot_work_is_complained_about(name: str, constants: tuple[object, ...], fact: str) -> None:
    """The complaint names the author's own text."""
    complaint = OPS[name].complaint
    assert complaint is not None
    assert fact in (complaint(*constants) or "")


def test_the_examples_have_constants_that_work() -> None:
    """No op complains about its own examples."""
    for found in OPS.values():
        for example in found.examples:
            constants = [value if i in found.constant else None for i, value in enumerate(example.args)]
            assert found.complaint is None or found.complaint(*constants) is None, (found.name, example)


@pytest.mark.parametrize("text", ["", "it's", "\0", "a\0'b\0", "' || chr(0) || '", "(x)", "\\"])
def test_a_text_survives_being_a_literal(text: str) -> None:
    """What `text_literal` writes, `constant_text` reads."""
    assert constant_text(text_literal(text)) == text


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1, -(2**63)])
def test_an_integer_survives_being_a_literal(number: int) -> None:
    """What `literal` writes, `constant_integer` reads."""
    assert constant_integer(literal(number, INTEGER)) == number


def test_the_vocabulary_loads_without_the_engines() -> None:
    """Reading every op imports neither DuckDB nor Arrow."""
    program = "import sys; from ocsf_pipe.ops import OPS; list(OPS.values())\n"
    program += "print(sorted({'duckdb','pyarrow'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
