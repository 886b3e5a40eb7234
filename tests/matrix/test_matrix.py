"""Killed at any step, any number of times: every record is in the lake once, and the account of the lake holds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ocsf_pipe.lake import Lake
from tests.connectors.brokers.tansu import free_port
from tests.matrix.cases import BAD, Case, FileCase, HttpCase
from tests.matrix.jobs import Zygote
from tests.run.acme import write_mapping
from tests.run.test_worker import each_once, who

SENDINGS, EACH = 3, 12
KILLED = -9


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """Return a zygote for all tests of this file."""
    folder = tmp_path_factory.mktemp("zygote")
    write_mapping(folder / "mappings")
    one = Zygote.started(folder / "log", folder / "mappings")
    yield one
    one.close()


def refused(lake: Path) -> Counter[bytes]:
    """The raw records in quarantine."""
    opened = Lake(lake)
    if "_quarantine" not in opened.tables():
        return Counter()
    return Counter(opened.sql("select raw from _quarantine")["raw"].to_pylist())


def torment(zygote: Zygote, case: Case, dice: random.Random, kills: int) -> int:
    """Send in parts, killing the pipeline again and again between and during them; return how often it was killed."""
    killed = 0
    lake = case.pipeline.parent / "lake"
    for sending in range(SENDINGS):
        case.send(sending * EACH, EACH)
        with case.arriving():
            for _ in range(kills):
                what = dice.choice(["run", "run", "run", "compact", "replay"]) if lake.is_dir() else "run"
                place = case.pipeline if what == "run" else lake
                when = {"die_at": dice.randrange(60)} if dice.random() < 0.7 else {"kill_after": dice.random()}
                code, _ = zygote.do(what, place, **when)
                assert code in (0, KILLED), zygote.log.read_text()[-3000:]
                killed += code == KILLED
    with case.arriving():
        assert zygote.do("run", case.pipeline)[0] == 0
    return killed


def check(case: Case) -> None:
    """Every record that was sent is there once, in the tables or in the quarantine."""
    lake = case.pipeline.parent / "lake"
    assert who(lake) == each_once(range(SENDINGS * EACH))
    assert refused(lake) == Counter({BAD.strip(): SENDINGS})
    assert [one for one in Lake(lake).verify() if not one.holds] == []


CASES: dict[str, Callable[[Path], Case]] = {"file": FileCase, "http": lambda folder: HttpCase(folder, free_port())}


@pytest.mark.parametrize("kind", CASES)
def test_nothing_is_lost_or_doubled(zygote: Zygote, tmp_path: Path, kind: str) -> None:
    """The short form: two dice."""
    for seed in range(2):
        case = CASES[kind](tmp_path / str(seed))
        assert torment(zygote, case, random.Random(seed), kills=4)
        check(case)
