"""The program as a whole: help is instant, errors are short, exit codes mean something."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from ocsf_pipe.cli import COMMANDS, build
from tests.cli.program import Program

HEAVY = "duckdb pyarrow polars deltalake sqlglot jsonschema ocsf_json_schema numpy yaml orjson".split()
LOADED = f"""
import sys
from ocsf_pipe.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""


def commands() -> list[tuple[str, ...]]:
    """Every command and group as it is typed."""
    from typer.main import get_command

    found: list[tuple[str, ...]] = []
    pending: list[tuple[tuple[str, ...], object]] = [((), get_command(build()))]
    while pending:
        path, command = pending.pop()
        found.append(path)
        for name, inner in sorted(getattr(command, "commands", {}).items()):
            pending.append(((*path, name), inner))
    return sorted(found)


@pytest.mark.parametrize("args", [["--help"], ["mapping", "--help"], ["query", "--help"], ["--version"], ["nonsense"]])
def test_help_loads_nothing_heavy(args: list[str]) -> None:
    """Help, the version and a wrong command load no engine, no schema and no table format."""
    ran = subprocess.run([sys.executable, "-c", LOADED, *args], capture_output=True, text=True, check=True)
    assert ran.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...], program: Program) -> None:
    """The help of a command says what it does and shows one use of it; that of a group lists its commands."""
    ended = program(*path, "--help")
    assert ended.code == 0
    words = re.sub(r"\s+", " ", ended.out)
    assert "Usage: ocsf-pipe" in words
    assert "Commands" in words or "Example: " in words


def test_every_listed_module_gives_a_command() -> None:
    """COMMANDS is the whole list: each module in it adds something to the help."""
    names = {path[0] for path in commands() if path}
    assert len(names) >= len(COMMANDS)


def test_error_is_a_line_and_a_hint(program: Program) -> None:
    """What is not there is named on standard error, with what to do about it, and the exit code is 1."""
    ended = program("schema", "show", "authenticaton")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines() == [
        "error: there is no class or object `authenticaton` in OCSF 1.8.0",
        "  hint: did you mean `authentication`?",
    ]


def test_wrong_usage_exits_with_2(program: Program) -> None:
    """An option that is not there is wrong usage, not an error of the work."""
    assert program("schema", "show", "--wings").code == 2


def test_version_is_that_of_the_package(program: Program) -> None:
    """`--version` prints the version that is installed, or says that none is."""
    try:
        expected = version("ocsf-pipe")
    except PackageNotFoundError:
        expected = "(not installed)"
    assert program("--version").out == f"ocsf-pipe {expected}\n"
