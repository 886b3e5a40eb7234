"""What do many small files cost, as CloudTrail leaves them in a bucket: gzip, some sixty records in a document?

`python -m benchmarks.small_files [--files N] [--records N] [--rounds N]`: `ingest` and `run --once`, each with the
mapping named and with the records telling it; the table on the screen and benchmarks/results/small-files.json. The
records are those of our own samples, with ids of their own.
"""

import argparse
import gzip
import json
import random
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.measure import DATA, PROGRAM, ROOT, Contender, circumstances, median, rounds

SAMPLES = ROOT / "mappings" / "aws" / "cloudtrail" / "samples"
MAPPING = "aws.cloudtrail"


def _samples() -> Iterator[dict[str, Any]]:
    """The records of the samples that have a time and a service, as all real ones do."""
    for path in sorted(SAMPLES.glob("*.input.*json")):
        for line in path.read_text("utf-8").splitlines():
            try:
                found = json.loads(line)
            except ValueError:
                continue
            for record in found.get("Records", [found]) if isinstance(found, dict) else []:
                timed = re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:]+Z", str(record.get("eventTime")))
                if timed and str(record.get("eventSource")).endswith(".amazonaws.com"):
                    yield record


def write_files(folder: Path, files: int, records: int) -> None:
    """Write the files, the same ones each time."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    dice, known = random.Random(7), list(_samples())
    for number in range(files):
        some = [{**dice.choice(known), "eventID": str(uuid.UUID(int=dice.getrandbits(128)))} for _ in range(records)]
        with gzip.open(folder / f"{number:05}.json.gz", "wt", encoding="utf-8", compresslevel=6) as out:
            json.dump({"Records": some}, out, separators=(",", ":"))


def _commands(folder: Path, lake: Path) -> Iterator[tuple[str, Sequence[str]]]:
    for name, mapping in (("named", MAPPING), ("told by the records", "auto")):
        given = ["--mapping", MAPPING] if mapping == MAPPING else []
        yield f"ingest, {name}", [*PROGRAM, "ingest", str(folder), "--lake", str(lake), *given]
        pipeline = folder.with_name(f"{folder.name}-{mapping}.yaml")
        pipeline.write_text(
            f"pipeline: small\nlake: {lake}\nsources:\n  trail: {{connector: file, mapping: {mapping}, "
            f"paths: [{folder}]}}\n",
            "utf-8",
        )
        yield f"run --once, {name}", [*PROGRAM, "run", str(pipeline), "--once"]


def _main() -> None:
    parser = argparse.ArgumentParser(description="Measure many small CloudTrail files.")
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--records", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    folder, lake = DATA / "small-files", DATA / "small-lake"
    write_files(folder, wanted.files, wanted.records)
    present = [
        Contender(name, command, lambda: shutil.rmtree(lake, ignore_errors=True))
        for name, command in _commands(folder, lake)
    ]
    costs = rounds(present, wanted.rounds)
    medians = {name: median(several) for name, several in costs.items()}
    count = wanted.files * wanted.records
    print(f"\n{wanted.files} files, {count:,} records\n{'':32}{'CPU s':>8}{'wall s':>8}{'ms a file':>11}{'peak MB':>9}")
    for name, cost in medians.items():
        print(f"{name:32}{cost.cpu:8.2f}{cost.wall:8.2f}{cost.cpu / wanted.files * 1000:11.1f}{cost.peak_mb:9,.0f}")
    result = {
        **circumstances(("ocsf-pipe", "duckdb", "pyarrow", "deltalake")),
        "input": {"files": wanted.files, "records": count},
        "medians": {name: asdict(cost) for name, cost in medians.items()},
    }
    path = ROOT / "benchmarks" / "results" / "small-files.json"
    path.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    _main()
