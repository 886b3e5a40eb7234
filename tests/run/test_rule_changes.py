"""Rules that change while they are asked on and on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from ocsf_pipe.errors import UsageError
from ocsf_pipe.run.detecting import Detecting
from ocsf_pipe.run.detecting_loop import Loop
from ocsf_pipe.run.rule_changes import Renewal
from tests.detect.doors import SINGLE, detecting, findings, grow, rules_in


def _titles(folder: Path) -> list[str]:
    return sorted(row["finding_info"]["title"] for row in findings(folder))


def _renewal(folder: Path, make: Callable[[], Detecting]) -> Renewal:
    return Renewal([folder / "rules"], make, every=0)


def test_a_rule_that_changed_is_asked_of_what_comes_next(tmp_path: Path) -> None:
    """In the same loop, from the place where the old one was: nothing is skipped, nothing found twice."""
    file = rules_in(tmp_path) / "single" / "rule.yml"
    grow(tmp_path, "a", [("bad one", "08:00:00"), ("worse one", "08:00:01")])
    stop, made = threading.Event(), []

    def make() -> Detecting:
        made.append(detecting(tmp_path))
        return made[-1]

    def after() -> None:
        """Change the rule behind the first round; let events come behind its renewal, and end."""
        if file.read_text() == SINGLE:
            text = SINGLE.replace("contains: bad", "contains: worse").replace("A bad process", "A worse process")
            file.write_text(text)
        elif len(made) == 2 and not (tmp_path / "b.ndjson").exists():
            grow(tmp_path, "b", [("bad two", "09:00:00"), ("worse two", "09:00:01")])
            stop.set()

    Loop(make(), stop, after=after, look_every=0.01, renewed=_renewal(tmp_path, make)).run()
    assert _titles(tmp_path) == ["A bad process", "A worse process"]


def test_a_change_counts_when_it_is_over(tmp_path: Path) -> None:
    """Files that are still written are not read; files that stay as they are, never."""
    file = rules_in(tmp_path) / "single" / "rule.yml"
    grow(tmp_path, "a", [("good", "08:00:00")])
    made: list[int] = []

    def make() -> Detecting:
        made.append(1)
        return detecting(tmp_path)

    renewal = _renewal(tmp_path, make)
    assert (renewal(), renewal(), made) == (None, None, [])
    for text in (SINGLE + "#", SINGLE + "# x"):
        file.write_text(text)
        assert renewal() is None
    assert renewal() is not None
    assert renewal() is None


def test_rules_that_cannot_be_read_leave_the_old_ones(tmp_path: Path) -> None:
    """Whatever is wrong with the files, what was asked goes on being asked; mended, they are read."""
    file = rules_in(tmp_path) / "single" / "rule.yml"
    grow(tmp_path, "a", [("good", "08:00:00")])
    broken = [True]

    def make() -> Detecting:
        if broken:
            raise UsageError("there are no rules here")
        return detecting(tmp_path)

    renewal = _renewal(tmp_path, make)
    file.write_text(SINGLE + "# x")
    assert [renewal() for _ in range(3)] == [None, None, None]
    broken.clear()
    file.write_text(SINGLE + "# y.")
    assert [one is not None for one in (renewal(), renewal())] == [False, True]
