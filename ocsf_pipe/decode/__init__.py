"""Bytes to records: one format, one file; a new file in this folder is a new format."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from ocsf_pipe.decode.format import DEFAULT_LIMITS, Format, Limits, Settings

__all__ = ["DEFAULT_LIMITS", "FORMATS", "Format", "Limits", "Settings"]


def _discover() -> dict[str, Format]:
    """Find every module of this folder that defines a FORMAT."""
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    formats = [module.FORMAT for module in modules if hasattr(module, "FORMAT")]
    return {found.name: found for found in formats}


FORMATS: Mapping[str, Format] = _discover()
"""Every input format by its name."""
