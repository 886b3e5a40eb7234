"""The Arrow types of the lake: one type for every kind of number, merged field by field as mappings grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute

from ocsf_pipe.errors import LakeError


def lake_type(given: pa.DataType) -> pa.DataType:
    """Return the type that the lake stores: integers of 64 bits, large text; Delta never widens a column."""
    if pa.types.is_struct(given):
        return pa.struct([lake_field(field) for field in given if not _is_void(field.type)])
    if pa.types.is_map(given):
        return pa.map_(lake_type(given.key_type), lake_type(given.item_type))
    if _is_list(given):
        return pa.large_list(pa.field("element", lake_type(given.value_type)))
    if pa.types.is_integer(given):
        return pa.int64()
    if pa.types.is_floating(given):
        return pa.float64()
    if pa.types.is_string(given) or pa.types.is_string_view(given):
        return pa.large_string()
    if pa.types.is_binary(given) or pa.types.is_binary_view(given):
        return pa.large_binary()
    return given


def lake_field(field: pa.Field) -> pa.Field:
    """Return the field with the type that the lake stores, always nullable."""
    return pa.field(field.name, lake_type(field.type))


@lru_cache(maxsize=256)
def lake_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema with the types that the lake stores, without what can only be null."""
    return pa.schema([lake_field(field) for field in schema if not _is_void(field.type)])


def merged(old: pa.Schema, new: pa.Schema) -> pa.Schema:
    """Return the old schema with the new one's columns and struct fields added; LakeError when types disagree."""
    return pa.schema(list(_merge(pa.struct(list(old)), pa.struct(list(new)), "")))


def together(parts: Sequence[pa.Table]) -> pa.Table:
    """Return tables of one class as one; a column that only some have is null in the others."""
    schema = lake_schema(parts[0].schema)
    for before, part in pairwise(parts):
        if part.schema != before.schema:
            schema = merged(schema, lake_schema(part.schema))
    return pa.concat_tables([conform(part, schema) for part in parts])


def _merge(old: pa.DataType, new: pa.DataType, path: str) -> pa.DataType:
    if old == new:
        return old
    if pa.types.is_struct(old) and pa.types.is_struct(new):
        return pa.struct(_merge_fields(old, new, path))
    if _is_list(old) and _is_list(new):
        return pa.large_list(pa.field("element", _merge(old.value_type, new.value_type, path)))
    raise LakeError(
        f"column `{path}` is {new} in this batch and {old} in the table",
        hint="give the attribute one type in all mappings of its class, or use a new lake",
    )


def _merge_fields(old: pa.StructType, new: pa.StructType, path: str) -> list[pa.Field]:
    theirs = {field.name: field.type for field in new}
    known = {field.name for field in old}
    kept = [
        pa.field(f.name, _merge(f.type, theirs[f.name], f"{path}.{f.name}".lstrip("."))) if f.name in theirs else f
        for f in old
    ]
    return kept + [field for field in new if field.name not in known]


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the table with exactly the columns of the schema; what it does not have is null, at every depth."""
    if table.schema == schema:
        return table
    rows, have = table.num_rows, set(table.column_names)
    columns = [
        _conform_chunks(table[field.name], field.type) if field.name in have else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _conform_chunks(column: pa.ChunkedArray, to: pa.DataType) -> pa.ChunkedArray:
    # Chunk by chunk: joining them first would copy every long text.
    return column if column.type == to else pa.chunked_array([_conform(each, to) for each in column.chunks], to)


def _conform(column: pa.Array, to: pa.DataType) -> pa.Array:
    if column.type == to:
        return column
    if pa.types.is_struct(to):
        return _conform_struct(column, to)
    if _is_list(to):
        return _conform_list(column, to)
    return column.cast(to)


def _conform_struct(column: pa.StructArray, to: pa.StructType) -> pa.Array:
    have = {field.name for field in column.type}
    parts = [_conform(column.field(f.name), f.type) if f.name in have else pa.nulls(len(column), f.type) for f in to]
    return pa.StructArray.from_arrays(parts, fields=list(to), mask=column.is_null())


def _conform_list(column: pa.Array, to: pa.DataType) -> pa.Array:
    values = _conform(column.flatten(), to.value_type)
    # Null lists are written as empty ones under a mask: `flatten` has already left their values out.
    lengths = pa.compute.fill_null(pa.compute.list_value_length(column), 0).cast(pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pa.compute.cumulative_sum(lengths)])
    return pa.LargeListArray.from_arrays(offsets, values, type=to, mask=column.is_null())


def leaves(schema: pa.Schema) -> Iterator[tuple[str, pa.DataType]]:
    """Return the Parquet path and type of every leaf column, parts of lists and maps named as pyarrow does."""
    for field in schema:
        yield from _leaves(field.name, field.type)


def _leaves(path: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{path}.{field.name}", field.type)
    elif pa.types.is_map(kind):
        yield from _leaves(f"{path}.key_value.key", kind.key_type)
        yield from _leaves(f"{path}.key_value.value", kind.item_type)
    elif _is_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    else:
        yield path, kind


def _is_void(kind: pa.DataType) -> bool:
    """Return whether nothing but nulls can be in it; Parquet has no empty struct, and Delta no null type."""
    if pa.types.is_struct(kind):
        return all(_is_void(field.type) for field in kind)
    return bool(pa.types.is_null(kind)) or (_is_list(kind) and _is_void(kind.value_type))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))
