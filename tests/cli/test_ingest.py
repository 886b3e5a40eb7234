"""`ocsf-pipe ingest`: what it prints and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ocsf_pipe.run.batch import Mapped
from tests.cli.conftest import RECORDS
from tests.cli.program import Program


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Five records, one of them without a time."""
    path = tmp_path / "a.log"
    path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    return path


def test_json_is_the_whole_account(program: Program, folder: Path, log: Path, tmp_path: Path) -> None:
    """Every record is written, quarantined or dropped; exit code 3 says that some are in quarantine."""
    ended = program("ingest", log, "--mapping", folder, "--lake", tmp_path / "l", "--json")
    found = json.loads(ended.out)
    assert ended.code == 3
    assert [found[key] for key in ("records", "written", "quarantined", "dropped", "missing")] == [5, 3, 1, 1, 0]
    assert found["events"] == {"authentication": 2, "base_event": 1}
    assert {(one["attribute"], one["values"]) for one in found["not_converted"]} == {
        ("src_endpoint.ip", 1),
        ("src_endpoint.port", 1),
    }


def test_exit_codes_tell_the_truth(program: Program, folder: Path, log: Path, tmp_path: Path) -> None:
    """0 for nothing refused, 1 for what cannot be, 2 for wrong usage; the second ingest finds nothing new."""
    rest = ("--mapping", folder, "--lake", tmp_path / "l")
    assert program("ingest", log, *rest).code == 3
    again = program("ingest", log, *rest)
    assert (again.code, "files the lake has already" in again.out) == (0, True)
    none = program("ingest", tmp_path / "none", *rest)
    assert (none.code, "no such file" in none.err) == (1, True)
    unknown = program("ingest", log, "--mapping", "acme.portl", "--lake", tmp_path / "l")
    assert (unknown.code, "no mapping `acme.portl`" in unknown.err) == (1, True)
    assert program("ingest").code == 2


WATCHED = """
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "pyarrow":
            sys.meta_path.remove(self)
            print(os.environ["MIMALLOC_PURGE_DELAY"], os.environ["MIMALLOC_ALLOW_THP"], file=sys.stderr)
sys.meta_path.insert(0, Watch())
from ocsf_pipe.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize(("given", "found"), [({}, "-1 0"), ({"MIMALLOC_PURGE_DELAY": "5"}, "5 0")])
def test_arrow_is_told_how_to_keep_memory_before_it_is_loaded(
    folder: Path, log: Path, tmp_path: Path, given: dict[str, str], found: str
) -> None:
    """Its allocator reads the environment once; what the user set stays."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MIMALLOC_")}
    command = [sys.executable, "-c", WATCHED, "ingest", *map(str, [log, "--mapping", folder, "--lake", tmp_path])]
    done = subprocess.run(command, env={**clean, **given}, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr.splitlines()[0]) == (3, found)


def test_an_account_that_does_not_add_up_is_exit_code_4(
    program: Program, folder: Path, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the batch is in the lake then."""
    take = Mapped.take

    def lose(mapped: Mapped, *given: Any) -> None:
        mapped.report.records += 1
        take(mapped, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Mapped, "take", lose)
        ended = program("ingest", log, "--mapping", folder, "--lake", tmp_path / "l")
    assert (ended.code, "neither written nor quarantined nor dropped" in ended.err) == (4, True)
    assert not list((tmp_path / "l").glob("*/*/*.parquet"))
