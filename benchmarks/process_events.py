"""A table of a million process events, in one of two shapes.

`realistic` (see `process_programs`): programs are heavy-tailed, a parent starts several processes with its one command
line, two of three command lines are seen once, their mean length is 200 characters, and hashes, product and company are
those of the program. `even`: all of 26 programs, most of them administration tools, equally often, with words drawn
from what such tools are given, so that far more rules come near to firing than anywhere.

Rows are made by the mapping from 20,000 records; a big table takes everything from them but ids, command lines and the
parents' command lines. `raw_data` is therefore that of the record that a row was taken from.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.process_programs import Program, programs
from ocsf_pipe.run.normalize import normalize

TABLE = "process_activity"
FILES = 10
RECORDS = 20_000
REUSED = 0.85
"""How often a process is another child of a parent that has one already."""
Line: TypeAlias = Callable[[random.Random, str], str]
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
_ALL = programs()
_BY_PATH = {one.path: one for one in _ALL}
_BY_NAME = {one.path.rpartition("\\")[2]: one.path for one in _ALL}


def _even_pair(chance: random.Random) -> tuple[str, str]:
    return chance.choice(_IMAGES), chance.choice(_IMAGES)


def _even_line(chance: random.Random, image: str) -> str:
    return f'"{image}" {" ".join(chance.choices(_WORDS, k=chance.randrange(4, 18)))} --id={chance.getrandbits(40):x}'


def _real_pair(chance: random.Random) -> tuple[str, str]:
    [program] = chance.choices(_ALL, cum_weights=_WEIGHTS)
    name = chance.choice(program.parents)
    return program.path, _BY_NAME.get(name, _SYSTEM + name)


def _weights(programs: Sequence[Program]) -> list[float]:
    sums, sum_ = [], 0.0
    for one in programs:
        sum_ += one.share
        sums.append(sum_)
    return sums


_WEIGHTS = _weights(_ALL)


def _real_line(chance: random.Random, image: str) -> str:
    program = _BY_PATH.get(image)
    said = chance.choice(program.lines) if program is not None else ""
    text = said
    while "{h}" in text:
        text = text.replace("{h}", f"{chance.getrandbits(32):08x}", 1)
    while "{n}" in text:
        text = text.replace("{n}", str(chance.randrange(1, 9999)), 1)
    if program is not None and "{w}" in text:
        text = text.replace("{w}", chance.choice(program.words))
    return f'"{image}" {text}'.rstrip()


SHAPES: dict[str, tuple[Callable[[random.Random], tuple[str, str]], Line]] = {
    "realistic": (_real_pair, _real_line),
    "even": (_even_pair, _even_line),
}


def _record(chance: random.Random, number: int, shape: str) -> dict[str, Any]:
    image, parent = SHAPES[shape][0](chance)
    program, name = _BY_PATH.get(image), image.rsplit("\\", 1)[-1]
    digest = hashlib.sha256(image.encode()).hexdigest().upper()
    seed = digest if shape == "realistic" else f"{chance.getrandbits(256):064X}"
    system = program.system if program is not None else chance.random() < 0.3
    user = "NT AUTHORITY\\SYSTEM" if system else chance.choice(["CORP\\ann", "CORP\\bob", "CORP\\svc_build"])
    data = {
        "UtcTime": "2026-02-10 08:00:00.000", "ProcessGuid": f"{{00000000-0000-0000-0000-{number:012x}}}",
        "ProcessId": str(chance.randrange(4, 60000)), "ParentProcessId": str(chance.randrange(4, 60000)),
        "Image": image, "CommandLine": "x", "ParentImage": parent, "ParentCommandLine": "y", "User": user,
        "ParentUser": user, "IntegrityLevel": "System" if system else "Medium", "OriginalFileName": name,
        "Company": program.company if program is not None else "Microsoft Corporation", "Description": f"{name} Host",
        "Product": "Microsoft Windows Operating System", "FileVersion": "10.0.19041.1",
        "CurrentDirectory": "C:\\Windows\\system32\\" if system else "D:\\work\\", "LogonId": "0x3e7",
        "Hashes": f"MD5={seed[:32]},IMPHASH={seed[32:]}",
    }  # fmt: skip
    head = {
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}}, "EventID": 1, "EventRecordID": number,
        "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": "ws1",
        "TimeCreated": {"#attributes": {"SystemTime": "2026-02-10T08:00:00Z"}},
    }  # fmt: skip
    return {"Event": {"System": head, "EventData": data}}


def write(folder: Path, events: int, shape: str) -> list[str]:
    """The files of the table."""
    chance = random.Random(7)
    records = [_record(chance, i, shape) for i in range(min(RECORDS, events))]
    some = normalize(records, "microsoft.sysmon", clock=0).tables[TABLE].combine_chunks()
    images = some["process"].combine_chunks().field("file").field("path").to_pylist()
    parents = some["actor"].combine_chunks().field("process").field("file").field("path").to_pylist()
    line, lines = SHAPES[shape][1], dict[str, list[str]]()
    files = []
    for part in range(FILES):
        at = [chance.randrange(len(images)) for _ in range(events // FILES)]
        first = part * len(at)
        rows = some.take(pa.array(at))
        rows = _with(rows, ["process", "cmd_line"], pa.array([line(chance, images[row]) for row in at]))
        above = [_parent(chance, lines.setdefault(parents[row], []), line, parents[row]) for row in at]
        rows = _with(rows, ["actor", "process", "cmd_line"], pa.array(above))
        rows = _with(rows, ["metadata", "uid"], pa.array([f"{first + i:032x}" for i in range(len(at))]))
        files.append(str(folder / f"{part}.parquet"))
        pq.write_table(rows, files[-1], compression="zstd", row_group_size=100_000)
    return files


def _parent(chance: random.Random, known: list[str], line: Line, image: str) -> str:
    if not known or chance.random() > REUSED:
        known.append(line(chance, image))
    return chance.choice(known)


def _with(rows: pa.Table, path: Sequence[str], values: pa.Array) -> pa.Table:
    place = rows.schema.get_field_index(path[0])
    return rows.set_column(place, path[0], _inside(rows[path[0]].combine_chunks(), path[1:], values))


def _inside(struct: pa.StructArray, path: Sequence[str], values: pa.Array) -> pa.Array:
    """A struct with what stands at a path replaced."""
    if not path:
        return values
    fields = {f.name: struct.field(f.name) for f in struct.type}
    fields[path[0]] = _inside(fields[path[0]], path[1:], values)
    return pa.StructArray.from_arrays(list(fields.values()), list(fields))
