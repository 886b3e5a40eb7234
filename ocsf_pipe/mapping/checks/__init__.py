"""Checks of what the author wrote: one check, one file, one code. Complaints are values; none stops another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import TypeAlias

from ocsf_pipe.errors import Diagnostic
from ocsf_pipe.mapping import syntax
from ocsf_pipe.schema import Schema

Check: TypeAlias = Callable[[syntax.Mapping, Schema], Iterator[Diagnostic]]


def _discover() -> Mapping[str, Check]:
    names = sorted(found.name for found in iter_modules(__path__))
    return {name: import_module(f"{__name__}.{name}").check for name in names}


CHECKS: Mapping[str, Check] = _discover()
"""Every check by the name of its file."""


def check(mapping: syntax.Mapping, schema: Schema) -> list[Diagnostic]:
    """Every complaint of every check, in the order of the files."""
    return [found for one in CHECKS.values() for found in one(mapping, schema)]
