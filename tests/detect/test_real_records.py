"""On real records of every Windows log, rules over the tables fire on the records on which the oracle does."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
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
from ocsf_pipe.engine.engine import Engine
from ocsf_pipe.mapping.catalogue import Listed, catalogue
from ocsf_pipe.run.recognise import pick
from ocsf_pipe.source import Records
from tests.detect import oracle

SHARED = Path(__file__).parents[2].parent / "shared"
CORPORA = Path(os.environ.get("OCSF_PIPE_CORPORA") or SHARED / "corpora")
SIGMA = Path(os.environ.get("OCSF_PIPE_SIGMA") or SHARED / "sigma")
WINDOWS = [one for one in catalogue().values() if one.syntax.input.format == "windows_event"]
AT_ONCE = 4000
Fires = Counter[tuple[str, str]]
"""How often a rule, by its file, fires on records of this text."""


def _runs() -> Iterator[Records]:
    """The records of all files of Windows events."""
    windows = FORMATS["windows_event"]
    for path in find([str(folder) for folder in sorted(CORPORA.glob("windows_*"))]):
        with open_stream(path) as stream:
            head = stream.read(1 << 16)
        if "expected" in path.parts or not windows.sniff(head, path.name, {}):
            continue
        with open_stream(path) as stream:
            yield from windows.read(stream, {})


def _records() -> Records:
    found = [run for run in _runs() if len(run)]
    if not found or not (SIGMA / "rules").is_dir():
        pytest.skip("there are no real records, or no rules, here")
    whole = concat(found, (), 0)
    numbers = pa.array(range(len(whole)), pa.int64())
    return Records(whole.raw, numbers, pa.array([0] * len(whole), pa.int32()), len(whole), whole.json, None, ())


def _of_tables(listed: Listed, records: Records, rules: Sequence[Rule]) -> Fires:
    """What fires on the events that one mapping makes of the records."""
    engine, parts = Engine(listed.plan, 1), defaultdict(list)
    for start in range(0, len(records), AT_ONCE):
        some = pick(records, pa.array(range(start, min(start + AT_ONCE, len(records))), pa.int64()))
        outcome = engine.run(some, clock=0, origin="real")
        assert not outcome.faults
        for name, rows in outcome.tables.items():
            parts[name].append(rows)
    tables = {name: pa.concat_tables(some, promote_options="permissive") for name, some in parts.items()}
    connection = connection_of([tables])
    converter = Converter(FieldMap([listed.plan]), tables_of(connection), None)
    able = [rule for rule in rules if judge(rule, converter).state != "blind"]
    found: Fires = Counter()
    for table, scan in compiled(able, converter).items():
        for row in fires(connection, scan, f'"{table}"', ['"raw_data"']).select(["rule", "x0"]).to_pylist():
            found[able[row["rule"]].path, row["x0"]] += 1
    return found


def _of_oracle(records: Records, rules: Sequence[Rule]) -> Fires:
    """What fires natively; records of one channel, event id and kind are of the same logsources."""
    assert records.json is not None
    groups: dict[tuple[object, ...], list[tuple[oracle.Windows, str]]] = defaultdict(list)
    for text, raw in zip(records.json.to_pylist(), records.raw.to_pylist(), strict=True):
        event = oracle.Windows(json.loads(text))
        system = event.record.get("System", {})
        kind = (event.record.get("EventData") or {}).get("EventType")
        groups[system.get("Channel"), event.value("Provider_Name"), event.code, kind].append((event, raw))
    natives = [(rule.path, _native(rule)) for rule in rules]
    found: Fires = Counter()
    for group in groups.values():
        for path, native in natives:
            if oracle.serves(native, group[0][0]) is not None:
                found.update((path, raw) for event, raw in group if oracle.fires(native, event))
    return found


def _native(rule: Rule) -> SigmaRule:
    found = SigmaCollection.from_yaml(Path(rule.path).read_text(encoding="utf-8-sig"), collect_errors=True).rules[0]
    assert isinstance(found, SigmaRule)
    return found


def _named(found: Fires) -> list[tuple[str, int]]:
    by_rule: Counter[str] = Counter()
    for (path, _), count in found.items():
        by_rule[Path(path).stem] += count
    return by_rule.most_common(20)


@pytest.mark.heavy
def test_rules_fire_on_the_records_on_which_the_oracle_does() -> None:
    """On every record, whatever its log: none lost, none added."""
    records = _records()
    rules = [
        rule
        for rule in load_rules(sorted(SIGMA.glob("rules*")))
        if rule.tree is not None
        and (("product", "windows") in rule.logsource or ("category", "antivirus") in rule.logsource)
    ]
    left, ours = list(range(len(records))), Counter[tuple[str, str]]()
    for listed in WINDOWS:
        rest = pick(records, pa.array(left, pa.int64()))
        known = Engine(listed.plan, 1).recognised(rest).to_pylist()
        mine = [row for row, is_mine in zip(left, known, strict=True) if is_mine]
        left = [row for row, is_mine in zip(left, known, strict=True) if not is_mine]
        if mine:
            ours += _of_tables(listed, pick(records, pa.array(mine, pa.int64())), rules)
    theirs = _of_oracle(records, rules)
    assert theirs
    assert (left, _named(theirs - ours), _named(ours - theirs)) == ([], [], []), "unrecognised, lost, added"
