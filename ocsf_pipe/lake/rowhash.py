"""A digest of every row of a table: the same wherever the row lies, and another when any value of it changes.

The digest is over what the row holds, not over how a file holds it: nulls count for nothing, columns go by name, so it
survives compaction and columns that are added later. A row is written as a head, which has the number of its leaves and
for each a hash of its path and the length of its value, and then the values one after the other: it can be read in one
way only, and so can a list, whose elements are written in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.lake.attest import WIDTH

# In larger pieces the joined texts no longer fit the processor's cache, and each new page costs more than its bytes.
_ROWS_AT_ONCE = 4096
# These stand first.
_LONG = ("raw_data", "unmapped")
_BYTES = pa.large_binary()
_HEAD = np.dtype([("leaf", "<u8"), ("length", "<u4")])
Leaf = tuple[str, pa.Array]


def row_digests(table: pa.Table) -> bytes:
    """Return the digests of all rows in their order, `WIDTH` bytes each."""
    pieces = (batch for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE) if batch.num_rows)
    return b"".join(piece for batch in pieces for piece in _batch(batch))


def _batch(batch: pa.RecordBatch) -> Iterator[bytes]:
    leaves = sorted(leaf for name in batch.schema.names for leaf in _leaves(name, batch.column(name)))
    heads, values = _written(leaves, batch.num_rows)
    long = [values.pop(name) for name in _LONG if name in values]
    data, offsets = _slices(_joined([heads, *long, *values.values()], batch.num_rows))
    for start, end in pairwise(offsets):
        yield sha256(data[start:end]).digest()[:WIDTH]


def _written(leaves: Iterable[Leaf], rows: int) -> tuple[pa.Array, dict[str, pa.Array]]:
    """The head of every row, and the values of each leaf, null for null; leaves without a value are left out."""
    values = {name: _bytes(name, array) for name, array in leaves if array.null_count < len(array)}
    lengths = np.empty((len(values) + 1, rows), np.uint32)
    for number, data in enumerate(values.values(), 1):
        lengths[number] = _lengths(data)
    lengths[0] = (lengths[1:] > 0).sum(axis=0) + 1  # itself counts, so that a row without values has a head too
    lengths = np.ascontiguousarray(lengths.T)
    at = np.flatnonzero(lengths)
    heads = np.empty(len(at), _HEAD)
    heads["leaf"] = np.array([0, *map(_leaf_hash, values)], np.uint64)[at % (len(values) + 1)]
    heads["length"] = lengths.ravel()[at]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths[:, 0], dtype=np.int64) * _HEAD.itemsize])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(heads.tobytes())]
    return pa.Array.from_buffers(_BYTES, rows, buffers), values


def _leaves(name: str, array: pa.Array) -> Iterator[Leaf]:
    """The columns without parts, by their paths; a struct that is null makes its parts null."""
    if not pa.types.is_struct(array.type):
        yield name, array
        return
    parts = array.flatten() if array.null_count else [array.field(i) for i in range(array.type.num_fields)]
    for field, part in zip(array.type, parts, strict=True):
        yield from _leaves(f"{name}.{field.name}", part)


def _bytes(name: str, array: pa.Array) -> pa.Array:
    """The bytes of every value, null for null."""
    if pa.types.is_map(array.type):
        return _list(name, _entries(array))
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return _list(name, array)
    return _scalar(array)


def _scalar(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_timestamp(kind) or pa.types.is_float64(kind):
        array = array.view(pa.int64())  # exact, whatever a library's way to write such a number becomes
    elif pa.types.is_date32(kind):
        array = array.view(pa.int32())
    if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind):
        return array.cast(_BYTES)
    return array if pa.types.is_large_binary(kind) else array.cast(pa.large_string()).cast(_BYTES)


def _list(name: str, array: pa.Array) -> pa.Array:
    """The elements of each list one after the other, each with its head."""
    counts = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    elements = array.flatten()
    heads, values = _written(sorted(_leaves(f"{name}[]", elements)), len(elements))
    written = _joined([heads, *values.values()], len(elements))
    offsets = pa.array(np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]))
    lists = pc.binary_join(pa.LargeListArray.from_arrays(offsets, written), pa.scalar(b"", _BYTES))
    return pc.if_else(array.is_valid(), lists, pa.scalar(None, _BYTES))


def _entries(array: pa.Array) -> pa.Array:
    """A map as the list of its entries."""
    key = pa.field("key", array.type.key_type, nullable=False)
    return array.cast(pa.list_(pa.struct([key, pa.field("value", array.type.item_type)])))


def _joined(texts: Sequence[pa.Array], rows: int) -> pa.Array:
    empty = pa.scalar(b"", _BYTES)
    if not texts:
        return pa.array([b""] * rows, _BYTES)
    return pc.binary_join_element_wise(*texts, empty, null_handling="replace", null_replacement=b"")


def _lengths(data: pa.Array) -> npt.NDArray[np.int64]:
    """One more than the length of each value, none for null: an empty text is not null."""
    found: npt.NDArray[np.int64] = pc.fill_null(pc.add(pc.binary_length(data), 1), 0).to_numpy(zero_copy_only=False)
    return found


def _slices(data: pa.Array) -> tuple[memoryview, list[int]]:
    """The bytes of all values, and where each begins and ends in them."""
    _, offsets, values = data.buffers()
    found = np.frombuffer(offsets, np.int64)[data.offset : data.offset + len(data) + 1]
    return memoryview(values if values is not None else b""), found.tolist()


@lru_cache(maxsize=65536)
def _leaf_hash(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:8], "little")
