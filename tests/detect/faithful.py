"""Rules over the tables beside the oracle over the raw records: what is lost and what is added, piece by piece.

A piece is some thousand records. Everything that is made of it is let go before the next is read, so that memory does
not grow with the number of records.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import yaml
from sigma.collection import SigmaCollection
from sigma.rule import SigmaRule

from ocsf_connectors.file import find, open_stream
from ocsf_pipe.decode import FORMATS
from ocsf_pipe.decode.format import concat
from ocsf_pipe.detect.backtest import connection_of, tables_of
from ocsf_pipe.detect.convert import Converter
from ocsf_pipe.detect.fieldmap import FieldMap
from ocsf_pipe.detect.rules import Rule, load_rules
from ocsf_pipe.detect.scan import compiled, fires
from ocsf_pipe.detect.states import judge
from ocsf_pipe.mapping.catalogue import Listed, catalogue
from ocsf_pipe.run.recognise import Engines, pick, sorted_out
from ocsf_pipe.schema import Schema, load
from ocsf_pipe.source import Records
from tests.detect import oracle

AT_ONCE = 4000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, in C where there is one
Fires = Counter[tuple[str, str]]
"""How often a rule, by its file, fires on records of this text."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What the tables say otherwise than the oracle, on one piece or on many; `refused` are records without a home."""

    records: int = 0
    fires: int = 0
    lost: Fires = field(default_factory=Counter)
    added: Fires = field(default_factory=Counter)
    refused: int = 0

    def __add__(self, other: Difference) -> Difference:
        """Both together."""
        return Difference(
            self.records + other.records,
            self.fires + other.fires,
            self.lost + other.lost,
            self.added + other.added,
            self.refused + other.refused,
        )

    def __str__(self) -> str:
        """Figures, and the rules that differ."""
        return (
            f"{self.records} records, {self.fires} fires, {self.refused} refused, "
            f"lost {self.lost.total()} {_by_rule(self.lost)}, added {self.added.total()} {_by_rule(self.added)}"
        )


def _by_rule(found: Fires) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for (path, _), count in found.items():
        counts[Path(path).stem] += count
    return counts.most_common(20)


@dataclass(slots=True)
class Windows:
    """The mappings of Windows events and the rules that may concern them."""

    rules: Sequence[Rule]
    mappings: Sequence[Listed]
    natives: Sequence[tuple[str, SigmaRule]]
    schema: Schema
    engines: Engines = field(default_factory=Engines)

    @staticmethod
    def of(folder: Path, share: int = 1) -> Windows:
        """With the plain rules of a folder that name Windows, or no product at all; one of so many of them."""
        rules = [
            rule
            for rule in load_rules(sorted(folder.glob("rules*")))
            if rule.tree is not None and dict(rule.logsource).get("product", "windows") == "windows"
        ][::share]
        mappings = [one for one in catalogue().values() if one.head.format == "windows_event"]
        return Windows(rules, mappings, [(rule.path, _native(rule)) for rule in rules], load())

    def compare(self, records: Records) -> Difference:
        """How the fires on the tables differ from those on the records."""
        ours, refused = self.of_tables(records)
        theirs = self.of_oracle(records)
        return Difference(len(records), theirs.total(), theirs - ours, ours - theirs, refused)

    def of_tables(self, records: Records) -> tuple[Fires, int]:
        """What fires on the events that the mappings make of the records, and how many records make none."""
        refused, tables = 0, []
        for listed, some in sorted_out(records, self.mappings, self.engines, sure=False):
            if listed is None:
                refused += len(some)
                continue
            outcome = self.engines.of(listed).run(some, clock=0, origin="real")
            refused += len(outcome.faults)
            tables.append(outcome.tables)
        connection = connection_of(tables)
        converter = Converter(FieldMap([one.plan for one in self.mappings]), tables_of(connection), self.schema)
        able = [rule for rule in self.rules if judge(rule, converter).state != "blind"]
        found: Fires = Counter()
        for table, scan in compiled(able, converter).items():
            for row in fires(connection, scan, f'"{table}"', ['"raw_data"']).select(["rule", "x0"]).to_pylist():
                found[able[row["rule"]].path, row["x0"]] += 1
        connection.close()
        return found, refused

    def of_oracle(self, records: Records) -> Fires:
        """What fires natively; records of one channel, provider, event id and kind are of the same logsources."""
        assert records.json is not None
        groups: dict[tuple[object, ...], list[tuple[oracle.Windows, str]]] = defaultdict(list)
        for text, raw in zip(records.json.to_pylist(), records.raw.to_pylist(), strict=True):
            event = oracle.Windows(json.loads(text))
            kind = (event.record.get("EventData") or {}).get("EventType")
            groups[event.channel, event.value("Provider_Name"), event.code, kind].append((event, raw))
        found: Fires = Counter()
        for group in groups.values():
            for path, native in self.natives:
                names = oracle.serves(native, group[0][0])
                if names is not None:
                    found.update((path, raw) for event, raw in group if oracle.asks(native, event, names))
        return found


def _native(rule: Rule) -> SigmaRule:
    text = Path(rule.path).read_text(encoding="utf-8-sig")
    found = SigmaCollection.from_dicts(list(yaml.load_all(text, _LOADER)), collect_errors=True).rules[0]
    assert isinstance(found, SigmaRule)
    return found


def windows_files(folders: Iterable[Path]) -> Iterator[Path]:
    """The files of Windows events below some folders; what others made of them is left out."""
    windows = FORMATS["windows_event"]
    for path in find([str(folder) for folder in folders]):
        if "expected" in path.parts:
            continue
        with open_stream(path) as stream:
            head = stream.read(1 << 16)
        if windows.sniff(head, path.name, {}):
            yield path


def pieces(files: Iterable[Path], most: int | None = None) -> Iterator[Records]:
    """The records of some files, thousands at a time; `most` of each file at the most."""
    held: list[Records] = []
    for path in files:
        for run in _some(path, most):
            held.append(run)
            if sum(map(len, held)) >= AT_ONCE:
                yield _numbered(concat(held, (), 0))
                held = []
    if held:
        yield _numbered(concat(held, (), 0))


def _some(path: Path, most: int | None) -> Iterator[Records]:
    left = most
    with open_stream(path) as stream:
        for run in FORMATS["windows_event"].read(stream, {}):
            for start in range(0, len(run) if left is None else min(len(run), left), AT_ONCE):
                end = min(start + AT_ONCE, len(run), start + AT_ONCE if left is None else left)
                yield pick(run, pa.array(range(start, end), pa.int64()))
            left = left if left is None else left - len(run)
            if left is not None and left <= 0:
                return


def _numbered(records: Records) -> Records:
    """Records of several files under positions of their own."""
    numbers = pa.array(range(len(records)), pa.int64())
    return replace(records, position=numbers, sub=pa.array([0] * len(records), pa.int32()))
