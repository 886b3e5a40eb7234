"""What does `ocsf-pipe ingest` of the file cost, from records to queryable tables?

`python -m benchmarks.ingest_okta FILE LAKE` prints the events per CPU second of one ingest into a new lake.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import PROGRAM, measure


def command(source: Path, lake: Path) -> Sequence[str]:
    """Return the command that a user would type, run by this Python."""
    return [*PROGRAM, "ingest", str(source), "--lake", str(lake), "--mapping", "okta/system_log"]


def _main() -> None:
    parser = argparse.ArgumentParser(description="Ingest an Okta System Log into a new lake.")
    parser.add_argument("source", type=Path)
    parser.add_argument("lake", type=Path)
    wanted = parser.parse_args()
    shutil.rmtree(wanted.lake, ignore_errors=True)
    cost = measure(command(wanted.source, wanted.lake))
    with wanted.source.open("rb") as file:
        events = sum(1 for _ in file)
    print(f"{events:,} events, {cost.cpu:.2f} CPU s, {events / cost.cpu:,.0f} a CPU second, {cost.peak_mb:,.0f} MB")


if __name__ == "__main__":
    _main()
