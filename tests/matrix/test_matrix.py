"""Killed at any step, any number of times: every record is in the lake once, and the account of the lake holds.

`OCSF_PIPE_KILLS` says how often the long form kills, over all kinds of sources; `just torture` runs it and shows where.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake

from ocsf_pipe.lake import Lake
from tests.connectors.brokers.tansu import free_port
from tests.matrix.cases import Case, FileCase, HttpCase
from tests.matrix.cases_far import KafkaCase, NatsCase, S3Case, SyslogCase
from tests.matrix.jobs import Zygote
from tests.matrix.sendings import account
from tests.matrix.torment import AFTERWARDS, Tally, Torment, table

Made = Callable[[Path], Case]
KINDS = ("file", "http", "kafka", "s3", "nats", "syslog")
KILLS = int(os.environ.get("OCSF_PIPE_KILLS", "400"))
A_LIFE = 12
"""Kills of one lake."""


def unique() -> str:
    """A name that no other test uses."""
    return f"m{time.monotonic_ns()}"


@pytest.fixture(scope="module")
def make(request: pytest.FixtureRequest) -> Callable[[str, Path], Case]:
    """Return what makes a case of a kind in a folder; its server is started when it is first needed."""

    def made(kind: str, folder: Path) -> Case:
        makers: dict[str, Made] = {
            "file": FileCase,
            "http": lambda folder: HttpCase(folder, free_port()),
            "syslog": lambda folder: SyslogCase(folder, free_port()),
            "kafka": lambda folder: KafkaCase(folder, request.getfixturevalue("broker").address, unique()),
            "s3": lambda folder: S3Case(folder, request.getfixturevalue("objects"), unique()),
            "nats": lambda folder: NatsCase(folder, request.getfixturevalue("nats").url, unique()),
        }
        return makers[kind](folder)

    return made


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a NATS server."""
    server = pytest.importorskip("tests.connectors.test_nats")
    if server.FOUND is None:
        pytest.skip("no nats-server")
    one = server.Server(tmp_path_factory.mktemp("nats"))
    one.start()
    yield one
    one.stop()


def tormented(zygote: Zygote, case: Case, seed: int, tally: Tally, faulty: Path | None, kills: int = A_LIFE) -> Torment:
    """Let a case suffer, and hold it to its verdict."""
    lake = str(case.pipeline.parent / "lake")
    one = Torment(zygote, case, lake, random.Random(seed), tally, faulty)
    Lake(lake, create=True)
    one.suffer(kills)
    found = one.verdict()
    assert found.clean, (seed, found)
    return one


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_or_doubled(
    zygote: Zygote, tmp_path: Path, kind: str, make: Callable[[str, Path], Case], faulty: Path
) -> None:
    """The short form: a few kills of each kind."""
    tally = Tally()
    tormented(zygote, make(kind, tmp_path / "one"), 1, tally, faulty if kind != "syslog" else None, 4)
    assert tally.kills


@pytest.mark.heavy
def test_nothing_is_lost_or_doubled_in_hundreds_of_kills(
    zygote: Zygote, tmp_path: Path, make: Callable[[str, Path], Case], faulty: Path
) -> None:
    """The long form; it ends with a table of what was done."""
    tallies = {kind: Tally() for kind in KINDS}
    try:
        for life in range(-(-KILLS // (A_LIFE * len(KINDS)))):
            for kind, tally in tallies.items():
                folder = tmp_path / f"{kind}-{life}"
                refusing = faulty if kind != "syslog" else None
                tormented(zygote, make(kind, folder), 1000 * life + KINDS.index(kind), tally, refusing)
                shutil.rmtree(folder)
    finally:
        sys.__stderr__.write(f"\n{table(tallies)}\n")  # type: ignore[union-attr]
        if shown := os.environ.get("OCSF_PIPE_TABLE"):
            Path(shown).write_text(table(tallies) + "\n")


def test_every_step_of_a_batch_is_one_to_be_killed_at(zygote: Zygote, tmp_path: Path) -> None:
    """One life, killed at each step in its turn: the steps have the names of the protocol."""
    case = FileCase(tmp_path / "one")
    one = Torment(zygote, case, str(tmp_path / "one" / "lake"), random.Random(0), Tally())
    one.send()
    places = []
    for step in range(0, 200, 5):
        done = zygote.do("run", case.pipeline, die_at=step % 37)
        if done.code == 0:
            break
        places.append(done.place)
    assert one.verdict().clean
    assert len(places) > 3
    assert {place.split()[0] for place in places} == {"before", "after"}


def test_the_check_complains_of_one_record_too_few_and_one_too_many(zygote: Zygote, tmp_path: Path) -> None:
    """A check that cannot fail shows nothing: a record is taken away and another is doubled behind the lake's back."""
    case = FileCase(tmp_path / "one")
    one = Torment(zygote, case, str(tmp_path / "one" / "lake"), random.Random(0), Tally())
    one.send()
    assert one.verdict().clean
    for what in AFTERWARDS:
        one.whole(what)
    table = DeltaTable(f"{one.lake}/authentication")
    names = pc.struct_field(table.to_pyarrow_table()["user"], "name")
    rows = table.to_pyarrow_table().filter(pc.not_equal(names, "p1"))
    write_deltalake(table, rows, mode="overwrite")
    found = account(Lake(one.lake), one.sent)
    assert found.lost == {"p1": 1}
    assert len(found.wrong) == 1
    write_deltalake(table, rows.slice(0, 1), mode="append")
    found = account(Lake(one.lake), one.sent)
    assert found.doubled.total() == 2, "the name and the uid"
    assert found.lost == {"p1": 1}
    assert found.wrong == [], "the counts alone would not have told"
