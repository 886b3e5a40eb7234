"""What does it cost to seal 4 KB of text: its hash, its shingles, what it holds?

`python -m benchmarks.sealing [--texts 500] [--rounds 5]` seals records with one text of 4 KB each: prose, JSON of tool
calls, and a conversation in which every record brings the history again. The figures are CPU milliseconds per 4 KB, the
smallest of the rounds; they are printed and written to benchmarks/results/sealing.json with machine and commit.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from benchmarks.measure import ROOT, circumstances
from ocsf_pipe.content.keys import KEY_BYTES, Keyring
from ocsf_pipe.content.seal import Sealer
from ocsf_pipe.plan.nodes import Content
from ocsf_pipe.source import Records

SIZE = 4096
TURNS = 20
CONTENT = (Content(("messages", "text"), "prompt", ()),)
_SYLLABLES = (
    "ba con der el fi gra hu is jo ker lam mer no or pre qui ran sen tor un ver wil xen yo zu tion ing ed".split()
)


def prose(chance: random.Random, vocabulary: Sequence[str]) -> str:
    """4 KB of sentences; one in four has an address or a number in it."""
    found = ["Please", "write", "to", "ann@example.com", "about", "+49 30 1234567."] if chance.random() < 0.25 else []
    while sum(map(len, found)) + len(found) < SIZE:
        found += [chance.choice(vocabulary), chance.choice(vocabulary) + chance.choice(["", "", "", ",", "."])]
    return " ".join(found)[:SIZE]


def tool_json(chance: random.Random, vocabulary: Sequence[str]) -> str:
    """4 KB of JSON as tools give it back: ids, times, names."""
    rows = [
        {
            "id": f"{chance.getrandbits(64):016x}",
            "created": f"2026-02-{chance.randint(1, 28):02}T09:08:{chance.randint(10, 59)}Z",
            "name": f"{chance.choice(vocabulary)}_{chance.choice(vocabulary)}",
            "size": chance.randint(1, 10**9),
        }
        for _ in range(60)
    ]
    return ("rows: " + json.dumps(rows))[:SIZE]


def records(conversations: Sequence[Sequence[str]]) -> Records:
    """One record for each list of texts."""
    texts = [json.dumps({"messages": [{"role": "user", "text": text} for text in some]}) for some in conversations]
    count = len(texts)
    places = pa.array(range(count), pa.int64()), pa.array([0] * count, pa.int32())
    return Records(pa.array(texts, pa.large_string()), *places, count)


def inputs(count: int) -> Mapping[str, Records]:
    """What is sealed, by what the table calls it."""
    chance = random.Random(7)
    vocabulary = ["".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(3000)]
    said = [prose(chance, vocabulary) for _ in range(count)]
    history = [said[max(0, turn - turn % TURNS) : turn + 1] for turn in range(count)]
    return {
        "prose": records([[text] for text in said]),
        "tool results": records([[tool_json(chance, vocabulary)] for _ in range(count)]),
        "conversations with their history": records(history),
    }


def smallest(work: Callable[[], object], rounds: int) -> float:
    """The CPU seconds of the quickest round."""
    costs = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        costs.append(time.process_time() - started)
    return min(costs)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Measure what sealing costs.")
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    key = Keyring((bytes(KEY_BYTES),))
    costs = {}
    for name, given in inputs(wanted.texts).items():
        texts = sum(raw.count('"text"') for raw in given.raw.to_pylist())
        seconds = smallest(lambda given=given: Sealer(key).seal(CONTENT, given), wanted.rounds)  # type: ignore[misc]
        costs[name] = round(seconds * 1000 / texts, 3)
        print(f"{name:36}{texts:8} texts{costs[name]:8.3f} CPU ms per 4 KB")
    result = {**circumstances(("ocsf-pipe", "pyarrow", "orjson")), "cpu_ms_per_4_kb": costs}
    path = ROOT / "benchmarks" / "results" / "sealing.json"
    path.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    _main()
