"""The op `is_private_ip`."""

from __future__ import annotations

from ocsf_pipe.ops.ip_text import PRIVATE, in_networks, in_networks_sql
from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import BOOLEAN, TEXT


@op(
    takes=(TEXT,),
    gives=BOOLEAN,
    examples=[
        Example(("192.168.1.5",), True),
        Example(("fd00::1",), True),
        Example(("8.8.8.8",), False),
        Example(("localhost",), None, "no address"),
    ],
)
def is_private_ip(value: str) -> bool | None:
    """Whether an address is private, shared (100.64.0.0/10), loopback or link-local; null when it is no address."""
    return in_networks(value, PRIVATE)


@is_private_ip.sql
def _sql(value: str) -> str:
    return in_networks_sql(value, PRIVATE)
