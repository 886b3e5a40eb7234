"""Many rules over a big table, in processes that are started anew: DuckDB and polars do not survive a fork."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import polars as pl
import pyarrow as pa

from ocsf_pipe.detect.reading import Found, Reading
from ocsf_pipe.detect.scan import Scan, settled
from ocsf_pipe.detect.shares import Queue, Share, begin, connection, ready
from ocsf_pipe.detect.ways import chosen, read, together
from ocsf_pipe.errors import OcsfPipeError


def fires_in(scan: Scan, whole: str, parts: Sequence[str], workers: int, extra: Sequence[str] = ()) -> pa.Table:
    """The fires of a table, given as SQL that any connection can run: of all its rows, and of parts of them.

    This process is one of the workers. See `scan.fires`.
    """
    own = connection(max(workers, 1))

    def readings() -> list[Reading]:
        return chosen(own, scan.questions(), whole, extra)

    most = min(workers, len(parts))
    found = _shared(readings, tuple(parts), most) if most > 1 else read(own, readings(), parts)
    return settled(own, scan, whole, found, extra)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _shared(readings: Callable[[], list[Reading]], parts: tuple[str, ...], workers: int) -> Found:
    context = multiprocessing.get_context("spawn")
    queue = Queue(context.Value("q"))
    begin(queue)
    try:
        with ProcessPoolExecutor(workers - 1, context, begin, (queue,)) as pool:
            # they start while this process works out what they are to read
            for _ in range(workers - 1):
                pool.submit(ready)
            share = Share(readings(), parts)
            others = [pool.submit(share.run) for _ in range(workers - 1)]
            found = [share.run(), *(other.result() for other in others)]
    except BrokenProcessPool as error:
        why = "a worker process was ended before it was done, for want of memory most likely"
        raise OcsfPipeError(why, "fewer `--workers` need less memory; 1 starts none") from error
    # each process counts rows from 0
    apart = [one.sure.with_columns(pl.col("row") + (number << 40)) for number, one in enumerate(found)]
    return together([replace(one, sure=sure) for one, sure in zip(found, apart, strict=True)])
