"""For whom and within what the running code works: session, turn and call, carried along by the context.

Context variables follow threads' own stacks and asyncio's tasks, so two conversations in one process do not mix.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Self

_current: ContextVar[Mapping[str, Any]] = ContextVar("ocsf_pipe_audit_scope", default={})  # noqa: B039 - never changed


def current() -> Mapping[str, Any]:
    """Return the fields of the innermost scope and those around it."""
    return _current.get()


def new_id() -> str:
    """Return an id that nobody else makes."""
    return os.urandom(16).hex()


class Scope:
    """Adds fields to every record that is made within it; `with` and `async with` alike."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        """Keep the fields; nulls take nothing away from the scopes around."""
        self.fields = {name: value for name, value in fields.items() if value is not None}
        self._token: Token[Mapping[str, Any]] | None = None

    def __enter__(self) -> Self:
        self.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    async def __aenter__(self) -> Self:
        self.enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def enter(self) -> None:
        """Begin."""
        self._token = _current.set({**_current.get(), **self.fields})

    def leave(self) -> None:
        """End; in another context than the one it began in, as generators may, it is over already."""
        if self._token is not None:
            try:
                _current.reset(self._token)
            except ValueError:
                return
            finally:
                self._token = None
