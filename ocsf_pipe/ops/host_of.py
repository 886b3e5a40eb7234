"""The op `host_of`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT

_FORMS = (r"^\[([^\[\]]+)\](?::[0-9]{1,5})?$", r"^([^:\[\]]+)(?::[0-9]{1,5})?$", r"^([^:\[\]]*:[^:\[\]]*:[^\[\]]*)$")


@op(
    takes=(TEXT,),
    gives=TEXT,
    fails=True,
    examples=[
        Example(("192.0.2.1:443",), "192.0.2.1"),
        Example(("[2001:db8::1]:443",), "2001:db8::1"),
        Example(("2001:db8::1",), "2001:db8::1", "an IPv6 address without a port"),
        Example(("db.example",), "db.example"),
        Example((":443",), None),
    ],
)
def host_of(value: str) -> str | None:
    """The host of `host:port`, `[ipv6]:port` or a bare host; null when the text is none of these."""
    found = (re.fullmatch(form[1:-1], value) for form in _FORMS)
    return next((match[1] for match in found if match), None)


@host_of.sql
def _sql(value: str) -> str:
    return "coalesce(" + ", ".join(f"nullif(regexp_extract({value}, '{form}', 1), '')" for form in _FORMS) + ")"
