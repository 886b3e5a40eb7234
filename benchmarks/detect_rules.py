"""How long do all Windows process rules take over a million process events?

python -m benchmarks.detect_rules RULES… [--events 1000000] [--shape realistic even] [--workers 1 2] [--repeat 5]
    [--naive 5]

The figures are printed, and written to benchmarks/results/NAME.json (`--name`, else `detect`) with machine and commit.
The events are those of `benchmarks/process_events.py`.

The rules are read and compiled beforehand; what is timed is Parquet files → fires, the start of processes included.
`--naive` rules are also run one query each, as SQL over the same files, scaled to all of them; their fires, and those
of as many rules that fire most, are compared.
"""

# Nothing heavy is imported here: worker processes import the main module again.
from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocsf_pipe.detect.rules import Rule
    from ocsf_pipe.detect.scan import Scan

TABLE = "process_activity"
MEGABYTE = 10
"""Bits of a megabyte beyond those of a kilobyte, in which the system counts."""


def naive(scan: Scan, files: list[str], count: int, fires: Counter[int]) -> tuple[float, int]:
    """Seconds of one query for each of some rules, and for how many of them the number of fires differs."""
    import duckdb

    connection = duckdb.connect()
    conditions: dict[int, list[str]] = {}
    for one in scan.asked:
        conditions.setdefault(one.rule, []).append(f"({one.question.condition})")
    often = [rule for rule, _ in fires.most_common(count)]
    some = random.Random(1).sample(sorted(conditions), min(count, len(conditions)))
    started, differ = time.monotonic(), 0
    for rule in some:
        differ += _count(connection, files, conditions[rule]) != fires[rule]
    each = (time.monotonic() - started) / len(some)
    return each, differ + sum(_count(connection, files, conditions[rule]) != fires[rule] for rule in often)


def _count(connection: object, files: list[str], conditions: Sequence[str]) -> int:
    query = f"select count(*) from read_parquet({files}) where {' or '.join(conditions)}"
    [(number,)] = connection.sql(query).fetchall()  # type: ignore[attr-defined]
    return int(number)


def main() -> None:
    """Print one line for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rules", nargs="+")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--shape", nargs="+", default=["realistic", "even"], choices=["realistic", "even"])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=5, help="runs of which the median is told")
    parser.add_argument("--naive", type=int, default=5)
    parser.add_argument("--name", default="detect")
    asked = parser.parse_args()
    from benchmarks.measure import ROOT, circumstances
    from ocsf_pipe.detect.rules import load_rules

    rules = [rule for rule in load_rules(asked.rules) if _is_process(rule)]
    result = {
        **circumstances(["ocsf-pipe", "duckdb", "polars", "pyarrow"]),
        "rules": len(rules),
        "events": asked.events,
        "shapes": {shape: _shape(rules, shape, asked) for shape in asked.shape},
    }
    path = ROOT / "benchmarks" / "results" / f"{asked.name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


def _shape(rules: Sequence[Rule], shape: str, asked: argparse.Namespace) -> dict[str, object]:
    import pyarrow.parquet as pq

    from benchmarks.process_events import write
    from ocsf_pipe.detect.columns import paths_of
    from ocsf_pipe.detect.convert import Converter
    from ocsf_pipe.detect.fieldmap import FieldMap
    from ocsf_pipe.detect.scan import compiled
    from ocsf_pipe.mapping.catalogue import find_mapping

    with tempfile.TemporaryDirectory() as folder:
        files = write(Path(folder), asked.events, shape)
        tables = {TABLE: paths_of(pq.read_schema(files[0]))}
        started = time.monotonic()
        scan = compiled(rules, Converter(FieldMap([find_mapping("microsoft.sysmon").plan]), tables))[TABLE]
        compiled_in = time.monotonic() - started
        print(f"{shape}: {len(rules)} rules, {asked.events} events; compiled in {compiled_in:.1f} s", flush=True)
        scale = 1000 / len(rules) * 1_000_000 / asked.events
        found = {workers: _one(scan, files, workers, scale, asked.repeat) for workers in asked.workers}
        result: dict[str, object] = {"compiled_in": round(compiled_in, 1)}
        result["processes"] = {workers: figures for workers, (figures, _) in found.items()}
        fires = [counted for _, counted in found.values()]
        result["fires_alike"] = all(one == fires[0] for one in fires)
        if asked.naive:
            each, differ = naive(scan, files, asked.naive, fires[0])
            each *= 1000 * 1_000_000 / asked.events
            print(f"naive, a query a rule: {each:.0f} s per 1,000 rules per million; other fires: {differ}", flush=True)
            result["naive_per_1000_rules_and_million_events"] = round(each)
            result["rules_with_other_fires_than_naive"] = differ
    return result


def _one(
    scan: Scan, files: list[str], workers: int, scale: float, repeat: int
) -> tuple[dict[str, object], Counter[int]]:
    """The figures of the run of median wall time, and how often each rule fires."""
    runs = [_run(scan, files, workers) for _ in range(repeat)]
    took, cpu, fires = sorted(runs, key=lambda run: run[0])[repeat // 2]
    peak = (
        max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) >> MEGABYTE
    )
    print(
        f"{workers} processes: {took:.1f} s ({cpu:.1f} s CPU), {fires.total()} fires of {len(fires)} rules, "
        f"{took * scale:.2f} s ({cpu * scale:.2f} s CPU) per 1,000 rules per million events, peak {peak} MB a process; "
        f"median of {', '.join(f'{one[0]:.1f}' for one in runs)} s",
        flush=True,
    )
    figures = {"wall": took, "cpu": cpu, "wall_scaled": took * scale, "cpu_scaled": cpu * scale}
    rounded = {name: round(number, 2) for name, number in figures.items()}
    walls = [round(one[0], 2) for one in runs]
    return {
        "fires": fires.total(), "rules_that_fire": len(fires), "peak_mb_a_process": peak, **rounded, "walls": walls
    }, fires  # fmt: skip


def _run(scan: Scan, files: list[str], workers: int) -> tuple[float, float, Counter[int]]:
    from ocsf_pipe.detect.workers import fires_in

    started, before = time.monotonic(), _cpu()
    found = fires_in(scan, f"read_parquet({files})", [f"read_parquet('{file}')" for file in files], workers)
    return time.monotonic() - started, _cpu() - before, Counter(found["rule"].to_pylist())


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _is_process(rule: Rule) -> bool:
    return {("category", "process_creation"), ("product", "windows")} <= set(rule.logsource) and rule.tree is not None


if __name__ == "__main__":
    main()
