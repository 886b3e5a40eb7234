"""The op `in_cidr`."""

from __future__ import annotations

from ocsf_pipe.ops.ip_text import in_networks, in_networks_sql, network
from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.sql_text import constant_text
from ocsf_pipe.ops.types import BOOLEAN, TEXT

_MOST = 16


def _complaint(_value: Value, *networks: str | None) -> str | None:
    for text in networks:
        try:
            network(text or "")
        except ValueError as error:
            return f"`{text}` is no network: {error}"
    return None


@op(
    takes=(TEXT, TEXT),
    gives=BOOLEAN,
    variadic=True,
    constant=tuple(range(1, _MOST)),
    complaint=_complaint,
    examples=[
        Example(("10.1.2.3", "10.0.0.0/8"), True),
        Example(("172.32.0.1", "172.16.0.0/12", "192.168.0.0/16"), False, "in none of them"),
        Example(("2001:db8:1::192.0.2.1", "2001:db8::/31"), True),
        Example(("::ffff:10.0.0.1", "10.0.0.0/8"), False, "an IPv6 address"),
        Example(("fe80::1", "10.0.0.0/8", "fe80::/10"), True),
        Example(("localhost", "127.0.0.0/8"), None, "no address"),
    ],
)
def in_cidr(value: str, *networks: str) -> bool | None:
    """Whether an address lies in one of up to 15 networks, written as `10.0.0.0/8`; null when it is no address."""
    return in_networks(value, networks)


@in_cidr.sql
def _sql(value: str, *networks: str) -> str:
    return in_networks_sql(value, tuple(map(constant_text, networks)))
