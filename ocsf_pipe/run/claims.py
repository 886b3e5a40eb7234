"""Who has a finding in hand: a note in the lake that one process makes before it sends, and completes when it has sent.

A claim is its owner's for as long as that lives, as far as this can be told: on its own host its process, on others a
minute. So two processes send nothing twice; one that is killed leaves the one finding that it had in hand to the next.
"""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import dataclass, field
from secrets import token_hex

from ocsf_pipe.errors import FencedError
from ocsf_pipe.lake.store import Store

STALE = 60.0
"""Seconds after which a claim of another host is void: sending takes ten at most, and is told after."""
_DONE = ".done"


@dataclass(slots=True)
class Claims:
    """The notes of one target in one folder of the lake."""

    store: Store
    folder: str
    owner: str = field(default_factory=lambda: token_hex(8))

    def done(self) -> set[str]:
        """The ids that were sent."""
        return {name.removesuffix(_DONE) for name in self.store.names(self.folder) if name.endswith(_DONE)}

    def take(self, uid: str) -> None:
        """Claim one finding; raises FencedError where another process that lives has it."""
        said = {"owner": self.owner, "host": socket.gethostname(), "pid": os.getpid(), "at": time.time()}
        path = f"{self.folder}/{uid}"
        for _ in range(3):
            if self.store.put_new(path, json.dumps(said).encode()):
                return
            found = self.store.get(path)
            if found is not None:
                held = json.loads(found)
                if held["owner"] == self.owner:
                    return
                if _lives(held):
                    raise FencedError(f"another process sends the finding {uid}", "it is waited for")
                self.store.delete(path)
        raise FencedError(f"others claim the finding {uid}", "it is waited for")

    def drop(self, uid: str) -> None:
        """Let go of a finding that was not taken."""
        self.store.delete(f"{self.folder}/{uid}")

    def sent(self, uid: str) -> None:
        """Note that a finding was taken, or refused for good."""
        self.store.put_new(f"{self.folder}/{uid}{_DONE}", b"")

    def clear(self) -> None:
        """Forget all notes: the place in the lake is behind them."""
        for name in self.store.names(self.folder):
            self.store.delete(f"{self.folder}/{name}")


def _lives(held: dict[str, object]) -> bool:
    if held["host"] != socket.gethostname():
        return time.time() - float(str(held["at"])) < STALE
    try:
        os.kill(int(str(held["pid"])), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
