"""The contract of detectors that are no part of this program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Hit:
    """What was found: its class, its first character and the one behind its last."""

    name: str
    start: int
    end: int


class Library(Protocol):
    """Detectors of another project. A text gives the same hits for as long as the title is the same."""

    @property
    def title(self) -> str:
        """Its name and version, as events tell them; known without loading it."""
        ...

    def hits(self, text: str) -> Iterator[Hit]:
        """Yield what is found in a text; raises nothing for any text, and logs none."""
        ...
