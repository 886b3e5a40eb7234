"""What the HTTP listener and what stands behind it say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qs

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request: header names in lower case, values of one name joined by commas."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """Return a header's value; the empty text where there is none."""
        return self.headers.get(name, "")

    def parameter(self, name: str) -> str:
        """Return the first value of a parameter of the query; the empty text where there is none."""
        try:
            return parse_qs(self.query, max_num_fields=100).get(name, [""])[0]
        except ValueError:
            return ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; what was read of the request's body before it does not matter."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


class Intake(Protocol):
    """A request that may send its body."""

    def refuse(self, status: int, text: str) -> Answer:
        """Return the answer to a body that cannot be taken, in the words of the request's protocol."""
        ...

    def take(self, body: bytes) -> Answer:
        """Take the whole body, unpacked, and return the answer; may block, and is called in a thread of its own."""
        ...


class App(Protocol):
    """Looks at the head of a request."""

    def __call__(self, request: Request) -> Answer | Intake:
        """Return the answer to the head alone, or what takes the body; may not block."""
        ...
