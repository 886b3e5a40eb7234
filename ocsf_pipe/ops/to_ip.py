"""The op `to_ip`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.ip_text import ADDRESS
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import IP, TEXT

_READ = f"^({ADDRESS})(?:%[0-9A-Za-z._~-]+)?$"


@op(
    takes=(TEXT,),
    gives=IP,
    fails=True,
    inverse="equals",
    examples=[
        Example(("192.0.2.1",), "192.0.2.1"),
        Example(("fe80::1%eth0",), "fe80::1", "the zone is the host's own affair"),
        Example(("autoscaling.amazonaws.com",), None),
        Example(("192.0.2.1:443",), None, "see host_of"),
    ],
)
def to_ip(value: str) -> str | None:
    """Read an IPv4 or IPv6 address, leaving out a zone such as `%eth0`; null when the text is none."""
    found = re.fullmatch(_READ[1:-1], value)
    return found[1] if found else None


@to_ip.sql
def _sql(value: str) -> str:
    return f"nullif(regexp_extract({value}, '{_READ}', 1), '')"
