"""The steps of everything that changes a lake, each with a name, and where a process died among them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from deltalake import DeltaTable, write_deltalake

from ocsf_pipe.lake import maintain, retain, write
from ocsf_pipe.lake.store import LocalStore, ObjectStore
from ocsf_pipe.run.mapper import Mapper
from ocsf_pipe.run.worker import Worker

Name = Callable[..., str]


class NamedSteps:
    """Counts steps, two for each action: before it and behind it.

    `at(place)` is called at every one with its name, `before intent` or `after commit base_event`.
    """

    def __init__(self, job: str, at: Callable[[int, str], None]) -> None:
        self.job, self.at, self.count = job, at, 0

    def step(self, place: str) -> None:
        """Take one step, the last perhaps."""
        self.count += 1
        self.at(self.count - 1, place if self.job in ("run", "serve") else f"{self.job}: {place}")

    def around(self, action: Callable[..., Any], name: Name) -> Callable[..., Any]:
        """The action with a step before and one behind it."""

        def stepped(*args: Any, **kwargs: Any) -> Any:
            said = name(*args)
            self.step(f"before {said}")
            found = action(*args, **kwargs)
            self.step(f"after {said}")
            return found

        return stepped

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Step at everything that a batch, a replay, a compaction, a retention or a vacuum does to a lake."""
        for store in (LocalStore, ObjectStore):
            patch.setattr(store, "put_new", self.around(store.put_new, lambda _, path, __: put_name(path)))
            patch.setattr(store, "delete", self.around(store.delete, lambda _, path: f"delete in {part(path)}"))
        for module in (write, maintain, retain):
            patch.setattr(module, "append", self.around(module.append, lambda _, table, *__: f"commit {table}"))
        for module in (write, maintain):
            patch.setattr(module, "write_day", self.around(module.write_day, lambda _, table, *__: f"write {table}"))
        patch.setattr(write, "write_deltalake", self.around(write_deltalake, lambda *_: "new columns"))
        patch.setattr(DeltaTable, "create", self.around(DeltaTable.create, lambda *_: "new table"))
        patch.setattr(DeltaTable, "vacuum", self.around(DeltaTable.vacuum, lambda *_: "vacuum"))
        for owner, method, said in ((Mapper, "mapped", "map"), (Worker, "_acknowledged", "acknowledge")):
            patch.setattr(owner, method, self.around(getattr(owner, method), lambda *_, said=said: said))


def put_name(path: str) -> str:
    """What a small file is for."""
    if path.startswith("_checkpoints/"):
        return "finish" if path.endswith(".done.json") else "intent"
    return f"put in {part(path)}"


def part(path: str) -> str:
    """The part of the lake that a file belongs to."""
    return path.split("/", maxsplit=1)[0]


class Recorder:
    """Writes the last step that was taken where another process finds it, and kills this one at a chosen step."""

    def __init__(self, told: int, die_at: int | None, kill: Callable[[], None]) -> None:
        self.told, self.die_at, self.kill = told, die_at, kill

    def __call__(self, number: int, place: str) -> None:
        """Take note of a step."""
        os.pwrite(self.told, f"{number + 1:6d} {place:100.100}".encode(), 0)
        if number == self.die_at:
            self.kill()
