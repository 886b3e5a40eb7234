"""The incident playbooks and the guided example are true: each is in the list, and the example gives what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ocsf_pipe.bundled import detections_dir
from ocsf_pipe.lake import Lake
from tests.cli.program import Program

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = DOCS / "guides" / "prompt-injection.md"
SHOWN = re.compile(r"^```sql\n(.*?)^```\n\n((?:\|[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
PLAYBOOKS = sorted(page for page in (DOCS / "playbooks").glob("*.md") if page.name != "README.md")
QUERIES = 5


def test_every_playbook_is_in_the_list() -> None:
    """The list names each page and its heading."""
    text = (DOCS / "playbooks" / "README.md").read_text(encoding="utf-8")
    for page in PLAYBOOKS:
        heading = page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert f"[{heading}]({page.name})" in text


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def _said(value: object) -> str:
    if value is None:
        return ""
    return "[" + ", ".join(f'"{one}"' for one in value) + "]" if isinstance(value, list) else str(value)


def test_the_guided_example_gives_what_it_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its two commands and its five queries, on the records beside it, give the tables of the page."""
    lake = tmp_path / "lake"
    text = GUIDE.read_text(encoding="utf-8")
    (commands,) = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for line in commands.strip().splitlines():
        words = (
            line.replace("./lake", str(lake))
            .replace("docs/", f"{DOCS}/")
            .replace("detections/", f"{detections_dir()}/")
        )
        assert Program(capsys)(*words.split()[1:]).code == 0
    shown = SHOWN.findall(text)
    assert len(shown) == QUERIES
    for query, table in shown:
        head, _, *rows = table.strip().splitlines()
        found = Lake(str(lake)).sql(query)
        assert found.column_names == _cells(head)
        assert [[_said(value) for value in row.values()] for row in found.to_pylist()] == [_cells(row) for row in rows]
