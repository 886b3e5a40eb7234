"""A digest of every row of a table: the same wherever the row lies, and another when any value of it changes.

The digest is over what the row holds, not over how a file holds it: nulls count for nothing, columns go by name, so it
survives compaction and columns that are added later. A row is written as 16 bytes that tell which leaves it has, the
numbers among them with 8 bytes each, the lengths of the others with 4 bytes each, and then those one after the other:
it can be read in one way only, and so can a list, whose elements are written in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.lake.attest import WIDTH

# In larger pieces the joined texts no longer fit the processor's cache, and each new page costs more than its bytes.
_ROWS_AT_ONCE = 4096
_BYTES = pa.large_binary()
Leaf: TypeAlias = tuple[str, pa.Array]
Values: TypeAlias = npt.NDArray[Any]


def row_digests(table: pa.Table) -> bytes:
    """Return the digests of all rows in their order, `WIDTH` bytes each."""
    return b"".join([_batch(batch) for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE) if batch.num_rows])


def _batch(batch: pa.RecordBatch) -> bytes:
    leaves = (leaf for name in batch.schema.names for leaf in _leaves(name, batch.column(name)))
    written = _written(leaves, batch.num_rows)
    data, offsets = memoryview(written.buffers()[2]), _offsets(written).tolist()
    return b"".join([sha256(data[start:end]).digest()[:WIDTH] for start, end in pairwise(offsets)])


def _leaves(name: str, array: pa.Array) -> Iterator[Leaf]:
    """The columns without parts, by their paths; a struct that is null makes its parts null."""
    if not pa.types.is_struct(array.type):
        yield name, array
        return
    parts = array.flatten() if array.null_count else [array.field(i) for i in range(array.type.num_fields)]
    for field, part in zip(array.type, parts, strict=True):
        yield from _leaves(f"{name}.{field.name}", part)


def _written(leaves: Iterable[Leaf], rows: int) -> pa.Array:
    """The bytes of every row; leaves without a value are left out."""
    present = {name: array for name, array in sorted(leaves, key=lambda leaf: leaf[0]) if array.null_count < rows}
    numbers = {name: found for name, array in present.items() if (found := _numbers(array)) is not None}
    texts = {name: _bytes(name, array) for name, array in present.items() if name not in numbers}
    kinds = [(name, str(present[name].type)) for name in numbers] + [(name, "") for name in texts]
    there = [_there(present[name], rows) for name, _ in kinds]
    have = np.stack(there, axis=1) if there else np.zeros((rows, 0), np.bool_)
    parts = [
        _per_row(_told(kinds, have), np.full(rows, WIDTH)),
        _taken([*numbers.values()], have[:, : len(numbers)], np.int64),
        _taken([np.diff(_offsets(text)) for text in texts.values()], have[:, len(numbers) :], np.uint32),
    ]
    return _joined([*parts, *texts.values()])


def _there(array: pa.Array, rows: int) -> npt.NDArray[np.bool_]:
    if not array.null_count:
        return np.ones(rows, np.bool_)
    found: npt.NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return found


def _told(kinds: Sequence[tuple[str, str]], have: npt.NDArray[np.bool_]) -> Values:
    """The 16 bytes of every row that tell its leaves; `have` says which of them each row has."""
    bits = np.packbits(have, axis=1)
    bits = np.pad(bits, ((0, 0), (0, max(8 - bits.shape[1], 0))))
    sets = bits.view(np.uint64 if bits.shape[1] == np.uint64().itemsize else (np.void, bits.shape[1])).ravel()
    distinct, which = np.unique(sets, return_inverse=True)
    names = tuple(kinds)
    told = b"".join(_told_of(names, one.tobytes()) for one in distinct)
    return np.frombuffer(told, np.uint8).reshape(-1, WIDTH)[which]


@lru_cache(maxsize=65536)
def _told_of(kinds: tuple[tuple[str, str], ...], bits: bytes) -> bytes:
    """What tells these leaves from any others: their paths, and of numbers the types."""
    have = np.unpackbits(np.frombuffer(bits, np.uint8), count=len(kinds)).tolist()
    leaves = sorted(leaf for leaf, there in zip(kinds, have, strict=True) if there)
    return sha256(json.dumps(leaves).encode()).digest()[:WIDTH]


def _taken(columns: Sequence[Values], have: npt.NDArray[np.bool_], kind: type[np.generic]) -> pa.Array:
    """The numbers that are there, row by row, as their bytes."""
    whole = np.empty(have.shape, kind)
    for number, column in enumerate(columns):
        whole[:, number] = column
    return _per_row(whole[have], have.sum(axis=1) * whole.itemsize)


def _per_row(data: Values, lengths: Values) -> pa.Array:
    """Bytes that belong to rows, so many to each."""
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    return pa.Array.from_buffers(_BYTES, len(lengths), [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def _numbers(array: pa.Array) -> Values | None:
    """The numbers of a column, each exactly and as 64 bits; None where it holds none. What stands for null is any."""
    kind = array.type
    if pa.types.is_timestamp(kind) or pa.types.is_float64(kind):
        array = array.view(pa.int64())
    elif pa.types.is_date32(kind):
        array = array.view(pa.int32()).cast(pa.int64())
    elif pa.types.is_boolean(kind):
        array = array.cast(pa.int8()).cast(pa.int64())
    elif not pa.types.is_int64(kind):
        return None
    return np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array)]


def _bytes(name: str, array: pa.Array) -> pa.Array:
    """The bytes of every value, null for null."""
    kind = array.type
    if pa.types.is_map(kind):
        return _list(name, _entries(array))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _list(name, array)
    if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind):
        return array.cast(_BYTES)
    return array if pa.types.is_large_binary(kind) else array.cast(pa.large_string()).cast(_BYTES)


def _list(name: str, array: pa.Array) -> pa.Array:
    """The elements of each list one after the other."""
    counts = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    elements = array.flatten()
    written = _written(_leaves(f"{name}[]", elements), len(elements))
    ends = _offsets(written)[np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])]
    validity = pc.is_valid(array).buffers()[1] if array.null_count else None
    return pa.Array.from_buffers(_BYTES, len(array), [validity, pa.py_buffer(ends), written.buffers()[2]])


def _entries(array: pa.Array) -> pa.Array:
    """A map as the list of its entries."""
    key = pa.field("key", array.type.key_type, nullable=False)
    return array.cast(pa.list_(pa.struct([key, pa.field("value", array.type.item_type)])))


def _joined(texts: Sequence[pa.Array]) -> pa.Array:
    empty = pa.scalar(b"", _BYTES)
    return pc.binary_join_element_wise(*texts, empty, null_handling="replace", null_replacement=b"")


def _offsets(data: pa.Array) -> npt.NDArray[np.int64]:
    """Where the bytes of each value begin, and behind the last where they end."""
    _, offsets, _ = data.buffers()
    return np.frombuffer(offsets, np.int64)[data.offset : data.offset + len(data) + 1]
