"""`observables` by column: the values are in columns already, so the lists are put together in Arrow, not in SQL.

Building fifteen structs a row and filtering them costs DuckDB as much as half of a mapping; taking the values that
are there out of fifteen columns costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ocsf_pipe.plan.nodes import Attr, Call, Const, MakeList, MakeObject, Node, Path

STRUCT = pa.struct([("name", pa.string()), ("type_id", pa.int64()), ("type", pa.string()), ("value", pa.string())])


@dataclass(frozen=True, slots=True, order=True)
class Single:
    """One attribute that is an observable: its path, and what is constant of its entry."""

    path: Path
    name: str
    type_id: int
    caption: str


def parted(node: Node) -> tuple[tuple[Single, ...], Node | None]:
    """The single attributes of an `observables` value, and what has to be computed: those inside lists."""
    if isinstance(node, MakeList):
        singles = [_single(item) for item in node.items]
        found = tuple(single for single in singles if single is not None)
        return (found, None) if len(found) == len(singles) else ((), node)
    if isinstance(node, Call) and node.op == "flatten" and isinstance(node.args[0], MakeList):
        groups = node.args[0].items
        if groups and isinstance(groups[0], MakeList):
            singles_, rest = parted(groups[0])
            if rest is None:
                inner = MakeList(groups[1:], node.args[0].type)
                return singles_, Call("flatten", (inner,), node.type)
    return (), node


def _single(item: Node) -> Single | None:
    if not isinstance(item, MakeObject):
        return None
    fields = dict(item.fields)
    value = fields.get("value")
    if isinstance(value, Call) and value.op == "to_text" and value.args[0].type.kind == "integer":
        value = value.args[0]
    constants = [fields.get(name) for name in ("name", "type_id", "type")]
    if not isinstance(value, Attr) or value.type.kind not in {"text", "ip", "integer"}:
        return None
    name, type_id, caption = (c.value if isinstance(c, Const) else None for c in constants)
    if not (isinstance(name, str) and isinstance(type_id, int) and isinstance(caption, str)):
        return None
    return Single(value.path, name, type_id, caption)


def gathered(singles: Sequence[Single], columns: Sequence[pa.Array], rest: pa.Array | None) -> pa.Array:
    """The lists of one table: an entry for every value that is there, in the order of `singles`, then `rest`.

    `columns` are the attributes' columns, of equal length; null where a row has nothing.
    """
    rows = len(columns[0]) if columns else len(rest) if rest is not None else 0
    counts, entries = _entries(singles, columns, rows)
    if rest is not None:
        counts, entries = _followed(counts, entries, rest)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    nothing = pa.array(counts == 0)
    return pa.ListArray.from_arrays(pa.array(offsets), entries, mask=nothing)


def _entries(singles: Sequence[Single], columns: Sequence[pa.Array], rows: int) -> tuple[np.ndarray, pa.StructArray]:
    """How many entries each row has, and all of them, row by row."""
    if not columns:
        return np.zeros(rows, np.int64), pa.array([], STRUCT)
    texts = [column.cast(pa.string()) for column in columns]
    there = np.column_stack([text.is_valid().to_numpy(zero_copy_only=False) for text in texts])
    row, which = np.divmod(np.flatnonzero(there.ravel()), len(texts))
    values = pa.concat_arrays(texts).take(pa.array(which * rows + row))
    of = pa.array(which)
    constants = (
        pa.array([s.name for s in singles], pa.string()).take(of),
        pa.array([s.type_id for s in singles], pa.int64()).take(of),
        pa.array([s.caption for s in singles], pa.string()).take(of),
    )
    return there.sum(axis=1), pa.StructArray.from_arrays([*constants, values], fields=list(STRUCT))


def _followed(counts: np.ndarray, entries: pa.StructArray, rest: pa.Array) -> tuple[np.ndarray, pa.StructArray]:
    """The entries of each row with those of `rest` behind them."""
    more = rest.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    behind = rest.flatten().cast(STRUCT)
    total = counts + more
    start = np.concatenate([[0], np.cumsum(total)[:-1]]) if len(total) else np.zeros(0, np.int64)
    order = np.empty(len(entries) + len(behind), np.int64)
    order[_places(start, counts)] = np.arange(len(entries))
    order[_places(start + counts, more)] = len(entries) + np.arange(len(behind))
    return total, pa.concat_arrays([entries, behind]).take(pa.array(order))


def _places(start: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The places of runs that begin at `start` and are `counts` long, one after the other."""
    first = np.repeat(start, counts)
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    places: np.ndarray = first + within
    return places
