"""Arrow arrays in pieces, made one. A single piece is taken as it is: `combine_chunks` and `concat_arrays` copy it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa


def whole(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, with an offset if it is a slice."""
    return joined(column.chunks, column.type)


def joined(arrays: Sequence[pa.Array], of: pa.DataType) -> pa.Array:
    """Return arrays of one type as one; none at all give an empty array."""
    if len(arrays) == 1:
        return arrays[0]
    return pa.concat_arrays(arrays) if arrays else pa.array([], of)
