"""What does Tenzir's own mapping of the file cost, with its result thrown away?

Tenzir: `pip install tenzir` in an environment of its own. Its mapping: the folder of Tenzir's public package library
(the repository `tenzir/library`) that holds `okta/`.

`python -m benchmarks.tenzir_okta FILE --tenzir BIN --library DIR` prints its events per CPU second.
"""

import argparse
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import measure


def command(binary: str, library: Path, source: Path) -> Sequence[str]:
    """Return the command that reads, maps, derives and casts every record, and writes nothing."""
    return [binary, f"--package-dirs={library}", _pipeline(library, source)]


def version(binary: str) -> str:
    """Return the release of a Tenzir binary."""
    answer = subprocess.run([binary, "version"], capture_output=True, text=True, check=True).stdout
    return next(line.split('"')[1] for line in answer.splitlines() if line.strip().startswith("version:"))


def _pipeline(library: Path, source: Path) -> str:
    # Releases of the package from `normalize` on sanitise while they read; those before it, in `map`.
    if (library / "okta/operators/ocsf/normalize.tql").exists():
        return f'from_file "{source}" {{ okta::read }}\nokta::ocsf::normalize\nocsf_cast\ndiscard'
    return f'from_file "{source}" {{ read_ndjson }}\nokta::ocsf::map\nocsf_cast\ndiscard'


def _main() -> None:
    parser = argparse.ArgumentParser(description="Map an Okta System Log with Tenzir.")
    parser.add_argument("source", type=Path)
    parser.add_argument("--tenzir", default=shutil.which("tenzir"))
    parser.add_argument("--library", type=Path, required=True)
    wanted = parser.parse_args()
    cost = measure(command(wanted.tenzir, wanted.library, wanted.source.resolve()))
    with wanted.source.open("rb") as file:
        events = sum(1 for _ in file)
    print(f"Tenzir {version(wanted.tenzir)}: {events / cost.cpu:,.0f} events a CPU second ({cost.cpu:.2f} CPU s)")


if __name__ == "__main__":
    _main()
