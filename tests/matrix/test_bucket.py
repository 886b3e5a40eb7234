"""A lake in a bucket that fails requests at random, some of them after they were done; killed there too."""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocsf_pipe.lake import Lake
from tests.matrix.cases import FileCase
from tests.matrix.jobs import Zygote
from tests.matrix.moto import bucket, environment
from tests.matrix.shaky import Shaky, shaky
from tests.matrix.torment import Tally, Torment, table

SHARE = 0.08
LIVES = int(os.environ.get("OCSF_PIPE_KILLS", "400")) // 80
A_LIFE = 8


@pytest.fixture
def front(objects: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shaky]:
    """A proxy before the object store, and a bucket; lakes of this process go around the proxy."""
    for name, value in environment(objects).items():
        monkeypatch.setenv(name, value)
    with shaky(objects, 1) as one:
        yield one


def live(zygote: Zygote, folder: Path, objects: str, front: Shaky, tally: Tally, seed: int, kills: int) -> None:
    """One lake of files that suffers, through the proxy."""
    name = f"lake{time.monotonic_ns()}"
    bucket(objects, name)
    zygote.environment |= environment(front.url)
    zygote.enough = 40
    case = FileCase(folder, lake=f"s3://{name}/l")
    one = Torment(zygote, case, case.lake, random.Random(seed), tally, upkeep=("compact", "retain", "compact"))
    front.fail(SHARE)
    one.suffer(kills)
    found = one.verdict(before=lambda: front.fail(0))
    assert found.clean, (seed, found)
    assert Lake(case.lake).tables()


def test_a_bucket_that_fails_loses_and_doubles_nothing(
    zygote: Zygote, tmp_path: Path, objects: str, front: Shaky
) -> None:
    """The short form."""
    tally = Tally()
    live(zygote, tmp_path / "one", objects, front, tally, 1, 2)
    assert tally.kills


@pytest.mark.heavy
def test_a_bucket_that_fails_loses_and_doubles_nothing_in_many_kills(
    zygote: Zygote, tmp_path: Path, objects: str, front: Shaky
) -> None:
    """The long form."""
    tally = Tally()
    try:
        for seed in range(max(1, LIVES)):
            live(zygote, tmp_path / "one", objects, front, tally, seed, A_LIFE)
            shutil.rmtree(tmp_path / "one")
    finally:
        sys.__stderr__.write(f"\n{table({'bucket': tally})}\n")  # type: ignore[union-attr]
