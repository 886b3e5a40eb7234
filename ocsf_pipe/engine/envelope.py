"""Records inside documents: `Records[*]` taken apart before anything is mapped."""

from __future__ import annotations

import json
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.engine.statement import Statement
from ocsf_pipe.ops.sql_text import text_literal
from ocsf_pipe.pieces import whole
from ocsf_pipe.source import Records

Steps = tuple[str | int, ...]


def expand(statement: Callable[[str], Statement], steps: Steps, records: Records) -> Records:
    """Each element of the list at `steps` as a record of its own; a document without that list is itself the record.

    Elements keep the position of their document and are numbered by `sub`, from 0. `statement` plans a query once.
    """
    if not steps or records.columns is not None or not len(records):
        return records
    text = records.json if records.json is not None else records.raw
    keys = [str(step) for step in steps if step != "*"]
    if not any_key(text, keys[0]):
        return records
    documents = pa.table({"rid": pa.array(range(len(text)), pa.int64()), "raw": text})
    rows = statement(_query(keys)).run(documents)
    of = whole(rows["rid"])
    return Records(
        raw=whole(rows["element"]).cast(pa.large_string()),
        position=records.position.take(of),
        sub=whole(rows["n"]).cast(pa.int32()),
        end=records.end,
        rejects=records.rejects,
    )


def any_key(text: pa.LargeStringArray, key: str) -> bool:
    """Whether any document can hold the key, plain or escaped: other records are not even looked into."""
    plain = pc.match_substring(text, json.dumps(key, ensure_ascii=False))
    return bool(pc.any(plain).as_py() or pc.any(pc.match_substring_regex(text, r"\\[u/]")).as_py())


def _query(keys: list[str]) -> str:
    shape: object = ["JSON"]
    for key in reversed(keys):
        shape = {key: shape}
    place = "d." + ".".join(f'"{key}"' for key in keys)
    # cast, for beside `raw` every element would be taken for JSON, which `raw` may not be
    listed = f"case when {place} is null then [raw] else cast({place} as varchar[]) end"
    decoded = f"try(from_json(raw, {text_literal(json.dumps(shape))}))"
    return f"""with decoded as (select rid, raw, {decoded} as d from batch),
        listed as (select rid, {listed} as elements from decoded)
        select rid, coalesce(unnest(elements), 'null') as element, generate_subscripts(elements, 1) - 1 as n
        from listed order by rid, n"""
