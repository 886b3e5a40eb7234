"""What does Kafka to Delta cost beside a batch ingest, how fresh is the lake, and does memory stay flat?

`python -m benchmarks.streaming throughput [--events N] [--rounds N]`: N Okta records in a topic of four partitions,
read by `ocsf-pipe run --once`, beside `ocsf-pipe ingest` of the same records from a file; CPU seconds, medians, ratio.
`python -m benchmarks.streaming freshness [--rate N] [--seconds N]`: N records a second for so long; how old the newest
record is that is in the lake, and the resident memory of the pipeline, sampled twice a second.

The broker is Tansu (see tests/connectors/brokers), on the same cores; its CPU is not counted.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path

import yaml
from kafka import KafkaProducer

from benchmarks import ingest_okta
from benchmarks.measure import DATA, ROOT, Contender, circumstances, median, rounds
from benchmarks.okta_events import write_okta
from benchmarks.run import PACKAGES
from ocsf_pipe.lake import Lake
from tests.connectors.brokers.kafka_topics import topic
from tests.connectors.brokers.tansu import Tansu, free_port

PARTITIONS = 4
STREAM, BATCH = "kafka to delta", "file to delta"


@contextmanager
def broker(folder: Path) -> Iterator[Tansu]:
    """Run a broker in memory."""
    one = Tansu(free_port(), folder / "broker.log")
    one.start()
    try:
        yield one
    finally:
        one.kill()


def producer(address: str) -> KafkaProducer:
    """Return a producer that sends large batches."""
    return KafkaProducer(bootstrap_servers=address, compression_type="lz4", linger_ms=50, batch_size=1 << 18)


def fill(address: str, name: str, source: Path) -> int:
    """Send every line of a file, in turn to each partition; return how many."""
    sender, count = producer(address), 0
    with source.open("rb") as file:
        for count, line in enumerate(file, 1):
            sender.send(name, line.rstrip(b"\n"), partition=count % PARTITIONS)
    sender.flush(120)
    sender.close()
    return count


def pipeline(folder: Path, address: str, name: str) -> Path:
    """Write the pipeline that reads the topic."""
    source = {"connector": "kafka", "mapping": "okta.system_log", "servers": [address], "topics": [name]}
    said = {"pipeline": name, "lake": str(folder / "lake"), "log": {"level": "warning"},
            "sources": {"okta": {**source, "membership": "alone"}}}  # fmt: skip
    path = folder / "pipeline.yaml"
    path.write_text(yaml.safe_dump(said))
    return path


def command(path: Path, *more: str) -> list[str]:
    """Return the command that runs a pipeline."""
    return [sys.executable, "-m", "ocsf_pipe", "run", str(path), *more]


# ---------------------------------------------------------------------------------------- throughput


def throughput(events: int, times: int, folder: Path) -> dict[str, object]:
    """Measure both ways into the lake in turn."""
    source = DATA / f"okta-{events}.ndjson"
    write_okta(source, events)
    with broker(folder) as one:
        fill(one.address, topic(one.address, "okta", PARTITIONS), source)
        lake = folder / "lake"
        path = pipeline(folder, one.address, "okta")
        costs = rounds(
            [
                Contender(STREAM, command(path, "--once"), lambda: shutil.rmtree(lake, ignore_errors=True)),
                Contender(BATCH, ingest_okta.command(source, lake), lambda: shutil.rmtree(lake, ignore_errors=True)),
            ],
            times,
        )
    medians = {name: median(several) for name, several in costs.items()}
    for name, cost in medians.items():
        print(f"{name:16}{cost.cpu * 1e6 / events:8.1f} CPU s per million events{cost.peak_mb:8,.0f} MB")
    ratio = round(medians[STREAM].cpu / medians[BATCH].cpu, 2)
    print(f"stream over batch (at most 1.5): {ratio}")
    return {"events": events, "medians": {name: asdict(cost) for name, cost in medians.items()}, "ratio": ratio}


# ---------------------------------------------------------------------------------------- freshness


def send_evenly(address: str, name: str, source: Path, rate: int, seconds: int) -> None:
    """Send so many records a second, in ten portions, from a process of its own; say when it began (monotonic)."""
    sender = producer(address)
    lines = cycle(source.read_bytes().splitlines())
    began, sent = time.monotonic(), 0
    print(began, flush=True)
    for portion in range(seconds * 10):
        for line in islice(lines, rate // 10):
            sender.send(name, line, partition=sent % PARTITIONS)
            sent += 1
        time.sleep(max(0.0, began + (portion + 1) / 10 - time.monotonic()))
    sender.flush(60)


def freshness(rate: int, seconds: int, folder: Path) -> dict[str, object]:
    """Send evenly and watch what is in the lake."""
    source = DATA / "okta-20000.ndjson"
    write_okta(source, 20_000)
    with broker(folder) as one:
        topic(one.address, "okta", PARTITIONS)
        path = pipeline(folder, one.address, "okta")
        with subprocess.Popen(command(path), cwd=ROOT) as running:
            time.sleep(8)  # planning the mapping is a cost of the start, not of the stream
            told = ["--address", one.address, "--source", str(source), "--rate", str(rate), "--seconds", str(seconds)]
            sending = [sys.executable, "-m", "benchmarks.streaming", "send", *told]
            sender = subprocess.Popen(sending, cwd=ROOT, stdout=subprocess.PIPE)
            assert sender.stdout is not None
            began = float(sender.stdout.readline())
            samples = list(watched(Lake(folder / "lake"), running.pid, began, rate * seconds, sender))
            sender.wait(60)
            running.terminate()
            running.wait(120)
    return said(samples, rate)


def watched(
    lake: Lake, pid: int, began: float, wanted: int, sender: subprocess.Popen[bytes]
) -> Iterator[tuple[float, int, float]]:
    """Yield seconds since the start, records in the lake and resident MB, until all are in or nothing moves."""
    last, moved = -1, time.monotonic()
    while last < wanted and (sender.poll() is None or time.monotonic() - moved < 60):
        count = sum(totals.get("records", 0) for _, totals, _ in lake.checkpoints.partitions())
        moved = time.monotonic() if count != last else moved
        last = count
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        yield time.monotonic() - began, count, pages * 4096 / 1e6
        time.sleep(0.5)


def said(samples: list[tuple[float, int, float]], rate: int) -> dict[str, object]:
    """How long a record took from the time of its sending until the lake had it, and how memory went."""
    counts = [count for _, count, _ in samples]
    ages = [samples[bisect_left(counts, number)][0] - number / rate for number in range(rate, max(counts), rate // 2)]
    tenth = max(1, len(samples) // 10)
    memory = [
        round(statistics.median(mb for _, _, mb in samples[at : at + tenth])) for at in range(0, len(samples), tenth)
    ]
    ages.sort()
    age = {"median": statistics.median(ages), "p95": ages[len(ages) * 95 // 100], "worst": ages[-1]}
    found: dict[str, object] = {
        "rate": rate,
        "records": max(counts),
        "age_seconds": {name: round(seconds, 1) for name, seconds in age.items()},
        "resident_mb_over_time": memory,
    }
    print(json.dumps(found))
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["throughput", "freshness", "send"])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--seconds", type=int, default=200)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _main() -> None:
    wanted = _options()
    if wanted.what == "send":
        send_evenly(wanted.address, "okta", wanted.source, wanted.rate, wanted.seconds)
        return
    DATA.mkdir(exist_ok=True)
    folder = DATA / "streaming"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if wanted.what == "throughput":
        found = throughput(wanted.events, wanted.rounds, folder)
    else:
        found = freshness(wanted.rate, wanted.seconds, folder)
    path = ROOT / "benchmarks" / "results" / f"streaming-{wanted.what}.json"
    path.write_text(json.dumps({**circumstances(PACKAGES), **found}, indent=1) + "\n", "utf-8")
    print(path)


if __name__ == "__main__":
    _main()
