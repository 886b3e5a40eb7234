"""Peak memory is bounded by the batch, not by the file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run.acme import line

GIGABYTE = 1 << 30
MOST = 1536 << 20
RUN = """
import resource, sys
from pathlib import Path
from ocsf_pipe.memory import keep_for_now
keep_for_now()
from tests.run.acme import taken_in
report = taken_in(Path(sys.argv[1]), Path(sys.argv[2]))
print(report.written, report.missing, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.heavy
def test_a_gigabyte_is_taken_in_below_one_and_a_half(tmp_path: Path, lake: Path, checkout: Path) -> None:
    """Of resident memory, at its peak, in a process of its own."""
    path = tmp_path / "big.ndjson"
    block = b"".join(line(number, session="x" * 400, note="y" * 400) for number in range(1000))
    with path.open("wb") as file:
        for _ in range(GIGABYTE // len(block)):
            file.write(block)
    places = [str(checkout), str(checkout / "connectors"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    command = [sys.executable, "-c", RUN, str(lake), str(path)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    written, missing, peak = map(int, done.stdout.split())
    assert (written, missing) == (GIGABYTE // len(block) * 1000, 0)
    assert peak < MOST
