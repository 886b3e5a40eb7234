"""JSON documents that each hold several records, rewritten one by one in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from ocsf_pipe.source import Records, Reject

Rewrite = Callable[[Any], Iterable[tuple[Any, Any]]]
"""A parsed document to its records: what came in (None: the whole document as it stands), and the record's JSON."""


def rewritten(runs: Iterator[Records], rewrite: Rewrite) -> Iterator[Records]:
    """Rewrite every document of every run; one that is not JSON, or that nothing comes of, becomes a reject."""
    for run in runs:
        yield rewritten_run(run, rewrite)


def rewritten_run(run: Records, rewrite: Rewrite) -> Records:
    """Rewrite the documents of one run; `sub` counts the records of one document."""
    raws: list[str] = []
    jsons: list[bytes] = []
    places: list[tuple[int, int]] = []
    rejects = list(run.rejects)
    for text, position, sub in zip(run.raw.to_pylist(), run.position.to_pylist(), run.sub.to_pylist(), strict=True):
        try:
            found = [(_text(raw, text), orjson.dumps(record)) for raw, record in rewrite(orjson.loads(text))]
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            rejects.append(Reject(position, sub, text.encode(), f"not of the expected shape: {error}"))
            continue
        if not found:
            rejects.append(Reject(position, sub, text.encode(), "the document holds no record"))
        for ordinal, (raw, record) in enumerate(found):
            raws.append(raw)
            jsons.append(record)
            places.append((position, sub + ordinal))
    return _records(raws, jsons, places, run.end, rejects)


def _text(raw: Any, document: str) -> str:
    return document if raw is None else orjson.dumps(raw).decode()


def _records(
    raws: list[str], jsons: list[bytes], places: list[tuple[int, int]], end: int, rejects: list[Reject]
) -> Records:
    return Records(
        pa.array(raws, pa.large_string()),
        pa.array(np.array([p for p, _ in places], np.int64)),
        pa.array(np.array([s for _, s in places], np.int32)),
        end,
        pa.array(jsons, pa.large_binary()).cast(pa.large_string()),
        None,
        tuple(sorted(rejects, key=lambda r: (r.position, r.sub))),
    )
