"""The op `hash_algorithm`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT

_NAMES = {32: "MD5", 40: "SHA-1", 64: "SHA-256", 128: "SHA-512"}


@op(
    takes=(TEXT,),
    gives=TEXT,
    examples=[
        Example(("d41d8cd98f00b204e9800998ecf8427e",), "MD5"),
        Example(("DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",), "SHA-1"),
        Example(("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",), "SHA-256"),
        Example(("abc",), None),
    ],
)
def hash_algorithm(value: str) -> str | None:
    """The algorithm of a hexadecimal fingerprint, by its length: `MD5`, `SHA-1`, `SHA-256`, `SHA-512`; else null."""
    return _NAMES.get(len(value)) if re.fullmatch("[0-9A-Fa-f]+", value) else None


@hash_algorithm.sql
def _sql(value: str) -> str:
    cases = " ".join(f"when {size} then '{name}'" for size, name in _NAMES.items())
    return f"case length(regexp_extract({value}, '^[0-9A-Fa-f]+$')) {cases} end"
