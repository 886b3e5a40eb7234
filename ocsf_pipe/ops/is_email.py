"""The op `is_email`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import BOOLEAN, TEXT

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_FORM = rf"[A-Za-z0-9.!#$%&*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})+"


@op(
    takes=(TEXT,),
    gives=BOOLEAN,
    examples=[
        Example(("ann.lee+x@mail.acme.example",), True),
        Example(("ACME\\ann",), False),
        Example(("ann@localhost",), False, "a domain has a dot"),
        Example((None,), None),
    ],
)
def is_email(value: str) -> bool:
    """Whether the whole text has the form of an e-mail address in ASCII."""
    return re.fullmatch(_FORM, value) is not None


@is_email.sql
def _sql(value: str) -> str:
    return f"regexp_full_match({value}, '{_FORM}')"
