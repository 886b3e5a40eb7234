"""How does ocsf-pipe compare with DuckDB's raw load and with Tenzir on the same 200,000 Okta records?

`python -m benchmarks.run [--events N] [--rounds N] [--tenzir BIN --library DIR] [--name NAME]`: every contender in
turn, several rounds, medians of CPU seconds; the table on the screen and benchmarks/results/NAME.json with machine,
versions and commit. Targets: at most 2.0 times the CPU of DuckDB's COPY on one thread, at least 5 times the events per
CPU second of Tenzir.
"""

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import duckdb_copy, ingest_okta, tenzir_okta
from benchmarks.measure import DATA, ROOT, Contender, Cost, circumstances, median, rounds
from benchmarks.okta_events import write_okta

OURS, COPY, COPY_ALL, TENZIR = "ocsf-pipe ingest", "duckdb copy, 1 thread", "duckdb copy", "tenzir map"
FILES = "ocsf-pipe, attesting files"
PACKAGES = ("ocsf-pipe", "duckdb", "pyarrow", "deltalake", "polars")


def contenders(source: Path, scratch: Path, tenzir: str | None, library: Path | None) -> list[Contender]:
    """Return who takes part; Tenzir does where its binary and its package library are given."""
    lake, parquet = scratch / "lake", scratch / "copy.parquet"
    present = [
        Contender(OURS, ingest_okta.command(source, lake), lambda: shutil.rmtree(lake, ignore_errors=True)),
        Contender(
            FILES,
            ["env", "OCSF_PIPE_INTEGRITY=files", *ingest_okta.command(source, lake)],
            lambda: shutil.rmtree(lake, ignore_errors=True),
        ),
        Contender(COPY, duckdb_copy.command(source, parquet, 1), lambda: parquet.unlink(missing_ok=True)),
        Contender(COPY_ALL, duckdb_copy.command(source, parquet, None), lambda: parquet.unlink(missing_ok=True)),
    ]
    if tenzir and library:
        present.append(Contender(TENZIR, tenzir_okta.command(tenzir, library, source)))
    return present


def ratios(medians: Mapping[str, Cost]) -> dict[str, float]:
    """Return what is promised: our CPU over DuckDB's, and our events per CPU second over Tenzir's."""
    if not {OURS, COPY} <= {*medians}:
        return {}
    ours = medians[OURS].cpu
    found = {"cpu over duckdb copy, 1 thread (at most 2.0)": round(ours / medians[COPY].cpu, 2)}
    if TENZIR in medians:
        found["events per CPU second over tenzir (at least 5)"] = round(medians[TENZIR].cpu / ours, 2)
    return found


def show(medians: Mapping[str, Cost], events: int) -> None:
    """Print the table."""
    print(f"\n{'':28}{'CPU s':>8}{'wall s':>8}{'events/CPU s':>14}{'peak MB':>9}")
    for name, cost in medians.items():
        print(f"{name:28}{cost.cpu:8.2f}{cost.wall:8.2f}{events / cost.cpu:14,.0f}{cost.peak_mb:9,.0f}")
    for name, ratio in ratios(medians).items():
        print(f"{name}: {ratio}")


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare ocsf-pipe with DuckDB's COPY and with Tenzir.")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--source", type=Path, help="an Okta System Log to use instead of a generated one")
    parser.add_argument("--tenzir", default=shutil.which("tenzir"))
    parser.add_argument("--library", type=Path, help="the package library of Tenzir that holds okta/")
    parser.add_argument("--without", help="leave out the contenders whose names start so")
    parser.add_argument("--name", default="okta")
    return parser.parse_args(arguments)


def _main() -> None:
    wanted = _options()
    DATA.mkdir(exist_ok=True)
    source = (wanted.source or DATA / f"okta-{wanted.events}.ndjson").resolve()
    size = write_okta(source, wanted.events)
    present = contenders(source, DATA, wanted.tenzir, wanted.library)
    present = [one for one in present if not (wanted.without and one.name.startswith(wanted.without))]
    costs = rounds(present, wanted.rounds)
    medians = {name: median(several) for name, several in costs.items()}
    show(medians, wanted.events)
    result = {
        **circumstances(PACKAGES),
        "tenzir": tenzir_okta.version(wanted.tenzir) if TENZIR in costs else None,
        "input": {"events": wanted.events, "bytes": size},
        "medians": {name: asdict(cost) for name, cost in medians.items()},
        "ratios": ratios(medians),
        "rounds": {name: [asdict(cost) for cost in several] for name, several in costs.items()},
    }
    path = ROOT / "benchmarks" / "results" / f"{wanted.name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(path)


if __name__ == "__main__":
    _main()
