"""`ocsf-pipe shell`: statements until a `;`, dot commands, errors that do not end a session on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from ocsf_pipe.cli import shell
from ocsf_pipe.cli.statements import split_statements
from tests.cli.program import Ended, Program


@pytest.mark.parametrize(
    ("text", "done", "rest"),
    [
        ("select 1; select 2;", ["select 1", "select 2"], ""),
        ("select 1\n", [], "select 1\n"),
        ("select ';', \"a;b\";", ["select ';', \"a;b\""], ""),
        ("select 'it''s; fine'; x", ["select 'it''s; fine'"], " x"),
        ("select 1 -- no; yes\n;", ["select 1 -- no; yes"], ""),
        ("select /* ; */ 1;", ["select /* ; */ 1"], ""),
        ("select $$;$$, $a$;$$;$a$;", ["select $$;$$, $a$;$$;$a$"], ""),
        ("select 'open; ", [], "select 'open; "),
        (" ; ;; -- only this\n;", [], ""),
        ("select 4-2/1;", ["select 4-2/1"], ""),
    ],
)
def test_statement_ends_with_a_semicolon_of_its_own(text: str, done: list[str], rest: str) -> None:
    """A semicolon in quotes, dollar quotes or a comment ends nothing; empty statements are left out."""
    assert split_statements(text) == (done, rest)


def piped(program: Program, lake: Path, monkeypatch: pytest.MonkeyPatch, text: str, *args: str) -> Ended:
    """Run the shell on piped text."""
    monkeypatch.setattr("sys.stdin", StringIO(text))
    return program("shell", "--lake", lake, *args)


def test_piped_statements_run_in_order(program: Program, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each prints its result; the last needs no semicolon; one may take several lines."""
    ended = piped(program, lake, monkeypatch, "select 1 as a; select\n2 as b;\nselect 3 as c\n", "-f", "csv")
    assert (ended.code, ended.out) == (0, "a\n1\nb\n2\nc\n3\n")


def test_piped_error_ends_the_run(program: Program, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands behind a wrong statement is not run, and the exit code says so."""
    ended = piped(program, lake, monkeypatch, "select 1 as a; select x; select 2 as b;", "-f", "csv")
    assert (ended.code, ended.out) == (1, "a\n1\n")
    assert ended.err.startswith("error: ")


def test_piped_shell_only_reads(program: Program, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that writes is refused."""
    ended = piped(program, lake, monkeypatch, "create table x as select 1;")
    assert ended.code == 1
    assert "a query only reads" in ended.err


def test_dot_commands_work_in_a_pipe(program: Program, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.tables` counts rows, `.schema` lists columns, `.quit` ends it."""
    ended = piped(program, lake, monkeypatch, ".tables\n.schema authentication\n.quit\nselect 1 as never;\n")
    assert ended.code == 0
    assert "authentication     2" in ended.out
    assert "class_uid" in ended.out
    assert "never" not in ended.out


def test_session_outlives_mistakes(
    program: Program, lake: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a terminal an error is shown and the next statement runs; Ctrl-C forgets a statement, Ctrl-D leaves."""
    typed: Iterator[str | type[BaseException]] = iter(
        ["select forgotten", KeyboardInterrupt, "select x;", ".tabels", "select 7", "as seven;", EOFError]
    )

    def answer(_prompt: str) -> str:
        found = next(typed)
        if isinstance(found, str):
            return found
        raise found

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("sys.stdin", type("Terminal", (StringIO,), {"isatty": lambda _: True})())
    monkeypatch.setattr(shell, "_remember", lambda: None)
    ended = program("shell", "--lake", lake, "-f", "csv")
    assert ended.code == 0
    assert "seven\n7\n" in ended.out
    assert ended.err.count("error: ") == 2
    assert "did you mean `.tables`?" in ended.err
    assert "forgotten" not in ended.err
