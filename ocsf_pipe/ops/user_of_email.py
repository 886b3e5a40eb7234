"""The op `user_of_email`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT

_FORM = "^([^@]+)@[^@]+$"


@op(
    takes=(TEXT,),
    gives=TEXT,
    inverse="starts with",
    examples=[Example(("ann@acme.example",), "ann"), Example(("ann",), None), Example(("@acme.example",), None)],
)
def user_of_email(value: str) -> str | None:
    """What stands before the `@` of an e-mail address or user principal name; null without exactly one `@`."""
    found = re.fullmatch(_FORM[1:-1], value)
    return found[1] if found else None


@user_of_email.sql
def _sql(value: str) -> str:
    return f"nullif(regexp_extract({value}, '{_FORM}', 1), '')"
