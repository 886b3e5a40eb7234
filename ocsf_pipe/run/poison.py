"""A record that breaks the mapping of its batch: found by halving, put into the quarantine, the others go on.

The engine isolates what a value may bring about in a query by itself. This is the net below it: whatever else a record
makes raise, it costs that record alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from ocsf_pipe.run.batch import Mapped
from ocsf_pipe.run.recognise import pick
from ocsf_pipe.source import Records, Reject

LOG = logging.getLogger("ocsf_pipe.run")
Whole = Callable[[Sequence[Records]], Mapped]
"""Maps some runs as one batch, or raises."""


def mapped_without_poison(
    whole: Whole, runs: Sequence[Records], partition: str, renewed: Callable[[], None], *, quiet: bool = False
) -> Mapped:
    """Map a batch; records that make it raise are in its quarantine with what they raised.

    What was raised may quote a record: with `quiet` the log says only of what kind it is. `renewed` gives new engines
    after a failure: the old ones may not be used any more. Raises what `whole` raises where not even an empty batch
    can be mapped, or memory is short: that is no record's fault.
    """
    try:
        return whole(runs)
    except (MemoryError, OSError):
        raise
    except Exception as error:
        kind = type(error).__name__
        LOG.error(  # noqa: TRY400 - the traceback goes along where it may
            "a batch cannot be mapped as a whole (%s); its records are tried in halves",
            kind,
            exc_info=None if quiet else error,
            extra={"partition": partition},
        )
        renewed()
        whole([emptied(run) for run in runs])
    return whole([_cured(run, whole, renewed) for run in runs])


def _cured(run: Records, whole: Whole, renewed: Callable[[], None]) -> Records:
    """The run with the records that raise turned into rejects."""
    bad = dict(_poisonous(run, list(range(len(run))), whole, renewed))
    if not bad:
        return run
    rejects = [
        Reject(run.position[row].as_py(), run.sub[row].as_py(), run.raw[row].as_py().encode(), why)
        for row, why in bad.items()
    ]
    good = [row for row in range(len(run)) if row not in bad]
    ordered = sorted([*run.rejects, *rejects], key=lambda reject: (reject.position, reject.sub))
    return replace(rows_of(run, good), rejects=tuple(ordered))


def _poisonous(run: Records, rows: list[int], whole: Whole, renewed: Callable[[], None]) -> Iterator[tuple[int, str]]:
    try:
        whole([rows_of(run, rows)])
    except (MemoryError, OSError):
        raise
    except Exception as raised:  # noqa: BLE001 - that is what is looked for
        renewed()
        if len(rows) == 1:
            yield rows[0], f"the record cannot be mapped: {_line(raised)}"
            return
        middle = len(rows) // 2
        yield from _poisonous(run, rows[:middle], whole, renewed)
        yield from _poisonous(run, rows[middle:], whole, renewed)


def rows_of(run: Records, rows: Sequence[int]) -> Records:
    """Some records of a run, without its rejects."""
    return pick(run, pa.array(rows, pa.int64()))


def emptied(run: Records) -> Records:
    """A run without its records."""
    return rows_of(run, [])


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"[:300]
