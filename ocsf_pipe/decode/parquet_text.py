"""Arrow rows to JSON texts, column by column: one pass over a column costs what one object per row would many times."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

_TEXT = pa.large_binary()
"""The type of texts on the way: whether they are UTF-8 is checked once, at the end."""
_NOTHING = pa.scalar(b"", _TEXT)


def rows_as_text(batch: pa.RecordBatch) -> pa.LargeBinaryArray:
    """Return one JSON object a row, without nulls, keys in the order of the columns; bytes that may be no UTF-8."""
    return _object(batch.schema.names, batch.columns, len(batch))


def json_text(column: pa.Array) -> pa.Array:
    """Return the values of a column as JSON, null where there is none."""
    kind = column.type
    if column.null_count == len(column) or pa.types.is_null(kind):
        return pa.nulls(len(column), _TEXT)
    if isinstance(kind, pa.UuidType):
        return _each(column.storage, lambda value: str(uuid.UUID(bytes=value)))
    if isinstance(kind, pa.BaseExtensionType):
        return json_text(column.storage)
    if pa.types.is_dictionary(kind):
        return json_text(column.dictionary).take(column.indices)
    return _nested(column) if pa.types.is_nested(kind) else _leaf(column)


def _nested(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_struct(kind):
        names = [kind.field(i).name for i in range(kind.num_fields)]
        return _where(column, _object(names, column.flatten(), len(column)))
    if pa.types.is_map(kind):
        return _map(column)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        items = pc.fill_null(json_text(column.flatten()), b"null")
        return _where(column, _wrapped(b"[", _joined(column, items), b"]"))
    return _each(column, str)


def _object(names: list[str], columns: list[pa.Array], count: int) -> pa.Array:
    parts = []
    for name, column in zip(names, columns, strict=True):
        if column.null_count < count:
            pair = pc.binary_join_element_wise(_constant(b"," + orjson.dumps(name) + b":"), json_text(column), _NOTHING)
            parts.append(pc.fill_null(pair, b""))
    if not parts:
        return pa.array([b"{}"] * count, _TEXT)
    # Each pair brings its comma; the first is one too many. (Joining by a separator loses rows that are all null.)
    listed = pc.binary_join_element_wise(_constant(b"{"), *parts, _constant(b"}"), _NOTHING)
    return pc.replace_substring(listed, b"{,", b"{", max_replacements=1)


def _map(column: pa.Array) -> pa.Array:
    """Write a map as an object; keys that are no text are written as the text of their value."""
    pairs = pa.list_(pa.struct([("key", column.type.key_type), ("value", column.type.item_type)]))
    listed = column.cast(pairs)
    entries = listed.flatten()
    if not len(entries):
        return _where(column, pa.array([b"{}"] * len(column), _TEXT))
    keys, values = entries.flatten()
    named = json_text(keys)
    quoted = pc.starts_with(named, b'"')
    named = pc.if_else(quoted, named, _wrapped(b'"', named, b'"'))
    items = pc.binary_join_element_wise(named, pc.fill_null(json_text(values), b"null"), _constant(b":"))
    return _where(column, _wrapped(b"{", _joined(listed, items), b"}"))


def _joined(column: pa.Array, items: pa.Array) -> pa.Array:
    """Join the items of each row of a list column by commas."""
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    offsets = np.concatenate([[0], np.cumsum(lengths.to_numpy(zero_copy_only=False))])
    return pc.binary_join(pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), items), _constant(b","))


def _leaf(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _strings(column)
    if pa.types.is_floating(kind):
        wide = column.cast(pa.float64()) if pa.types.is_float16(kind) else column
        return _plain(pc.if_else(pc.is_finite(wide), wide, pa.scalar(None, wide.type)))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return _plain(column)
    if pa.types.is_timestamp(kind):
        return _timestamps(column)
    if pa.types.is_date(kind) or pa.types.is_time(kind):
        return _wrapped(b'"', _plain(column.cast(pa.date32()) if pa.types.is_date(kind) else column), b'"')
    if pa.types.is_duration(kind):
        return _plain(column.cast(pa.int64()))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _each(column, lambda value: base64.b64encode(value).decode())
    return _each(column, str)


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(pa.large_string()).cast(_TEXT)


def _timestamps(column: pa.Array) -> pa.Array:
    """Write ISO 8601 in UTC; one without a zone in the file has none in the text either."""
    zone = b'Z"' if column.type.tz is not None else b'"'
    bare = _plain(column.cast(pa.timestamp(column.type.unit)))
    return _wrapped(b'"', pc.replace_substring(bare, b" ", b"T"), zone)


def _strings(column: pa.Array) -> pa.Array:
    """Quote texts; only those with something to escape are looked at one by one."""
    texts = column.cast(_TEXT)
    odd = pc.fill_null(pc.match_substring_regex(texts, r'[\x00-\x1f"\\]'), False)
    quoted = _wrapped(b'"', texts, b'"')
    if not pc.any(odd).as_py():
        return quoted
    escaped = pa.array([_escaped(value) for value in texts.filter(odd).to_pylist()], _TEXT)
    return pc.replace_with_mask(quoted, odd, escaped)


def _escaped(value: bytes) -> bytes:
    try:
        return orjson.dumps(value.decode())
    except UnicodeDecodeError:  # the record becomes a reject for it; its bytes are kept as they are
        return b'"' + value + b'"'


def _each(column: pa.Array, text: Callable[..., str]) -> pa.Array:
    """Quote the text of each value, one by one."""
    values = column.to_pylist()
    return pa.array([None if value is None else orjson.dumps(text(value)) for value in values], _TEXT)


def _wrapped(before: bytes, inner: pa.Array, after: bytes) -> pa.Array:
    return pc.binary_join_element_wise(_constant(before), inner, _constant(after), _NOTHING)


def _constant(value: bytes) -> pa.Scalar:
    return pa.scalar(value, _TEXT)


def _where(column: pa.Array, texts: pa.Array) -> pa.Array:
    """Put null where the column is null."""
    if not column.null_count:
        return texts
    return pc.if_else(column.is_valid(), texts, pa.scalar(None, _TEXT))
