"""`ocsf-pipe query`: one reading statement, its result in the form that was asked for."""

from __future__ import annotations

import json
from io import BytesIO, StringIO
from pathlib import Path

import pyarrow as pa
import pytest

from ocsf_pipe.cli.asking import reworded
from tests.cli.program import Program

SQL = "select user.name as who, src_endpoint.port as port from authentication order by who"


def test_table_in_a_pipe_is_plain_columns(program: Program, lake: Path) -> None:
    """Without a terminal a table has neither boxes nor colours, numbers stand right."""
    ended = program("query", SQL, "--lake", lake)
    assert ended.code == 0
    assert ended.out.splitlines() == ["who  port", "ana   443", "bo"]


def test_json_is_one_list(program: Program, lake: Path) -> None:
    """`json` is a list of objects, nulls included."""
    ended = program("query", SQL, "--lake", lake, "--format", "json")
    assert json.loads(ended.out) == [{"who": "ana", "port": 443}, {"who": "bo", "port": None}]


def test_ndjson_is_one_object_a_line(program: Program, lake: Path) -> None:
    """`ndjson` keeps nested values nested, times as ISO 8601."""
    ended = program("query", "select user u, time_dt t from authentication limit 1", "--lake", lake, "-f", "ndjson")
    (line,) = ended.out.splitlines()
    found = json.loads(line)
    assert found["u"]["name"] in {"ana", "bo"}
    assert found["t"].startswith("2026-02-10T09:00:0")


def test_csv_has_a_header_and_json_in_cells(program: Program, lake: Path) -> None:
    """`csv` writes nested values as JSON text."""
    sql = "select {'a': [1, 2]} as x, 'a,b' as y"
    assert program("query", sql, "--lake", lake, "-f", "csv").out == 'x,y\n"{""a"": [1, 2]}","a,b"\n'


def test_arrow_is_a_stream(lake: Path, monkeypatch: pytest.MonkeyPatch, program: Program) -> None:
    """`arrow` writes an IPC stream with the types of the result."""

    class Out(StringIO):
        buffer = BytesIO()

    out = Out()
    monkeypatch.setattr("sys.stdout", out)
    assert program("query", SQL, "--lake", lake, "-f", "arrow").code == 0
    table = pa.ipc.open_stream(out.buffer.getvalue()).read_all()
    assert table.column("port").to_pylist() == [443, None]


def test_statement_may_come_from_standard_input(program: Program, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads the statement, a semicolon at its end does not matter."""
    monkeypatch.setattr("sys.stdin", StringIO("select 1 as one;\n"))
    assert program("query", "-", "--lake", lake, "-f", "ndjson").out == '{"one": 1}\n'


def test_lake_comes_from_the_environment(program: Program, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OCSF_PIPE_LAKE stands in for `--lake`."""
    monkeypatch.setenv("OCSF_PIPE_LAKE", str(lake))
    assert program("query", "select count(*) n from authentication", "-f", "csv").out == "n\n2\n"


def test_lake_is_here_by_default(program: Program, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without both it is the folder `lake` of the working directory."""
    monkeypatch.delenv("OCSF_PIPE_LAKE", raising=False)
    monkeypatch.chdir(lake.parent)
    assert program("query", "select count(*) n from authentication", "-f", "csv").out == "n\n2\n"


@pytest.mark.parametrize(
    ("sql", "fact", "hint"),
    [
        ("select * from authentcation", "there is no table `authentcation`", "`authentication`"),
        ("select servce from authentication", "`servce`", "`service`"),
        ("select user.nam from authentication", "`nam`", "`name`"),
        ("selec 1", "syntax error", ""),
        ("drop table authentication", "a query only reads", "select"),
        ("copy (select 1) to 'x.csv'", "a query only reads", "select"),
    ],
)
def test_mistake_is_named_with_the_nearest_name(program: Program, lake: Path, sql: str, fact: str, hint: str) -> None:
    """What is not there or not allowed is an error of one fact, with the nearest names as the hint."""
    ended = program("query", sql, "--lake", lake)
    assert (ended.code, ended.out) == (1, "")
    first, *rest = ended.err.splitlines()
    assert first.startswith("error: ")
    assert fact in first
    assert hint in "".join(rest)


def test_place_of_a_syntax_error_is_shown() -> None:
    """The line and the caret of DuckDB's message are kept."""
    error = reworded('Parser Error: syntax error at or near "x"\n\nLINE 1: select x x x\n                 ^')
    assert str(error) == "syntax error at or near `x`\nLINE 1: select x x x\n                 ^"
    assert error.hint is None


def test_no_lake_is_an_error(program: Program, tmp_path: Path) -> None:
    """A folder that is not there is said to be no lake."""
    ended = program("query", "select 1", "--lake", tmp_path / "none")
    assert ended.code == 1
    assert "there is no lake at" in ended.err
