"""What arrives at a syslog listener, within which limits, and what is counted of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SOH, STX = b"\x01", b"\x02"


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message of a peer (its address); `cut`: its end is missing; `name`: that of the peer's certificate."""

    peer: str
    body: bytes
    cut: bool = False
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a message, connections at a time, and seconds in which a connection has to send something."""

    message: int = 1 << 20
    connections: int = 1000
    idle: float = 3600.0


@dataclass(slots=True)
class Counts:
    """What happened since the listener began.

    received: messages on disk. cut: those of them whose end is missing. dropped: datagrams that the kernel had no room
    for. refused: connections over the limit or without a proper handshake. idle: connections closed for silence.
    waits: times that the disk or the spool had no room.
    """

    received: int = 0
    cut: int = 0
    dropped: int = 0
    refused: int = 0
    idle: int = 0
    waits: int = 0


def peer_of(address: Sequence[Any]) -> str:
    """Return the IP address of a socket address, an IPv4 one also where the socket is IPv6, without a zone."""
    return str(address[0]).partition("%")[0].removeprefix("::ffff:")


def heading(arrived: Arrived, received: int, protocol: str) -> bytes:
    """Return what stands before a message in the spool: who sent it, when it came (milliseconds), and how."""
    members: dict[str, object] = {"peer": arrived.peer, "received": received, "protocol": protocol}
    if arrived.name is not None:
        members["peer_name"] = arrived.name
    if arrived.cut:
        members["cut"] = True
    return SOH + json.dumps(members, separators=(",", ":")).encode() + STX
