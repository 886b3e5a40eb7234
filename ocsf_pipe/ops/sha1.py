"""The op `sha1`."""

from __future__ import annotations

import hashlib

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT


@op(
    takes=(TEXT,),
    gives=TEXT,
    examples=[
        Example(("",), "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        Example(("abc",), "a9993e364706816aba3e25717850c26c9cd0d89d"),
        Example((None,), None),
    ],
)
def sha1(value: str) -> str:
    """The SHA-1 of a text's UTF-8, in lower-case hexadecimal; to match indicators, not to protect anything."""
    return hashlib.sha1(value.encode(), usedforsecurity=False).hexdigest()


@sha1.sql
def _sql(value: str) -> str:
    return f"sha1({value})"
