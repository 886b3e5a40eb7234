"""The op `sha256`."""

from __future__ import annotations

import hashlib

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT


@op(
    takes=(TEXT,),
    gives=TEXT,
    examples=[
        Example(("",), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        Example(("abc",), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        Example((None,), None),
    ],
)
def sha256(value: str) -> str:
    """The SHA-256 of a text's UTF-8, in lower-case hexadecimal."""
    return hashlib.sha256(value.encode()).hexdigest()


@sha256.sql
def _sql(value: str) -> str:
    return f"sha256({value})"
