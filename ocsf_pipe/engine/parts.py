"""Several batches as one, for a query costs a tenth of a second whatever it maps; and what came of each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe import pieces
from ocsf_pipe.engine.outcome import Outcome
from ocsf_pipe.source import Records

Origin: TypeAlias = str | pa.StringArray
"""The partition of a batch, or of each of its records."""
Places: TypeAlias = npt.NDArray[np.int64]
Shaped: TypeAlias = Callable[[pa.Table], pa.Table]
"""What is done to a table of events, row by row."""


def as_it_is(table: pa.Table) -> pa.Table:
    """Do nothing to a table."""
    return table


def reshaped(outcomes: list[Outcome], shaped: Shaped) -> list[Outcome]:
    """The same outcomes with their tables `shaped`, one after the other: what it was before is let go of."""
    for outcome in outcomes:
        for name in list(outcome.tables):
            outcome.tables[name] = shaped(outcome.tables.pop(name))
    return outcomes


def joined(runs: Sequence[Records]) -> Records:
    """Runs of the same shape as one; positions stay those of each run's own stream."""
    if len(runs) == 1:
        return runs[0]
    return Records(
        raw=pa.concat_arrays([run.raw for run in runs]),
        position=pa.concat_arrays([run.position for run in runs]),
        sub=pa.concat_arrays([run.sub for run in runs]),
        end=runs[-1].end,
        json=None if runs[0].json is None else pa.concat_arrays([run.json for run in runs]),
        columns=None if runs[0].columns is None else pa.concat_tables([run.columns for run in runs]),
    )


def origins_of(runs: Sequence[Records], origins: Sequence[Origin]) -> pa.StringArray:
    """The partition of each record of runs that are joined."""
    told = [
        pa.repeat(pa.scalar(origin), len(run)) if isinstance(origin, str) else origin
        for run, origin in zip(runs, origins, strict=True)
    ]
    return pieces.joined(told, pa.string())


def in_order(result: pa.Table) -> pa.Table:
    """What a query says, by the number of the record; the events of one stay in their order."""
    rid = result["rid"].to_numpy()
    return result if (rid[1:] >= rid[:-1]).all() else result.take(pc.sort_indices(result["rid"]))


def starts_of(runs: Sequence[Records]) -> Places:
    """The number of the first record of each of joined runs, and behind the last, that of all."""
    return np.concatenate([[0], np.cumsum([len(run) for run in runs], dtype=np.int64)])


def cut_up(table: pa.Table, rows: pa.ChunkedArray, starts: Places) -> Iterator[pa.Table]:
    """The rows of each run; `rows` are the numbers of their records, in order."""
    for begin, end in pairwise(np.searchsorted(rows.to_numpy(), starts)):
        yield table.slice(begin, end - begin)


def parted(result: pa.Table, starts: Places) -> Iterator[pa.Table]:
    """What a query says of each run; `rid` becomes the number of the record in its run."""
    place = result.schema.get_field_index("rid")
    for start, part in zip(starts, cut_up(result, result["rid"], starts), strict=False):
        yield part.set_column(place, "rid", pc.subtract(part["rid"], int(start)))
