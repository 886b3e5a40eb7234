"""The pages about the language say what the compiler does."""

from __future__ import annotations

import re

import pytest

from ocsf_pipe.errors import CODES
from ocsf_pipe.mapping import diagnose, expression, limits, parse, render
from ocsf_pipe.mapping.error_page import page
from ocsf_pipe.mapping.syntax import RULE_WORDS
from tests.architecture.sources import ROOT

LANGUAGE = (ROOT / "docs" / "mapping-language.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", LANGUAGE, re.DOTALL | re.MULTILINE)
REST = {
    "mapping": "mapping: acme.widget\n",
    "product": "product: {vendor_name: Acme, name: Widget}\n",
    "input": "input: {format: json}\n",
    "every": "every:\n  time: published\n  severity_id: 'Unknown'\n",
    "events": "events:\n  - class: base_event\n    activity_id: 'Other'\n",
}


def _whole(block: str) -> str:
    """The block with what it leaves out."""
    if "mapping:" in block.split("\n\n", maxsplit=1)[0]:
        return block
    parts = {part.split(":")[0]: part for part in re.split(r"^(?=[a-z]+:)", block, flags=re.MULTILINE) if part}
    every, events = parts.pop("every", "every:\n"), parts.pop("events", "events:\n")
    parts["every"] = REST["every"] + every.removeprefix("every:\n")
    catch_all = REST["events"].removeprefix("events:\n")
    parts["events"] = events if catch_all in events else events + catch_all
    return "".join((REST | parts).values())


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_example_compiles(block: str) -> None:
    """Alone, or with what it leaves out."""
    text = _whole(block)
    _, complaints = diagnose(text, "mapping.yaml", None)
    assert render(complaints, text) == ""


def test_the_page_names_every_key() -> None:
    """Of the file, of the input and of a rule."""
    words = {*parse.TOP, *parse.INPUT_WORDS, *RULE_WORDS}
    assert {word for word in words if f"`{word}`" not in LANGUAGE and f"`{word}:" not in LANGUAGE} == set()


def test_the_page_states_the_limits() -> None:
    """As they are."""
    said = LANGUAGE.partition("## Limits")[2].replace("\n", " ")
    assert limits.MAX_CHARACTERS == 1 << 20
    assert f"{limits.MAX_DEPTH} deep" in said
    assert f"{limits.MAX_NODES:,} values" in said
    assert f"{expression.MAX_DEPTH} deep" in said
    assert f"{expression.MAX_STEPS} steps" in said


def test_the_page_of_complaints_is_fresh() -> None:
    """`python -m ocsf_pipe.mapping.error_page tests/corpus/err > docs/errors.md` renews it."""
    written = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert written == page(ROOT / "tests" / "corpus" / "err")
    assert all(f"### {code}: {meaning}" in written for code, meaning in CODES.items())
