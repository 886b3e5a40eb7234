"""How results are printed."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from io import StringIO

import pytest

from ocsf_pipe.cli.output import Format, cell, plain, print_json, print_table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("plain", "plain"),
        (True, "true"),
        (7, "7"),
        (Decimal(12345678901234567890), "12345678901234567890"),
        (Decimal("1.5"), "1.5"),
        (float("nan"), ""),
        (b"\x00\xff", "AP8="),
        (dt.date(2026, 2, 10), "2026-02-10"),
        (dt.datetime(2026, 2, 10, 9, 8, 7, tzinfo=dt.UTC), "2026-02-10T09:08:07+00:00"),
        ({"a": [1, None]}, '{"a": [1, null]}'),
        (["ü"], '["ü"]'),
    ],
)
def test_every_value_has_one_text(value: object, text: str) -> None:
    """Nulls are empty, nested values are JSON, nothing is a Python spelling."""
    assert cell(value) == text


def test_json_takes_what_the_engine_gives() -> None:
    """Times, decimals and bytes inside lists and objects become JSON values."""
    value = {"at": [dt.datetime(2026, 2, 10, tzinfo=dt.UTC)], "n": Decimal("3.0"), 5: float("inf")}
    assert json.loads(json.dumps(plain(value))) == {"at": ["2026-02-10T00:00:00+00:00"], "n": 3, "5": None}


def test_forms_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line, or one list."""
    print_json([{"a": 1}, {"a": 2}])
    assert capsys.readouterr().out == '{"a": 1}\n{"a": 2}\n'
    print_json([{"a": 1}], Format.json)
    assert json.loads(capsys.readouterr().out) == [{"a": 1}]


def test_plain_columns_keep_one_row_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Line breaks inside a cell are escaped, numbers stand right, no cell is cut."""
    print_table(("name", "n"), [("a\nb", 5), ("x" * 300, -10)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("a\\nb")
    assert lines[2] == "x" * 300 + "  -10"
    assert lines[1].endswith("    5")


def test_terminal_gets_a_box_and_short_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal there is a frame, markup in values is shown and not obeyed, and a long cell is cut."""
    out = type("Terminal", (StringIO,), {"isatty": lambda _: True})()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setenv("COLUMNS", "200")
    print_table(("name",), [("[red]not red[/red]",), ("y" * 500,)])
    text = out.getvalue()
    assert "╭" in text
    assert "[red]not red[/red]" in text
    assert text.count("y") == 120
