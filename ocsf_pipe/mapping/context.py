"""What every part of the lowering shares: the mapping, the schema, the complaints, fresh names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from ocsf_pipe.errors import Diagnostic, Span
from ocsf_pipe.mapping.shapes import Trie
from ocsf_pipe.mapping.syntax import Mapping
from ocsf_pipe.plan.nodes import Node, Path
from ocsf_pipe.schema import Schema

MAX_PARTS = 200_000
"""The largest shipped mapping has a tenth of it."""


class TooBig(Exception):  # noqa: N818 - it ends the lowering, and becomes a complaint
    """The plan would not end."""

    def __init__(self, span: Span) -> None:
        super().__init__()
        self.span = span


@dataclass(slots=True)
class Context:
    """One mapping being lowered. `locals` are values named by the compiler, of the rule at hand.

    `excused` are the attributes of the rule at hand that somebody tried to set: what is wrong there has been said, so
    that they are missing is no second complaint. `consumed` holds the source paths that the values of each rule read.
    """

    mapping: Mapping
    schema: Schema
    record: Trie = field(default_factory=lambda: Trie(touched=True))
    complaints: list[Diagnostic] = field(default_factory=list)
    locals: list[tuple[str, Node]] = field(default_factory=list)
    excused: set[Path] = field(default_factory=set)
    consumed: dict[str, set[Path]] = field(default_factory=dict)
    muted: bool = False
    spent: int = 0
    _names: Iterator[int] = field(default_factory=count)

    def complain(self, code: str, message: str, span: Span | None, hint: str | None = None) -> None:
        """Note one complaint; the same complaint of the same place is noted once."""
        known = any((c.code, c.message, c.span) == (code, message, span) for c in self.complaints)
        if not self.muted and not known:
            self.complaints.append(Diagnostic(code, message, span, hint))

    def spend(self, span: Span) -> None:
        """Count one more part of the plan; raises TooBig where lets that use lets have made too many."""
        self.spent += 1
        if self.spent > MAX_PARTS:
            raise TooBig(span)

    def fresh(self, what: str) -> str:
        """A name that no author can write."""
        return f"${what}{next(self._names)}"

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Hold complaints back while something is only tried."""
        before, self.muted = self.muted, True
        try:
            yield
        finally:
            self.muted = before
