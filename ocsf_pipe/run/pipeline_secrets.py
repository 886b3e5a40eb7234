"""Secrets of a pipeline file: where one is kept, and a text that cannot be printed by mistake."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any


class Secret:
    """A text that shows itself nowhere: neither `repr`, `str`, formats, logs nor JSON hold it; `reveal` gives it."""

    __slots__ = ("_text", "origin")

    def __init__(self, text: str, origin: str) -> None:
        """Keep a text; `origin` says for people where it came from, such as `env PASSWORD`."""
        self._text = text
        self.origin = origin

    def reveal(self) -> str:
        """The text itself, for the connector alone."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({self.origin})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self.origin)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")


def revealed(value: Any) -> Any:
    """Settings with every secret in them as plain text: what `connect` is given, and nothing else may see."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: revealed(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [revealed(inner) for inner in value]
    return value
