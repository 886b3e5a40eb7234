"""What the compiler accepts in silence and what it says about mistakes, whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ocsf_pipe.errors import CODES
from tests.architecture.sources import ROOT
from tests.mapping.corpus import ERR, OK, complaints, said


def _stem(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", OK, ids=_stem)
def test_a_right_mapping_is_silent(path: Path) -> None:
    """Nothing is said about a file that is as it should be."""
    assert said(path) == ""


@pytest.mark.parametrize("path", ERR, ids=_stem)
def test_a_mistake_is_said_whole(path: Path) -> None:
    """Place, fact, line, caret and hint are those of the file beside it."""
    assert said(path) == path.with_suffix(".out").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ERR, ids=_stem)
def test_a_file_is_named_after_a_code_that_it_raises(path: Path) -> None:
    """And every complaint has a place within the file and says what to do."""
    found = complaints(path)
    assert path.stem.partition("-")[0] in {c.code for c in found}
    lines = path.read_bytes().count(b"\n") + 1
    assert [c for c in found if c.span is None or not 1 <= c.span.line <= lines or not c.hint] == []


def test_every_code_is_raised_by_some_file() -> None:
    """The table of codes holds nothing that cannot happen."""
    raised = {c.code for path in ERR for c in complaints(path)}
    assert raised == set(CODES)


def test_every_code_in_the_compiler_is_in_the_table() -> None:
    """No complaint carries a code that the reference does not explain."""
    files = sorted((ROOT / "ocsf_pipe" / "mapping").rglob("*.py"))
    named = {code for path in files for code in re.findall(r'"(M\d{3})"', path.read_text(encoding="utf-8"))}
    assert named == set(CODES)


def test_nothing_stale_lies_in_the_corpus() -> None:
    """Every expectation belongs to a mapping."""
    assert [path.name for path in ERR[0].parent.glob("*.out") if not path.with_suffix(".yaml").exists()] == []
