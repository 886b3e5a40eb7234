"""The input format is one that can be decoded."""

from __future__ import annotations

from collections.abc import Iterator

from ocsf_pipe.decode import FORMATS
from ocsf_pipe.errors import Diagnostic, did_you_mean
from ocsf_pipe.mapping.syntax import Mapping
from ocsf_pipe.schema import Schema


def check(mapping: Mapping, _schema: Schema) -> Iterator[Diagnostic]:
    """Complain about a format that no decoder has."""
    name = mapping.input.format
    if mapping.input.format_span is not None and name not in FORMATS:
        hint = did_you_mean(name, FORMATS) or "formats: " + ", ".join(sorted(FORMATS))
        yield Diagnostic("M501", f"unknown input format `{name}`", mapping.input.format_span, hint)
