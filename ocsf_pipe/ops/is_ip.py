"""The op `is_ip`."""

from __future__ import annotations

from ocsf_pipe.ops.ip_text import ADDRESS, is_address
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import BOOLEAN, TEXT


@op(
    takes=(TEXT,),
    gives=BOOLEAN,
    examples=[
        Example(("192.0.2.1",), True),
        Example(("2001:db8::1",), True),
        Example(("::ffff:192.0.2.1",), True),
        Example(("192.0.2.01",), False, "no leading zeros"),
        Example(("s3.amazonaws.com",), False),
        Example((None,), None),
    ],
)
def is_ip(value: str) -> bool:
    """Whether the whole text is an IPv4 or IPv6 address, without a zone or a port."""
    return is_address(value)


@is_ip.sql
def _sql(value: str) -> str:
    return f"regexp_full_match({value}, '{ADDRESS}')"
