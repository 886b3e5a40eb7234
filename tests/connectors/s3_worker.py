"""A worker with a lake of plain files, to be killed: `python s3_worker.py FOLDER SETTINGS-AS-JSON`.

A batch is one file of the lake, written as a whole or not at all; its end is where the next worker goes on.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from ocsf_connectors import s3
from ocsf_connectors.s3_partition import ID
from ocsf_pipe.errors import SourceError
from ocsf_pipe.lake.store import LocalStore
from ocsf_pipe.source import Batch, Offset
from ocsf_pipe.testing.connectors import FakeDecoder, context, texts


def resumed(lake: LocalStore) -> tuple[int, int]:
    """The number of the next batch and the offset where it begins."""
    found = lake.names("")
    return (int(found[-1]) + 1, int(json.loads(lake.get(found[-1]) or b"{}")["end"])) if found else (0, 0)


def run(folder: Path, settings: dict[str, object], *, keep: bool) -> None:
    """Read for ever, or until a backfill is done; a far end that fails is opened anew."""
    lake = LocalStore(folder / "lake")
    while True:
        source = s3.connect(settings, context(folder, decoder=FakeDecoder(chunk_bytes=4096 if keep else 1 << 20)))
        try:
            work(source, lake, keep=keep)
        except StopIteration:
            return
        except (SourceError, OSError) as error:
            sys.stderr.write(f"waits: {error}\n")
            time.sleep(0.05)
        finally:
            source.close()


def work(source: s3.S3Source, lake: LocalStore, *, keep: bool) -> None:
    """Read, commit, acknowledge."""
    while not source.partitions():
        time.sleep(0.05)
    number, at = resumed(lake)
    part = source.open(ID, Offset(at))
    try:
        while True:
            batch = part.next_batch()
            if batch is not None:
                commit(lake, number, batch, keep=keep)
                part.acknowledge(batch.next)
                number += 1
            elif not source.partitions():
                return
    finally:
        part.close()


def commit(lake: LocalStore, number: int, batch: Batch, *, keep: bool) -> None:
    """Write a batch, or only count it."""
    reasons = [reject.reason for run in batch.runs for reject in run.rejects]
    held = texts([batch]) if keep else []
    body = {"end": batch.next.position, "texts": held, "rejects": reasons, "count": sum(map(len, batch.runs))}
    if not lake.put_new(f"{number:06d}", json.dumps(body).encode()):
        raise SourceError("another worker has this batch")


if __name__ == "__main__":
    run(Path(sys.argv[1]), json.loads(sys.argv[2]), keep=len(sys.argv) < 4)
    sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
