"""Flat columns → one table per OCSF class, with the attributes as nested structs. Nothing is copied but by filter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.engine.observables import Single, gathered, parted
from ocsf_pipe.engine.once import once_for_each
from ocsf_pipe.ops.types import NULL, Type, united
from ocsf_pipe.pieces import whole
from ocsf_pipe.plan.nodes import Path, Plan, Route

OBSERVABLES, RAW = ("observables",), ("raw_data",)
FIRST = ("time", "time_dt", "class_name", "activity_name", "severity", "status", "message")
"""The columns that stand first, for eyes and because Delta keeps statistics of the first columns only."""
_PIECE = 4096  # as many as `rowhash.py` takes at once


def class_tables(
    plan: Plan, result: pa.Table, skip: pa.Array | None, raw: pa.Array
) -> Iterator[tuple[str, pa.Table, pa.ChunkedArray]]:
    """Split the rows by table; `skip` marks rows of rejected records, `raw` is the text of all records by `rid`.

    Yields of each table its name, its rows, and the `rid` of each.
    """
    routes = result["route"]
    for name, numbers in _by_table(plan).items():
        mask = pc.is_in(routes, pa.array(sorted(numbers), pa.int32()))
        if skip is not None:
            mask = pc.and_not(mask, skip)
        count = pc.sum(mask).as_py() or 0
        if count == 0:
            continue
        types = columns_by_table(plan)[name]
        names = [n for n in (f"a:{'.'.join(path)}" for path in types) if n in result.schema.names]
        flat = result.select(["rid", *names])
        if count < result.num_rows:
            flat = flat.filter(mask)
        if RAW in types:
            flat = flat.append_column("a:raw_data", _taken(raw, flat["rid"]))
        if OBSERVABLES in types:
            flat = _observed(flat, _singles_by_table(plan)[name])
        yield name, _nested(flat, types).append_column("source", pa.repeat(pa.scalar(plan.mapping), count)), flat["rid"]


def _taken(texts: pa.Array, rows: pa.ChunkedArray) -> pa.ChunkedArray:
    """These rows of long texts, in pieces: taken as one, they are copied again each time that their buffer grows."""
    pieces = [texts.take(rows.slice(at, _PIECE)) for at in range(0, len(rows), _PIECE)]
    return pa.chunked_array([chunk for piece in pieces for chunk in piece.chunks], texts.type)


def _observed(flat: pa.Table, singles: Sequence[Single]) -> pa.Table:
    """The table with its observables put together; a column of that name holds those that were computed."""
    columns = [whole(flat[f"a:{'.'.join(single.path)}"]) for single in singles]
    rest = whole(flat["a:observables"]) if "a:observables" in flat.schema.names else None
    lists = gathered(singles, columns, rest)
    if rest is not None:
        return flat.set_column(flat.schema.get_field_index("a:observables"), "a:observables", lists)
    return flat.append_column("a:observables", lists)


@once_for_each
def _singles_by_table(plan: Plan) -> dict[str, list[Single]]:
    """The single attributes of each table that are observables, in a stable order."""
    found: dict[str, list[Single]] = {}
    for name, numbers in _by_table(plan).items():
        values = [a.value for i in numbers for a in plan.routes[i].derived if a.path == OBSERVABLES]
        found[name] = sorted({single for value in values for single in parted(value)[0]})
    return found


@once_for_each
def columns_by_table(plan: Plan) -> dict[str, dict[Path, Type]]:
    """The attributes of each table of a mapping with their types, in a stable order."""
    return {name: _columns(plan.routes[i] for i in numbers) for name, numbers in _by_table(plan).items()}


@once_for_each
def _by_table(plan: Plan) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for i, route in enumerate(plan.routes):
        found.setdefault(route.table, []).append(i)
    return found


def _columns(routes: Iterable[Route]) -> dict[Path, Type]:
    """The attributes that any of these rules sets, in a stable order."""
    found: dict[Path, Type] = {}
    for route in routes:
        for assign in (*route.derived, *route.assigns):
            found[assign.path] = united(found.get(assign.path, NULL), assign.type)
    return dict(sorted(found.items(), key=lambda column: (_place(column[0]), column[0])))


def _place(path: Path) -> int:
    """Where a column stands: what is looked at and pruned by comes first."""
    return FIRST.index(path[0]) if path[0] in FIRST else len(FIRST)


def _nested(flat: pa.Table, types: Mapping[Path, Type]) -> pa.Table:
    """Columns named by dotted path → columns of structs; a struct of nulls is null."""
    tree: dict[str, object] = {}
    for path, kind in types.items():
        at = tree
        for key in path[:-1]:
            at = at.setdefault(key, {})  # type: ignore[assignment]
        at[path[-1]] = _column(flat, path, kind)
    arrays = {name: _struct(part)[0] for name, part in tree.items()}
    return pa.table(arrays)


def _column(flat: pa.Table, path: Path, kind: Type) -> pa.Array | pa.ChunkedArray:
    """A column in one piece, as a struct needs its parts; raw records may stay in pieces."""
    column = flat[f"a:{'.'.join(path)}"]
    if path == RAW:
        return column
    array = whole(column)
    if kind.kind == "timestamp":
        return array.cast(pa.timestamp("ms", "UTC")).cast(pa.timestamp("us", "UTC"))
    if pa.types.is_null(array.type):
        return array.cast(pa.string())
    return array


def _struct(part: object) -> tuple[pa.Array, pa.Array]:
    """An array and the mask of its nulls."""
    if not isinstance(part, dict):
        return part, pc.is_null(part)
    names, arrays, nulls = [], [], None
    for name, inner in part.items():
        array, null = _struct(inner)
        names.append(name)
        arrays.append(array)
        nulls = null if nulls is None else pc.and_(nulls, null)
    return pa.StructArray.from_arrays(arrays, names, mask=nulls), nulls
