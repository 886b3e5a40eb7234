"""Is peak memory bounded by the batch, not by the file?

`python -m benchmarks.memory [--gigabytes 5]` ingests a file of that size (the Okta records over and over, written once
under benchmarks/data) and fails where the largest resident set is over `--limit` MB (1,500).
"""

import argparse
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import ingest_okta
from benchmarks.measure import DATA, ROOT, circumstances, measure
from benchmarks.okta_events import write_okta


def write_repeated(path: Path, gigabytes: float) -> int:
    """Write whole records up to about so many GB unless the file is there already; return its size in bytes."""
    piece = DATA / "okta-50000.ndjson"
    size = write_okta(piece, 50_000)
    if not path.exists():
        unfinished = path.with_name(path.name + ".unfinished")
        with unfinished.open("wb") as out:
            for _ in range(max(1, round(gigabytes * 1e9 / size))):
                with piece.open("rb") as records:
                    shutil.copyfileobj(records, out, 1 << 20)
        unfinished.rename(path)
    return path.stat().st_size


def _main() -> None:
    parser = argparse.ArgumentParser(description="Measure the peak memory of a big ingest.")
    parser.add_argument("--gigabytes", type=float, default=5)
    parser.add_argument("--limit", type=float, default=1500, help="MB")
    wanted = parser.parse_args()
    DATA.mkdir(exist_ok=True)
    source, lake = DATA / f"okta-{wanted.gigabytes:g}gb.ndjson", DATA / "memory-lake"
    size = write_repeated(source, wanted.gigabytes)
    shutil.rmtree(lake, ignore_errors=True)
    cost = measure(ingest_okta.command(source, lake))
    result = {
        **circumstances(("ocsf-pipe", "duckdb", "pyarrow", "deltalake")),
        "input": {"bytes": size},
        "cost": asdict(cost),
    }
    path = ROOT / "benchmarks" / "results" / f"memory-{wanted.gigabytes:g}gb.json"
    path.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(f"{size / 1e9:.2f} GB: {cost.peak_mb:,.0f} MB peak, {cost.cpu:.1f} CPU s, {cost.wall:.1f} s")
    if cost.peak_mb > wanted.limit:
        sys.exit(f"peak memory is {cost.peak_mb:,.0f} MB, expected at most {wanted.limit:,.0f}")


if __name__ == "__main__":
    _main()
