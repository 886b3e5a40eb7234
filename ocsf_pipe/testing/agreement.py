"""Whether both engines make the same of the same records: every event, reject, failure and count."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from ocsf_pipe.decode import json_text
from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.engine.outcome import Outcome
from ocsf_pipe.engine.reference import Told, expand, interpret
from ocsf_pipe.source import Records
from ocsf_pipe.testing.sealing import sealed

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
CLOCK = 1_770_714_487_006


def disagreements(engine: DuckEngine, records: Records, *, clock: int = CLOCK, origin: str = "test") -> list[str]:
    """What the DuckDB engine and the reference interpreter say differently of one batch, in words; empty for nothing.

    `unmapped` is compared as JSON, for the order of its members may differ.
    """
    fast, slow = engine.expand(records), expand(engine.plan, records)
    found = list(_records(fast, slow))
    if found:
        return found
    outcome = engine.run(sealed(engine.plan, fast), clock=clock, origin=origin)
    told = interpret(engine.plan, sealed(engine.plan, slow), clock=clock, origin=origin)
    return [*_counts(outcome, told), *_events(outcome, told)]


def _records(fast: Records, slow: Records) -> Iterator[str]:
    for name in ("raw", "position", "sub"):
        pairs = zip_longest(getattr(fast, name).to_pylist(), getattr(slow, name).to_pylist())
        yield from (f"{name} {number}: {a!r} / {b!r}" for number, (a, b) in enumerate(pairs) if a != b)


def _counts(outcome: Outcome, told: Told) -> Iterator[str]:
    for a, b in zip_longest(outcome.faults, told.faults):
        if a != b:
            yield f"fault {a} / {b}"
            break
    for failure in {*outcome.failed, *told.failed}:
        if outcome.failed[failure] != told.failed[failure]:
            yield f"failed {outcome.failed[failure]} / {told.failed[failure]} times: {failure}"
    if outcome.dropped != told.dropped:
        yield f"dropped {dict(outcome.dropped)} / {dict(told.dropped)}"
    if outcome.written != told.written:
        yield f"written {outcome.written} / {told.written}"


def _events(outcome: Outcome, told: Told) -> Iterator[str]:
    for table in sorted({*outcome.tables, *told.events}):
        fast = [_plain(event) for event in outcome.tables[table].to_pylist()] if table in outcome.tables else []
        slow = [_plain(event) for event in told.events.get(table, [])]
        if len(fast) != len(slow):
            yield f"{table}: {len(fast)} / {len(slow)} events"
        for a, b in zip(fast, slow, strict=False):
            yield from (f"{table}{place}" for place in _differences({**a, "source": 0}, {**b, "source": 0}, ""))


def _plain(value: Any) -> Any:
    """A value without nulls, times as milliseconds, `unmapped` as what it says."""
    if isinstance(value, dict):
        kept = {key: _plain(inner) for key, inner in value.items() if inner is not None}
        if isinstance(kept.get("unmapped"), str):
            kept["unmapped"] = _sorted(json_text.parse(kept["unmapped"]))
        return kept
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, dt.datetime):
        return (value - _EPOCH) // dt.timedelta(milliseconds=1)
    return repr(value) if isinstance(value, float) else value


def _sorted(value: Any) -> Any:
    """JSON with every pair of an object, in the order of the keys."""
    if isinstance(value, dict):
        pairs = value.pairs if isinstance(value, json_text.Object) else value.items()
        return [
            "object",
            *sorted(((key, _sorted(inner)) for key, inner in pairs), key=lambda pair: (pair[0], repr(pair[1]))),
        ]
    if isinstance(value, list):
        return [_sorted(inner) for inner in value]
    return json_text.dumps(value)


def _differences(a: Any, b: Any, place: str) -> Iterator[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a, *b}):
            yield from _differences(a.get(key), b.get(key), f"{place}.{key}")
    elif a != b:
        yield f"{place}: {_short(a)} / {_short(b)}"


def _short(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=True)
    return text if len(text) <= 400 else f"{text[:200]} … {text[-200:]}"
