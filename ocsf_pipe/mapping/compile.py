"""Mapping files → plans: the whole compiler, in reading order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ocsf_pipe.errors import Diagnostic, MappingError, SchemaError, Span
from ocsf_pipe.mapping.checks import check
from ocsf_pipe.mapping.context import Context, TooBig
from ocsf_pipe.mapping.expression import heads
from ocsf_pipe.mapping.lower import lower
from ocsf_pipe.mapping.parse import parse
from ocsf_pipe.mapping.syntax import ExprSide, Let, Mapping
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.plan.passes import optimise
from ocsf_pipe.schema import Schema, load


def compile_mapping(path: str | Path, schema: Schema | None = None) -> Plan:
    """Compile the mapping at `path` for the OCSF version it names, or for `schema`.

    Raises MappingError with every complaint at once, and OSError where the file cannot be read.
    """
    file = Path(path)
    return compile_text(read_text(file), str(file), schema)


def read_text(path: Path) -> str:
    """The text of a mapping file; raises MappingError where it is not UTF-8, and OSError."""
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        text = f"the byte 0x{raw[error.start]:02X} is not UTF-8"
        complaint = Diagnostic("M101", text, Span(str(path), line, column, column + 1), "save the file as UTF-8")
        raise MappingError((complaint,), complaint.render()) from error


def compile_text(source: str, file: str = "mapping.yaml", schema: Schema | None = None) -> Plan:
    """Compile mapping text; `file` is the name that complaints carry. Raises MappingError."""
    plan, complaints = diagnose(source, file, schema)
    if complaints or plan is None:
        raise MappingError(tuple(complaints), render(complaints, source))
    return plan


def diagnose(source: str, file: str, schema: Schema | None = None) -> tuple[Plan | None, list[Diagnostic]]:
    """The plan, or None, with every complaint about the file in the order of its lines."""
    mapping, complaints = parse(source, file)
    if mapping is None:
        return None, complaints
    found, more = _schema(mapping, schema)
    complaints = complaints + more
    if found is None:
        return None, complaints
    complaints += check(mapping, found)
    context = Context(mapping, found)
    plan = _lowered(context)
    complaints += context.complaints
    if complaints or plan is None:
        return None, _in_order(complaints)
    return optimise(plan), []


def compile_recogniser(mapping: Mapping) -> Plan | None:
    """The part of a mapping that tells its records from those of others: a plan without rules, many times quicker.

    None where the whole mapping has to be asked. Where it recognises a record, the whole mapping says for certain.
    """
    schema, _ = _schema(mapping, None)
    if schema is None:
        return None
    asked = replace(mapping, every=(), rules=(), leave=(), drops=(), sigma=(), lets=_lets_of(mapping))
    context = Context(asked, schema)
    plan = _lowered(context)
    told = [complaint for complaint in context.complaints if complaint.code != _UNUSED]
    return None if told else plan


def _lets_of(mapping: Mapping) -> tuple[Let, ...]:
    """The lets that tell its records; all of them where one is more than an expression."""
    wanted = heads(mapping.input.recognise) if mapping.input.recognise is not None else set()
    found: list[Let] = []
    for let in reversed(mapping.lets):
        if let.name in wanted:
            if not isinstance(let.value, ExprSide):
                return mapping.lets
            wanted |= heads(let.value.expr)
            found.insert(0, let)
    return tuple(found)


_UNUSED = "M405"
"""What nothing uses: most lets, where there are no rules."""


def _lowered(context: Context) -> Plan | None:
    try:
        return lower(context)
    except TooBig as stop:
        hint = "let fewer lets use one another twice"
        context.complain("M107", "the mapping unfolds to more than the compiler follows", stop.span, hint)
        return None


_VERSIONS = "write a release such as `1.8.0`, or the path of an exported schema"


def _schema(mapping: Mapping, schema: Schema | None) -> tuple[Schema | None, list[Diagnostic]]:
    if schema is not None:
        return schema, []
    try:
        return load(mapping.ocsf), []
    except SchemaError as error:
        return None, [Diagnostic("M308", str(error), mapping.ocsf_span, error.hint or _VERSIONS)]


def _in_order(complaints: Sequence[Diagnostic]) -> list[Diagnostic]:
    unique: dict[object, Diagnostic] = {}
    for complaint in complaints:
        unique.setdefault((complaint.code, complaint.message, complaint.span), complaint)
    return sorted(unique.values(), key=lambda d: (d.span.line, d.span.column) if d.span else (0, 0))


def render(complaints: Sequence[Diagnostic], source: str) -> str:
    """All complaints as text, with the lines they are about."""
    return "\n".join(complaint.render(source) for complaint in complaints)
