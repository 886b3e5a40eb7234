"""What is sent from each kind of source, and the pipeline that reads it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml

from tests.run.acme import line

BAD = b'{"door": "north", "kind": "open", "who": "nobody", "at": "never"}\n'
"""A record that goes to the quarantine: its event has no time."""


class Case(Protocol):
    """Records of one kind of source. `pipeline` is the file that reads them; `send` adds the next ones."""

    pipeline: Path

    def send(self, first: int, count: int) -> None:
        """Make records `first` to `first + count - 1` be there, and one bad one."""
        ...

    def arriving(self) -> Any:
        """A context in which what was sent arrives, for sources that are sent to."""
        ...


def written(folder: Path, source: dict[str, Any]) -> Path:
    """Write the pipeline of one source; its lake and its state are beside it."""
    path = folder / "pipeline.yaml"
    said = {
        "pipeline": "matrix",
        "lake": str(folder / "lake"),
        "state": str(folder / "state"),
        "batch": {"seconds": 0.1},
        "sources": {"one": {"mapping": "acme.door", **source}},
    }
    path.write_text(yaml.safe_dump(said))
    return path


@dataclass
class FileCase:
    """Lines appended to three files, one of which is rotated away at every sending."""

    folder: Path
    pipeline: Path = field(init=False)
    sent: int = 0

    def __post_init__(self) -> None:
        """Begin with an empty folder."""
        (self.folder / "logs").mkdir(parents=True)
        self.pipeline = written(self.folder, {"connector": "file", "paths": [str(self.folder / "logs" / "*.log*")],
                                              "follow": False})  # fmt: skip

    def send(self, first: int, count: int) -> None:
        """Append."""
        logs = self.folder / "logs"
        if self.sent and (logs / "0.log").exists():
            (logs / "0.log").rename(logs / f"0.log.{self.sent}")
        for number in range(first, first + count):
            with (logs / f"{number % 3}.log").open("ab") as file:
                file.write(line(number))
        with (logs / "1.log").open("ab") as file:
            file.write(BAD)
        self.sent += 1

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Files are there already."""
        yield


@dataclass
class HttpCase:
    """Requests of a few records, each sent again under the same key until it is answered."""

    folder: Path
    port: int
    pipeline: Path = field(init=False)
    waiting: list[tuple[str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen where the port says."""
        self.folder.mkdir(parents=True)
        self.pipeline = written(self.folder, {"connector": "http", "listen": f"127.0.0.1:{self.port}"})

    def send(self, first: int, count: int) -> None:
        """Put requests in line."""
        for number in range(first, first + count, 4):
            some = b"".join(line(one) for one in range(number, min(number + 4, first + count)))
            self.waiting.append((f"key-{number}", some))
        self.waiting.append((f"bad-{first}", BAD))

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Post what is in line, for as long as this lasts."""
        stop = threading.Event()
        sender = threading.Thread(target=self._post, args=(stop,))
        sender.start()
        try:
            yield
        finally:
            stop.set()
            sender.join()

    def _post(self, stop: threading.Event) -> None:
        while self.waiting and not stop.is_set():
            key, body = self.waiting[0]
            client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            try:
                client.request("POST", "/ingest", body, {"Idempotency-Key": key})
                if client.getresponse().status == 200:
                    self.waiting.pop(0)
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)
            finally:
                client.close()


def uid_texts(numbers: range) -> list[str]:
    """What is found of the good records."""
    return [json.loads(line(number))["who"] for number in numbers]
