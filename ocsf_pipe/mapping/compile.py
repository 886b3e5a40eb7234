"""Mapping files → plans: the whole compiler, in reading order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ocsf_pipe.errors import Diagnostic, MappingError, SchemaError
from ocsf_pipe.mapping.checks import check
from ocsf_pipe.mapping.context import Context
from ocsf_pipe.mapping.lower import lower
from ocsf_pipe.mapping.parse import parse
from ocsf_pipe.mapping.syntax import Mapping
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.plan.passes import optimise
from ocsf_pipe.schema import Schema, load


def compile_mapping(path: str | Path, schema: Schema | None = None) -> Plan:
    """Compile the mapping at `path` for the OCSF version it names, or for `schema`.

    Raises MappingError with every complaint at once, and OSError where the file cannot be read.
    """
    file = Path(path)
    return compile_text(file.read_text(encoding="utf-8"), str(file), schema)


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
    plan = lower(context)
    complaints += context.complaints
    if complaints:
        return None, _in_order(complaints)
    return optimise(plan), []


def _schema(mapping: Mapping, schema: Schema | None) -> tuple[Schema | None, list[Diagnostic]]:
    if schema is not None:
        return schema, []
    try:
        return load(mapping.ocsf), []
    except SchemaError as error:
        return None, [Diagnostic("M308", str(error), mapping.ocsf_span, error.hint)]


def _in_order(complaints: Sequence[Diagnostic]) -> list[Diagnostic]:
    unique = list(dict.fromkeys(complaints))
    return sorted(unique, key=lambda d: (d.span.line, d.span.column) if d.span else (0, 0))


def render(complaints: Sequence[Diagnostic], source: str) -> str:
    """All complaints as text, with the lines they are about."""
    return "\n".join(complaint.render(source) for complaint in complaints)
