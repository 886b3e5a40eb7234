"""The README is true: its commands run, its Python runs, its mapping maps, its table is the catalogue."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ocsf_pipe import normalize
from ocsf_pipe.lake import Lake
from ocsf_pipe.mapping.catalogue import catalogue
from ocsf_pipe.run import Ingest

INSTALLING = ("git ", "pip ", "python3 ")
INTERACTIVE = ("ocsf-pipe shell",)


@pytest.fixture(scope="module")
def readme() -> str:
    """The text."""
    return (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def blocks(readme: str, language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)


@pytest.fixture
def home(tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch, readme: str) -> Path:
    """A place with what the commands expect: CloudTrail files, a log, a mapping with a sample."""
    samples = catalogue()["aws.cloudtrail"].path.parent / "samples"
    (tmp_path / "cloudtrail").mkdir()
    for name in ("console_login.input.ndjson", "log_file.input.json", "odd.input.ndjson"):
        (tmp_path / "cloudtrail" / name).write_bytes((samples / name).read_bytes())
    (tmp_path / "app.log").write_text('{"ts": "2026-02-10T08:00:00Z", "vpn_session": "1", "user": "ann", "ok": true}\n')
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    program = bin_folder / "ocsf-pipe"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ocsf_pipe "$@"\n')
    program.chmod(0o755)
    places = [str(checkout), str(checkout / "connectors"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(places))
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands(block: str) -> list[str]:
    """The commands of a block that are neither for installing nor for a person at a terminal."""
    joined = re.sub(r'"[^"]*"', lambda quoted: quoted[0].replace("\n", " "), block)
    parts = [part.strip() for line in joined.splitlines() for part in line.split("#")[0].split("&&")]
    return [part for part in parts if part.startswith("ocsf-pipe") and not part.startswith(INTERACTIVE)]


def ran(command: str) -> int:
    """Run a command with the shell; its exit code, after nothing that looks like a crash."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in {0, 3}, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.returncode


def test_the_cloudtrail_commands_run(readme: str, home: Path) -> None:
    """From files to a query: every command of that section, in its order."""
    (block,) = [block for block in blocks(readme, "sh") if "ocsf-pipe ingest" in block]
    assert [ran(command) for command in commands(block)] == [3, 0, 0]
    assert Lake(home / "lake").sql("select count(*) n from authentication").to_pylist()[0]["n"] > 0


def test_the_mapping_commands_run(readme: str, home: Path) -> None:
    """A draft is written; the mapping of the page is checked, explained, tested and covered."""
    (block,) = [block for block in blocks(readme, "sh") if "mapping new" in block]
    new, *others = commands(block)
    assert ran(new) == 0
    assert "mapping:" in (home / "mapping.yaml").read_text()
    (home / "mapping.yaml").write_text(blocks(readme, "yaml")[0])
    (home / "samples").mkdir()
    (home / "samples" / "one.input.ndjson").write_bytes((home / "app.log").read_bytes())
    ran("ocsf-pipe mapping test mapping.yaml --update")
    assert [ran(command) for command in others] == [0] * len(others)


def test_the_mapping_maps(readme: str, home: Path) -> None:
    """The YAML of the page compiles and makes a sign-in of a record."""
    path = home / "page.yaml"
    path.write_text(blocks(readme, "yaml")[0])
    record = {"vpn_session": "1", "ts": "2026-02-10T08:00:00Z", "action": "login", "ok": True, "user": "ann"}
    found = normalize([{**record, "client": "192.0.2.7"}], path)
    (event,) = found.tables["authentication"].to_pylist()
    assert (event["activity_name"], event["status"], event["user"]["name"]) == ("Logon", "Success", "ann")
    assert event["src_endpoint"]["ip"] == "192.0.2.7"


def test_the_python_runs(readme: str, home: Path) -> None:
    """In a folder with a lake."""
    Ingest(Lake("lake", create=True)).run([home / "cloudtrail"])
    (code,) = blocks(readme, "python")
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["found"].tables["authentication"].num_rows == 1  # type: ignore[attr-defined]


def test_the_table_is_the_catalogue(readme: str) -> None:
    """Every mapping that ships is in the table, and nothing else is."""
    rows = re.findall(r"^\| (`[a-z_.`, ]+`) \|", readme, re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"`([a-z_.]+)`", row)) == sorted(catalogue())


def test_every_command_of_the_page_is_there(readme: str) -> None:
    """A command that is named in the prose is a command of the program."""
    from typer.main import get_command

    from ocsf_pipe.cli import build

    known = set(get_command(build()).commands)  # type: ignore[attr-defined]
    assert set(re.findall(r"ocsf-pipe ([a-z]+)\b", readme)) <= known
