"""What every part of the lowering shares: the mapping, the schema, the complaints, fresh names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from ocsf_pipe.errors import Diagnostic, Span
from ocsf_pipe.mapping.shapes import Trie
from ocsf_pipe.mapping.syntax import Mapping
from ocsf_pipe.plan.nodes import Node
from ocsf_pipe.schema import Schema


@dataclass(slots=True)
class Context:
    """One mapping being lowered. `locals` are values named by the compiler, of the rule at hand."""

    mapping: Mapping
    schema: Schema
    record: Trie = field(default_factory=lambda: Trie(touched=True))
    complaints: list[Diagnostic] = field(default_factory=list)
    locals: list[tuple[str, Node]] = field(default_factory=list)
    muted: bool = False
    _names: Iterator[int] = field(default_factory=count)

    def complain(self, code: str, message: str, span: Span | None, hint: str | None = None) -> None:
        """Note one complaint; the same complaint of the same place is noted once."""
        found = Diagnostic(code, message, span, hint)
        if not self.muted and found not in self.complaints:
            self.complaints.append(found)

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
