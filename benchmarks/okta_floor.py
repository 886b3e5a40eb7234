"""What would `ocsf-pipe ingest` cost if mapping cost nothing?

`python -m benchmarks.okta_floor [--events N] [--rounds N] [--tenzir BIN --library DIR]`: the records of the file are
cut from it, and the events that they were mapped to before (not measured) are written to a new lake in as many batches
as an ingest makes. What that costs no mapping can undercut, however quick; beside it DuckDB's COPY, which maps nothing
either, and a fifth of what Tenzir's mapping costs, which is what five times its speed leaves. CPU seconds, medians; in
benchmarks/results/okta-floor.json, too.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import duckdb_copy, ingest_okta, tenzir_okta
from benchmarks.measure import DATA, ROOT, circumstances, measure
from benchmarks.okta_events import write_okta
from benchmarks.run import PACKAGES

if TYPE_CHECKING:
    import pyarrow as pa

    from ocsf_pipe.lake import Lake

MAPPING = "okta/system_log"


def floor(source: Path, mapped: Path, lake: Path) -> dict[str, float]:
    """Return the CPU seconds of this process for its imports, for reading and for writing what lies in `mapped`."""
    from ocsf_pipe.lake import Lake, Txn
    from ocsf_pipe.run.ingest import BATCH_BYTES
    from ocsf_pipe.run.recognise import choose

    new = Lake(lake, create=True)
    costs = {"imports": time.process_time()}
    chosen = choose(source, MAPPING)
    costs["reading"] = _cpu(lambda: sum(1 for _ in chosen.format.read(source.open("rb"), chosen.settings)))
    batches = list(_batches(Lake(mapped), -(-source.stat().st_size // BATCH_BYTES)))

    def write() -> None:
        for number, tables in enumerate(batches):
            txn = Txn("ingest", "files", "floor", number, "", number, number + 1, time.time_ns() // 1_000_000)
            new.begin(txn)
            new.finish(txn, {"tables": dict(new.commit(txn, tables))})

    costs["writing"] = _cpu(write)
    return costs


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _batches(lake: "Lake", count: int) -> "Iterator[dict[str, pa.Table]]":
    """The rows of every table in `count` parts."""
    from ocsf_pipe.lake.shape import together

    scans = {name: lake.scan(name).drop("event_day") for name in lake.tables()}
    whole = {name: together([scan.collect().to_arrow()]) for name, scan in scans.items()}
    for number in range(count):
        yield {name: _part(table, number, count) for name, table in whole.items()}


def _part(table: "pa.Table", number: int, count: int) -> "pa.Table":
    start, end = (len(table) * at // count for at in (number, number + 1))
    return table.slice(start, end - start)


def _once(source: Path, mapped: Path, level: str) -> Mapping[str, float]:
    """The costs by a process of its own."""
    shutil.rmtree(DATA / "floor", ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.okta_floor", "--once", str(source), str(mapped)]
    found = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ, "OCSF_PIPE_INTEGRITY": level}
    )
    costs: dict[str, float] = json.loads(found.stdout)
    return costs


def _main() -> None:
    parser = argparse.ArgumentParser(description="What an ingest costs without its mapping.")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tenzir", default=shutil.which("tenzir"))
    parser.add_argument("--library", type=Path, help="the package library of Tenzir that holds okta/")
    parser.add_argument("--once", nargs=2, type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.once:
        source, mapped = wanted.once
        print(json.dumps(floor(source, mapped, DATA / "floor")))
        return
    DATA.mkdir(exist_ok=True)
    source, mapped, parquet = DATA / f"okta-{wanted.events}.ndjson", DATA / "lake", DATA / "copy.parquet"
    write_okta(source, wanted.events)
    shutil.rmtree(mapped, ignore_errors=True)
    measure(ingest_okta.command(source, mapped))
    seen: dict[str, list[float]] = {}
    for _ in range(wanted.rounds):
        for level in ("rows", "files"):
            for part, cpu in _once(source, mapped, level).items():
                seen.setdefault(f"{part}, attesting {level}", []).append(cpu)
        seen.setdefault("duckdb copy, 1 thread", []).append(measure(duckdb_copy.command(source, parquet, 1)).cpu)
        if wanted.tenzir and wanted.library:
            cost = measure(tenzir_okta.command(wanted.tenzir, wanted.library, source))
            seen.setdefault("a fifth of tenzir map", []).append(cost.cpu / 5)
    medians = {name: round(statistics.median(several), 2) for name, several in seen.items()}
    for level in ("rows", "files"):
        parts = [medians[f"{part}, attesting {level}"] for part in ("imports", "reading", "writing")]
        medians[f"all but mapping, attesting {level}"] = round(sum(parts), 2)
    for name, cpu in medians.items():
        print(f"{name:36}{cpu:8.2f} CPU s")
    result = {**circumstances(PACKAGES), "medians": medians, "rounds": seen}
    (ROOT / "benchmarks/results/okta-floor.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    _main()
