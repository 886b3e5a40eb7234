"""How long do all Windows process rules take over a million process events?

python -m benchmarks.detect_rules RULES [--events 1000000] [--workers 2] [--naive 20] [--name detect]

The figures are printed, and written to benchmarks/results/NAME.json with machine and commit.

The rules are read and compiled beforehand; what is timed is Parquet files → fires, the start of processes included.
`--naive` rules are also run one query each, as SQL over the same files, and scaled to all of them.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import ROOT, circumstances
from ocsf_pipe.detect.columns import paths_of
from ocsf_pipe.detect.convert import Converter
from ocsf_pipe.detect.fieldmap import FieldMap
from ocsf_pipe.detect.rules import Rule, load_rules
from ocsf_pipe.detect.scan import Scan, compiled
from ocsf_pipe.detect.workers import fires_in
from ocsf_pipe.mapping.catalogue import find_mapping
from ocsf_pipe.run.normalize import normalize

TABLE = "process_activity"
FILES = 10
_SYSTEM = "C:\\Windows\\System32\\"
_IMAGES = [
    *(_SYSTEM + name for name in "svchost.exe cmd.exe conhost.exe rundll32.exe reg.exe sc.exe schtasks.exe net.exe "
      "taskhostw.exe backgroundTaskHost.exe RuntimeBroker.exe dllhost.exe wbem\\WmiPrvSE.exe SearchProtocolHost.exe "
      "WindowsPowerShell\\v1.0\\powershell.exe tasklist.exe ipconfig.exe where.exe findstr.exe msiexec.exe".split()),
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe", "C:\\Program Files\\Git\\cmd\\git.exe",
    "C:\\Program Files\\nodejs\\node.exe", "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
    "C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE", "C:\\Windows\\explorer.exe",
]  # fmt: skip
_WORDS = (
    "--type=renderer --lang=en-US --field-trial-handle --mojo-platform-channel-handle --device-scale-factor=1 -k -p -s "
    "netsvcs LocalSystemNetworkRestricted /c /d /q -NoProfile -ExecutionPolicy RemoteSigned -File -Command Get-Process "
    "Select-Object build deploy test node_modules src index.js status --porcelain=v2 --branch query start stop /v /y "
    "HKLM\\SOFTWARE\\Microsoft\\Windows C:\\Users\\ann\\AppData\\Local\\Temp C:\\ProgramData\\agent\\jobs "
    "--no-sandbox --enable-features --disable-gpu --log-level=2 utility network.mojom.NetworkService crashpad-handler"
).split()


def template(chance: random.Random, count: int) -> pa.Table:
    """Process events as the mapping makes them, of which a big table takes everything but ids and command lines."""
    events = []
    for i in range(count):
        image, parent = chance.choice(_IMAGES), chance.choice(_IMAGES)
        data = {
            "UtcTime": "2026-02-10 08:00:00.000", "ProcessGuid": f"{{00000000-0000-0000-0000-{i:012x}}}",
            "ProcessId": str(chance.randrange(4, 60000)), "ParentProcessId": str(chance.randrange(4, 60000)),
            "Image": image, "CommandLine": "x", "ParentImage": parent, "ParentCommandLine": line(chance, parent, i),
            "User": chance.choice(["CORP\\ann", "NT AUTHORITY\\SYSTEM", "CORP\\svc_build"]), "IntegrityLevel": "Medium",
            "OriginalFileName": image.rsplit("\\", 1)[-1], "Company": "Microsoft Corporation",
            "Description": "Host Process", "Product": "Windows", "FileVersion": "10.0.19041.1",
            "CurrentDirectory": "C:\\Windows\\system32\\", "LogonId": "0x3e7",
            "Hashes": f"MD5={chance.getrandbits(128):032X},IMPHASH={chance.getrandbits(128):032X}",
        }  # fmt: skip
        system = {
            "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}}, "EventID": 1, "EventRecordID": i,
            "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": "ws1",
            "TimeCreated": {"#attributes": {"SystemTime": "2026-02-10T08:00:00Z"}},
        }  # fmt: skip
        events.append({"Event": {"System": system, "EventData": data}})
    return normalize(events, "microsoft.sysmon", clock=0).tables[TABLE]


def line(chance: random.Random, image: str, number: int) -> str:
    """A command line of about 220 characters that no other event has."""
    words = chance.choices(_WORDS, k=chance.randrange(4, 18))
    return f'"{image}" {" ".join(words)} --id={number:x}'


def write(folder: Path, events: int) -> list[str]:
    """The files of the table."""
    chance = random.Random(7)
    some = template(chance, 5000).combine_chunks()
    images = some["process"].combine_chunks().field("file").field("path").to_pylist()
    files = []
    for part in range(FILES):
        at = [chance.randrange(len(images)) for _ in range(events // FILES)]
        rows = some.take(pa.array(at))
        first = part * len(at)
        lines = pa.array([line(chance, images[row], first + i) for i, row in enumerate(at)])
        rows = _with(rows, "process", "cmd_line", lines)
        rows = _with(rows, "metadata", "uid", pa.array([f"{first + i:032x}" for i in range(len(at))]))
        files.append(str(folder / f"{part}.parquet"))
        pq.write_table(rows, files[-1], compression="zstd", row_group_size=100_000)
    return files


def _with(rows: pa.Table, column: str, name: str, values: pa.Array) -> pa.Table:
    struct = rows[column].combine_chunks()
    fields = {f.name: struct.field(f.name) for f in struct.type} | {name: values}
    place = rows.schema.get_field_index(column)
    return rows.set_column(place, column, pa.StructArray.from_arrays(list(fields.values()), list(fields)))


def naive(scan: Scan, files: list[str], count: int) -> float:
    """Seconds of one query for each of some rules."""
    connection = duckdb.connect()
    some = random.Random(1).sample(scan.asked, min(count, len(scan.asked)))
    started = time.monotonic()
    for one in some:
        connection.sql(f"select count(*) from read_parquet({files}) where {one.part.condition}").fetchall()
    return (time.monotonic() - started) / len(some)


def main() -> None:
    """Print one line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rules", nargs="+")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--naive", type=int, default=20)
    parser.add_argument("--name", default="detect")
    asked = parser.parse_args()
    rules = [rule for rule in load_rules(asked.rules) if _is_process(rule)]
    with tempfile.TemporaryDirectory() as folder:
        files = write(Path(folder), asked.events)
        tables = {TABLE: paths_of(pq.read_schema(files[0]))}
        started = time.monotonic()
        scan = compiled(rules, Converter(FieldMap([find_mapping("microsoft.sysmon").plan]), tables))[TABLE]
        compiled_in = time.monotonic() - started
        print(f"{len(rules)} rules, {asked.events} events; compiled in {compiled_in:.1f} s")
        result = {
            **circumstances(["ocsf-pipe", "duckdb", "polars", "pyarrow"]),
            "rules": len(rules),
            "events": asked.events,
            "compiled_in": round(compiled_in, 1),
        }
        scale = 1000 / len(rules) * 1_000_000 / asked.events
        result["processes"] = {workers: _one(scan, files, workers, scale) for workers in asked.workers}
        if asked.naive:
            each = naive(scan, files, asked.naive) * 1000 * 1_000_000 / asked.events
            print(f"naive, a query a rule: {each:.0f} s per 1,000 rules per million")
            result["naive_per_1000_rules_and_million_events"] = round(each)
    path = ROOT / "benchmarks" / "results" / f"{asked.name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


def _one(scan: Scan, files: list[str], workers: int, scale: float) -> dict[str, float]:
    started, before = time.monotonic(), _cpu()
    found = fires_in(scan, files, workers)
    took, cpu = time.monotonic() - started, _cpu() - before
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) >> 10
    print(
        f"{workers} processes: {took:.1f} s ({cpu:.1f} s CPU), {found.num_rows} fires, {took * scale:.1f} s "
        f"({cpu * scale:.1f} s CPU) per 1,000 rules per million events, peak {peak} MB a process"
    )
    figures = {"wall": took, "cpu": cpu, "wall_scaled": took * scale, "cpu_scaled": cpu * scale}
    return {"fires": found.num_rows, "peak_mb_a_process": peak} | {name: round(n, 2) for name, n in figures.items()}


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _is_process(rule: Rule) -> bool:
    return {("category", "process_creation"), ("product", "windows")} <= set(rule.logsource) and rule.tree is not None


if __name__ == "__main__":
    main()
