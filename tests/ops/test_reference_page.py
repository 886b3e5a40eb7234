"""The reference page says what the ops say."""

from __future__ import annotations

from pathlib import Path

from ocsf_pipe.ops.reference_page import page


def test_the_page_in_docs_is_the_one_that_the_ops_print() -> None:
    """docs/ops.md is not stale; `python -m ocsf_pipe.ops.reference_page > docs/ops.md` renews it."""
    assert (Path(__file__).parents[2] / "docs" / "ops.md").read_text(encoding="utf-8") == page()
