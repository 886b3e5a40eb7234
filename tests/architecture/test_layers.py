"""Imports go strictly downward, and a third-party client stays in its room."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.architecture.sources import ROOT


def test_every_import_contract_is_kept() -> None:
    """The contracts are in pyproject.toml; import-linter names each import that breaks one."""
    program = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert program, "the test extra installs import-linter"
    # Installed, the connectors are a package beside ours; in a bare checkout they lie in a folder of their own.
    places = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "connectors"), str(ROOT)])}
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, env=places, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_help_loads_no_engine() -> None:
    """`--help` is instant: it imports neither DuckDB, Arrow, Polars nor Delta."""
    heavy = "duckdb", "pyarrow", "polars", "deltalake", "sqlglot", "jsonschema"
    code = f"import sys, ocsf_pipe.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
