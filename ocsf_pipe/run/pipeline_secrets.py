"""Secrets of a pipeline file: where one is kept, and a text that cannot be printed by mistake."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocsf_pipe.errors import UsageError

LONGEST = 1 << 20


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


def fetched(kind: str, where: str) -> Secret:
    """The secret that `{env: NAME}` or `{file: PATH}` means, without the line end of a file; raises UsageError."""
    text = _from_environment(where) if kind == "env" else _from_file(where)
    origin = f"{kind} {where}"
    if not text:
        raise UsageError(f"`{where}` is empty", "an empty secret protects nothing: put one there")
    return Secret(text, origin)


def _from_environment(name: str) -> str:
    text = os.environ.get(name)
    if text is None:
        raise UsageError(f"the environment has no `{name}`", f"set {name} for the process that runs the pipeline")
    return text


def _from_file(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            raw = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        raise UsageError(
            f"`{path}` cannot be read: {reason}", "write the file, readable by the pipeline alone"
        ) from error
    if len(raw) > LONGEST:
        raise UsageError(f"`{path}` has more than {LONGEST} bytes", "a secret is shorter: name another file")
    try:
        return raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UsageError(f"`{path}` is not UTF-8", "write the secret as text") from None
