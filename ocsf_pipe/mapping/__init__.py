"""YAML → plan: parse with places, check everything, lower, optimise."""

from __future__ import annotations

from ocsf_pipe.mapping.compile import compile_mapping, compile_text, diagnose, read_text, render

__all__ = ["compile_mapping", "compile_text", "diagnose", "read_text", "render"]
