"""The op `to_ip`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.ip_text import ADDRESS, V4, V6
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import IP, TEXT

_ZONE = "(?:%[0-9A-Za-z._~-]+)?"
_LONGEST = 40
"""Characters of an OCSF ip_t; only an IPv6 address that spells out zeros before an IPv4 tail has more."""


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
        Example(("0000:0000:0000:0000:0000:ffff:192.168.100.200",), None, "longer than an OCSF address may be"),
    ],
)
def to_ip(value: str) -> str | None:
    """Read an IPv4 or IPv6 address, leaving out a zone such as `%eth0`; null when the text is none."""
    found = re.fullmatch(f"({ADDRESS}){_ZONE}", value)
    return found[1] if found and len(found[1]) <= _LONGEST else None


@to_ip.sql
def _sql(value: str) -> str:
    # a full match without groups is many times cheaper than an extraction, and most addresses are IPv4
    six = f"regexp_extract({value}, '^({V6}){_ZONE}$', 1)"
    four = f"when contains({value}, '%') then nullif(regexp_extract({value}, '^({V4}){_ZONE}$', 1), '')"
    colon = f"when contains({value}, ':') then case when length({six}) <= {_LONGEST} then nullif({six}, '') end"
    return f"case when regexp_full_match({value}, '{V4}') then {value} {colon} {four} end"
