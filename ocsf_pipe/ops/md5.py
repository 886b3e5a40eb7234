"""The op `md5`."""

from __future__ import annotations

import hashlib

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT


@op(
    takes=(TEXT,),
    gives=TEXT,
    examples=[
        Example(("",), "d41d8cd98f00b204e9800998ecf8427e"),
        Example(("é",), "66ddcd97cfdeabb2f6fb8a999b4bc76f", "of its UTF-8"),
        Example((None,), None),
    ],
)
def md5(value: str) -> str:
    """The MD5 of a text's UTF-8, in lower-case hexadecimal; to match indicators, not to protect anything."""
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


@md5.sql
def _sql(value: str) -> str:
    return f"md5({value})"
