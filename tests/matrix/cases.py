"""Each kind of source that needs no server: how records reach it, and the pipeline that reads it."""

from __future__ import annotations

import hashlib
import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml


class Case(Protocol):
    """One source of one pipeline. `pipeline` is the file that reads it."""

    pipeline: Path

    def deliver(self, lines: list[bytes]) -> None:
        """Bring records to where the source finds them."""
        ...

    def arriving(self) -> AbstractContextManager[None]:
        """A context in which what was delivered arrives, for sources that are sent to."""
        ...

    def arrived(self) -> set[str] | None:
        """Names that have arrived for certain so far; None where everything that was delivered has."""
        ...


def written(folder: Path, source: dict[str, Any], *, lake: str = "", mapping: str = "acme.door") -> Path:
    """Write the pipeline of one source; its lake, unless it is elsewhere, and its state are beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pipeline.yaml"
    said = {
        "pipeline": "matrix",
        "lake": lake or str(folder / "lake"),
        "state": str(folder / "state"),
        "batch": {"seconds": 0.1},
        "sources": {"one": {"mapping": mapping, **source}},
    }
    path.write_text(yaml.safe_dump(said))
    return path


@dataclass
class FileCase:
    """Lines appended to three files, one of which is rotated away at every sending."""

    folder: Path
    lake: str = ""
    follow: bool = False
    pipeline: Path = field(init=False)
    sent: int = 0

    def __post_init__(self) -> None:
        """Begin with an empty folder."""
        (self.folder / "logs").mkdir(parents=True)
        paths = [str(self.folder / "logs" / "*.log*")]
        self.pipeline = written(
            self.folder, {"connector": "file", "paths": paths, "follow": self.follow}, lake=self.lake
        )

    def deliver(self, lines: list[bytes]) -> None:
        """Append."""
        logs = self.folder / "logs"
        if self.sent and (logs / "0.log").exists():
            (logs / "0.log").rename(logs / f"0.log.{self.sent}")
        for number, line in enumerate(lines):
            with (logs / f"{number % 3}.log").open("ab") as file:
                file.write(line)
        self.sent += 1

    def arriving(self) -> AbstractContextManager[None]:
        """Files are there already."""
        return nullcontext()

    def arrived(self) -> None:
        """All."""


@dataclass
class HttpCase:
    """Requests of a few records, each sent again under the same key until it is answered."""

    folder: Path
    port: int
    pipeline: Path = field(init=False)
    waiting: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen where the port says."""
        self.pipeline = written(self.folder, {"connector": "http", "listen": f"127.0.0.1:{self.port}"})

    def deliver(self, lines: list[bytes]) -> None:
        """Put requests in line."""
        self.waiting += [b"".join(lines[at : at + 4]) for at in range(0, len(lines), 4)]

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Post what is in line, for as long as this lasts."""
        with beside(self._post):
            yield

    def arrived(self) -> None:
        """All, when the line is empty: requests are answered."""

    def _post(self, stop: threading.Event) -> None:
        while self.waiting and not stop.is_set():
            body = self.waiting[0]
            key = hashlib.sha256(body).hexdigest()
            client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            try:
                client.request("POST", "/ingest", body, {"Idempotency-Key": key})
                if client.getresponse().status == 200:
                    self.waiting.pop(0)
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)
            finally:
                client.close()


@contextmanager
def beside(work: Any) -> Iterator[None]:
    """Do something in a thread, which is told to stop at the end."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
