"""The README is true: its commands run as they stand there, its mapping compiles, its Python works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from ocsf_pipe.bundled import mappings_dir
from ocsf_pipe.cli import build
from ocsf_pipe.engine.reference import interpret
from ocsf_pipe.mapping import compile_text
from ocsf_pipe.mapping.catalogue import catalogue
from ocsf_pipe.testing.near import as_records

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
INSTALLS = re.compile(r"^(git clone|python3 -m venv|pip install) .*\n", re.MULTILINE)
SAMPLES = mappings_dir() / "aws" / "cloudtrail" / "samples"
LOGIN = {
    "vpn_session": "s-1", "ts": "2026-02-10T08:00:00Z", "action": "login", "ok": True, "user": "ann",
    "mail": "ann@example.com", "client": "192.0.2.1",
}  # fmt: skip


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def _commands(part: str) -> str:
    """The one shell block with this text, without what installs: that is what CI does."""
    (block,) = [block for block in _blocks("sh") if part in block]
    return INSTALLS.sub("", block.replace("pip install . && ", ""))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's home folder, with CloudTrail files and the log of an application."""
    home = tmp_path_factory.mktemp("home")
    (home / "cloudtrail").mkdir()
    shutil.copy(SAMPLES / "console_login.input.ndjson", home / "cloudtrail")
    (home / "app.log").write_text(f"{json.dumps(LOGIN)}\n{json.dumps(LOGIN | {'action': 'logout'})}\n")
    return home


def _run(commands: str, home: Path) -> str:
    """What commands print; a command that fails ends them and the test."""
    program = Path(sys.executable).parent
    assert (program / "ocsf-pipe").exists(), "pip install -e '.[test]' puts the program beside Python"
    environment = {
        "HOME": str(home),
        "PATH": f"{program}:/usr/bin:/bin",
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        "LANG": "C.UTF-8",
    }
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{commands}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def test_the_demo_shows_tables_a_query_and_a_refused_record(home: Path) -> None:
    """The first command that a reader types."""
    shown = _run(_commands("ocsf-pipe demo"), home)
    assert "ocsf-pipe demo" in _commands("ocsf-pipe demo")
    assert "events in authentication" in shown
    assert "required attribute" in shown
    assert "mapping.yaml:" in shown


def test_five_minutes_with_cloudtrail_and_python(home: Path) -> None:
    """From files to a query over their events, and the same lake from Python."""
    shown = _run(_commands("~/cloudtrail/"), home)
    assert "Logon" in shown
    (python,) = _blocks("python")
    told = (
        python
        + "print(found.tables['authentication'].num_rows, Lake('lake').scan('authentication').collect().height)\n"
    )
    (home / "readme.py").write_text(told)
    one, several = _run("python readme.py", home).split()
    assert int(one) == 1
    assert int(several) > 0


def test_a_pipeline_is_checked_and_run(home: Path) -> None:
    """The file of the README, over the reader's own CloudTrail; a second run finds nothing new."""
    commands = _commands("pipeline.yaml")
    assert "ok, 1 source" in _run(commands, home)
    again = _run("ocsf-pipe query --format json 'select count(*) as n from authentication'", home)
    _run("ocsf-pipe run pipeline.yaml --once", home)
    assert _run("ocsf-pipe query --format json 'select count(*) as n from authentication'", home) == again


def test_rules_are_asked_of_the_lake(home: Path) -> None:
    """Over the same CloudTrail: what the rules find, their tests, and what the sources can feed."""
    _run("ocsf-pipe ingest ~/cloudtrail/ --lake ./lake", home)
    shown = _run(_commands("detect run"), home)
    assert "✓ Impossible travel" in shown
    assert "blind" in shown


def test_a_mapping_is_drafted_checked_explained_and_tested(home: Path) -> None:
    """With the commands in the order in which they stand."""
    assert "mapping.yaml" in _commands("mapping new")
    _run(_commands("mapping new"), home)
    assert compile_text((home / "mapping.yaml").read_text(encoding="utf-8")).routes


def test_the_mapping_gives_the_event_that_one_expects(home: Path) -> None:
    """The example of the language, on a record of the product that it is for."""
    (text,) = _blocks("yaml")
    told = interpret(compile_text(text), as_records((home / "app.log").read_text().splitlines()), clock=1)
    events = told.events["authentication"]
    assert [event["activity_name"] for event in events] == ["Logon", "Logoff"]
    assert events[0]["user"] == {"name": "ann", "email_addr": "ann@example.com"}
    assert events[0]["status"] == "Success"


def test_the_table_of_sources_is_the_catalogue() -> None:
    """Every mapping that ships is in it, and nothing else is."""
    table = README[README.index("| mapping |") :].split("\n\n")[0]
    rows = re.findall(r"^\| (`[a-z0-9_.`, ]+`) \|", table, re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"`([a-z0-9_.]+)`", row)) == sorted(catalogue())


def test_every_command_that_is_named_is_there() -> None:
    """In the prose too."""
    known = set(get_command(build()).commands)  # type: ignore[attr-defined]
    assert set(re.findall(r"ocsf-pipe ([a-z]+)\b", README)) <= known
