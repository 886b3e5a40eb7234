"""A digest of every row of a table: the same wherever the row lies, and another when any value of it changes.

The digest is over what the row holds, not over how a file holds it: nulls count for nothing, columns go by name, so it
survives compaction and columns that are added later. All leaf values of a row stand one after the other; which byte
belongs to which leaf is told by a number summed up from their lengths, each weighed by a hash of its leaf's path.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import sha256

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.lake.attest import WIDTH

# In larger pieces the joined texts no longer fit the processor's cache, and each new page costs more than its bytes.
_ROWS_AT_ONCE = 4096
# Joining these with the others would copy the bulk of the row once more.
_LONG = ("raw_data", "unmapped")
_BYTES = pa.large_binary()
Numbers = npt.NDArray[np.uint64]
Leaf = tuple[str, pa.Array]


def row_digests(table: pa.Table) -> bytes:
    """Return the digests of all rows in their order, `WIDTH` bytes each."""
    pieces = (batch for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE) if batch.num_rows)
    return b"".join(piece for batch in pieces for piece in _batch(batch))


def _batch(batch: pa.RecordBatch) -> Iterator[bytes]:
    leaves = sorted(leaf for name in batch.schema.names for leaf in _leaves(name, batch.column(name)))
    sums = np.zeros(batch.num_rows, np.uint64)
    parts = {name: _text(name, array, sums) for name, array in leaves if array.null_count < len(array)}
    long = [_slices(parts.pop(name)) for name in _LONG if name in parts]
    rest = _slices(_joined(list(parts.values()), batch.num_rows))
    numbers = sums.tobytes()
    for i in range(batch.num_rows):
        digest = sha256(numbers[8 * i : 8 * i + 8])
        for data, offsets in (*long, rest):
            digest.update(data[offsets[i] : offsets[i + 1]])
        yield digest.digest()[:WIDTH]


def _leaves(name: str, array: pa.Array) -> Iterator[Leaf]:
    """The columns without parts, by their paths; a struct that is null makes its parts null."""
    if not pa.types.is_struct(array.type):
        yield name, array
        return
    parts = array.flatten() if array.null_count else [array.field(i) for i in range(array.type.num_fields)]
    for field, part in zip(array.type, parts, strict=True):
        yield from _leaves(f"{name}.{field.name}", part)


def _text(name: str, array: pa.Array, sums: Numbers) -> pa.Array:
    """The bytes of every value, null for null; adds what their lengths weigh to `sums`."""
    if pa.types.is_map(array.type):
        return _list(name, _entries(array), sums)
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return _list(name, array, sums)
    data = _scalar(array)
    sums += _lengths(data) * _weight(name)
    return data


def _scalar(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_timestamp(kind) or pa.types.is_float64(kind):
        array = array.view(pa.int64())  # exact, whatever a library's way to write such a number becomes
    elif pa.types.is_date32(kind):
        array = array.view(pa.int32())
    if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind):
        return array.cast(_BYTES)
    return array if pa.types.is_large_binary(kind) else array.cast(pa.large_string()).cast(_BYTES)


def _list(name: str, array: pa.Array, sums: Numbers) -> pa.Array:
    """The values of each list's elements one after the other; the place of an element weighs with its length."""
    counts = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    ends = np.cumsum(counts)
    starts = ends - counts
    sums += np.where(np.asarray(array.is_valid()), counts + 1, 0).astype(np.uint64) * _weight(name)
    elements = array.flatten()
    inner = np.zeros(len(elements), np.uint64)
    texts = [_text(path, leaf, inner) for path, leaf in sorted(_leaves(f"{name}[]", elements))]
    place = np.arange(len(elements), dtype=np.int64) - np.repeat(starts, counts)
    summed = np.concatenate([np.zeros(1, np.uint64), np.cumsum(inner * (2 * place + 1).astype(np.uint64))])
    sums += summed[ends] - summed[starts]
    joined = _joined(texts, len(elements))
    offsets = pa.array(np.concatenate([np.zeros(1, np.int64), ends]))
    return pc.binary_join(pa.LargeListArray.from_arrays(offsets, joined), pa.scalar(b"", _BYTES))


def _entries(array: pa.Array) -> pa.Array:
    """A map as the list of its entries."""
    key = pa.field("key", array.type.key_type, nullable=False)
    return array.cast(pa.list_(pa.struct([key, pa.field("value", array.type.item_type)])))


def _joined(texts: Sequence[pa.Array], rows: int) -> pa.Array:
    empty = pa.scalar(b"", _BYTES)
    if not texts:
        return pa.array([b""] * rows, _BYTES)
    return pc.binary_join_element_wise(*texts, empty, null_handling="replace", null_replacement=b"")


def _lengths(data: pa.Array) -> Numbers:
    """One more than the length of each value: an empty text is not null."""
    found: Numbers = pc.fill_null(pc.add(pc.binary_length(data), 1), 0).to_numpy(zero_copy_only=False).astype(np.uint64)
    return found


def _slices(data: pa.Array) -> tuple[memoryview, list[int]]:
    """The bytes of all values, and where each begins and ends in them."""
    _, offsets, values = data.buffers()
    found = np.frombuffer(offsets, np.int64)[data.offset : data.offset + len(data) + 1]
    return memoryview(values if values is not None else b""), found.tolist()


@lru_cache(maxsize=65536)
def _weight(name: str) -> np.uint64:
    return np.uint64(int.from_bytes(sha256(name.encode()).digest()[:8], "little") | 1)
