"""What can go wrong, and where.

A complaint about a file somebody wrote is a `Diagnostic`: a value with a place, collected and shown all at once.
Exceptions are for the programmer and for input and output. Their tree:

    OcsfPipeError
    ├── MappingError     a mapping file has diagnostics that are errors
    ├── PipelineError    a pipeline file has diagnostics that are errors
    ├── SchemaError      no such OCSF version, class or attribute
    ├── SourceError      a source cannot be opened or read
    ├── LakeError        the lake cannot be read or written
    │   └── FencedError  another writer owns this partition
    └── UsageError       the command line or the API was asked for something that cannot be
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

CODES: dict[str, str] = {
    "M101": "the file is not readable YAML",
    "M102": "unknown key",
    "M103": "missing key",
    "M104": "wrong kind of value",
    "M105": "the name is used twice",
    "M106": "the name does not fit the folder",
    "M107": "more than a mapping may be",
    "M201": "unknown op",
    "M202": "the expression is not understood",
    "M203": "an op is given values it does not take",
    "M204": "the types of an expression do not fit together",
    "M205": "a condition is not a yes or no",
    "M206": "an argument must be a constant",
    "M207": "an unknown type",
    "M301": "unknown class",
    "M302": "unknown attribute",
    "M303": "wrong type for the attribute",
    "M304": "a caption that the attribute does not have",
    "M305": "a required attribute is missing",
    "M306": "a derivable attribute is written by hand",
    "M307": "a constraint of the class cannot hold",
    "M308": "unknown OCSF version",
    "M401": "an event rule that no record reaches",
    "M402": "no rule takes every record",
    "M403": "a path is used with two types",
    "M404": "a path is left and also read",
    "M405": "a name that nothing uses",
    "M406": "a rule that is not there",
    "M501": "unknown input format",
    "M502": "a table that is not there, or not as it is used",
    "M601": "content is read as text",
}

PIPELINE_CODES: dict[str, str] = {
    "P101": "the file is not readable YAML",
    "P102": "unknown key",
    "P103": "missing key",
    "P104": "wrong kind of value",
    "P105": "the name is used twice",
    "P106": "a name that cannot be used",
    "P107": "more than a pipeline file may be",
    "P201": "unknown connector",
    "P202": "a setting that the connector does not take",
    "P203": "unknown mapping",
    "P204": "a mapping that does not compile",
    "P205": "unknown class",
    "P206": "rules or placeholders that are not there",
    "P301": "a secret written in the file",
    "P302": "a secret that is not where the file says",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a file: one line, columns counted from 1, `end_column` just past the last character."""

    file: str
    line: int
    column: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One complaint: what is the matter with the user's value, where, and what to do about it."""

    code: str
    message: str
    span: Span | None = None
    hint: str | None = None

    def render(self, source: str = "") -> str:
        """Return the complaint as text: the place and fact, then the line with a caret, then the hint."""
        if self.span is None:
            head = [f"{self.message} [{self.code}]"]
        else:
            head = [f"{self.span.file}:{self.span.line}:{self.span.column}: {self.message} [{self.code}]"]
            head += _excerpt(self.span, source)
        return "\n".join(head + ([f"  hint: {self.hint}"] if self.hint else []))


def _excerpt(span: Span, source: str) -> list[str]:
    lines = source.splitlines()
    if not 0 < span.line <= len(lines):
        return []
    line = lines[span.line - 1]
    gutter = f"{span.line} | "
    width = max(1, min(span.end_column, len(line) + 1) - span.column)
    return [gutter + line, " " * (len(gutter) + span.column - 1) + "^" * width]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like this one; None when nothing is alike."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return the hint that names the nearest known word; None when nothing is alike."""
    found = nearest(word, known)
    return f"did you mean `{found}`?" if found else None


class OcsfPipeError(Exception):
    """The root of what this package raises on purpose; `hint` says what to do about it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Keep the message and the remedy apart, so that the command line can show both."""
        super().__init__(message)
        self.hint = hint


class MappingError(OcsfPipeError):
    """A mapping cannot be compiled; `diagnostics` holds every complaint, `rendered` their text."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], rendered: str) -> None:
        """Keep the complaints as values beside their text."""
        super().__init__(rendered)
        self.diagnostics = diagnostics


class PipelineError(OcsfPipeError):
    """A pipeline file cannot be run; `diagnostics` holds every complaint, `rendered` their text without any secret."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], rendered: str) -> None:
        """Keep the complaints as values beside their text."""
        super().__init__(rendered)
        self.diagnostics = diagnostics


class SchemaError(OcsfPipeError):
    """There is no such OCSF version, class, object or attribute."""


class SourceError(OcsfPipeError):
    """A source cannot be opened or read."""


class LakeError(OcsfPipeError):
    """The lake cannot be read or written."""


class FencedError(LakeError):
    """Another writer has taken this partition; this one must stop."""


class UsageError(OcsfPipeError):
    """The command line or the API was asked for something that cannot be."""
