"""Syslog listener: UDP, TCP or TLS; what comes in is on disk before anything else happens to it.

Over TCP and TLS a full spool stops the reading, so that senders wait; over UDP the kernel's buffer fills and drops,
and the drops are counted where the kernel tells. Syslog has no answer: what a sender had in flight when this process
died is the sender's to send again, and most do not.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ocsf_connectors.spool import Entry, Spool
from ocsf_connectors.spool_partition import SpoolPartition, SpoolSource
from ocsf_connectors.syslog_arrival import Arrived, Counts, Limits, heading
from ocsf_connectors.syslog_tcp import TcpListener
from ocsf_connectors.syslog_udp import UdpListener
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Context, Offset

SETTINGS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "host": {
            "type": "string",
            "default": "127.0.0.1",
            "description": "The address to listen on; `0.0.0.0` or `::` for all.",
        },
        "port": {
            "type": "integer",
            "minimum": 0,
            "maximum": 65535,
            "description": "The port; 0 for any that is free. Left out: 514, or 6514 for TLS.",
        },
        "protocol": {
            "enum": ["udp", "tcp", "tls"],
            "default": "udp",
            "description": "How messages come. TCP and TLS take counted messages, and those that end in LF or NUL.",
        },
        "certificate_file": {"type": "string", "description": "TLS: the server's certificate chain, PEM."},
        "key_file": {"type": "string", "description": "TLS: the certificate's key, PEM."},
        "client_ca_file": {
            "type": "string",
            "description": "TLS: who signs the certificates that senders must show, PEM; left out: they need none.",
        },
        "max_message_bytes": {
            "type": "integer",
            "minimum": 480,
            "maximum": 16 << 20,
            "default": 1 << 20,
            "description": "Of a longer message only so much is kept; it is counted and marked `cut`.",
        },
        "max_connections": {
            "type": "integer",
            "minimum": 1,
            "default": 1000,
            "description": "TCP and TLS: connections beyond these are closed at once.",
        },
        "idle_seconds": {
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 3600,
            "description": "TCP and TLS: a connection that sends nothing for so long is closed.",
        },
        "receive_buffer_bytes": {
            "type": "integer",
            "minimum": 4096,
            "default": 8 << 20,
            "description": "UDP: what the kernel holds; it may grant less (net.core.rmem_max).",
        },
        "spool_bytes": {
            "type": "integer",
            "minimum": 1 << 20,
            "default": 1 << 30,
            "description": "What may wait on disk for the lake; beyond it TCP senders wait and datagrams are lost.",
        },
    },
}

_START = Offset()
_TURN_SECONDS = 0.2


def connect(settings: Mapping[str, Any], context: Context) -> SyslogSource:
    """Listen; raises SourceError where the address cannot be had, the certificate is none, or the spool is taken."""
    protocol = settings.get("protocol", "udp")
    limits = Limits(
        settings.get("max_message_bytes", 1 << 20),
        settings.get("max_connections", 1000),
        settings.get("idle_seconds", 3600),
    )
    tls = _tls(settings) if protocol == "tls" else None
    spool = Spool(context.state / "spool", max_bytes=settings.get("spool_bytes", 1 << 30), cipher=context.cipher)
    counts = Counts()
    try:
        bound = _bound(settings, protocol)
    except BaseException:
        spool.close()
        raise
    listener = UdpListener(bound, limits, counts) if protocol == "udp" else TcpListener(bound, limits, counts, tls)
    address = bound.getsockname()
    return SyslogSource(listener, protocol, address[:2], counts, spool, context)


class SyslogSource:
    """A listener with a thread of its own, and the spool that it fills as the one partition.

    `address` is the host and port that it listens on, `counts` what has happened.
    """

    def __init__(
        self,
        listener: TcpListener | UdpListener,
        protocol: str,
        address: tuple[str, int],
        counts: Counts,
        spool: Spool,
        context: Context,
    ) -> None:
        """Begin to listen; listener and spool are owned from now on."""
        self.address, self.counts = address, counts
        self._listener, self._protocol, self._spool = listener, protocol, spool
        self._source = SpoolSource(spool, context.decoder)
        self._stop, self._error = threading.Event(), ""
        self._thread = threading.Thread(target=self._listen, name=f"syslog {address[1]}", daemon=True)
        self._thread.start()

    def partitions(self) -> Sequence[str]:
        """Return the id of the spool; raises SourceError when the listener has ended by a fault."""
        if self._error:
            raise SourceError(f"the syslog listener has ended: {self._error}", "it is started anew")
        return self._source.partitions()

    def open(self, partition: str, offset: Offset = _START) -> SpoolPartition:
        """Open the spool at an offset; raises SourceError for another id, and where the spool ends before it."""
        return self._source.open(partition, offset)

    def close(self) -> None:
        """Put what has come on disk, as far as there is room, and end all connections."""
        self._stop.set()
        self._thread.join()
        self._source.close()

    def _listen(self) -> None:
        try:
            while not self._stop.is_set():
                self._keep(self._listener.receive(_TURN_SECONDS))
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to: `partitions` tells
            self._error = f"{type(error).__name__}: {error}"
        self._keep(self._listener.drain())

    def _keep(self, arrived: list[Arrived]) -> None:
        """Append messages, all that came in a turn with one fsync; waits for room, and reads nothing meanwhile."""
        if not arrived:
            return
        now = time.time_ns() // 1_000_000
        entries = [Entry("syslog", heading(one, now, self._protocol) + one.body) for one in arrived]
        while True:
            try:
                self._spool.append(entries)
                break
            except (SourceError, OSError):
                self.counts.waits += 1
                if self._stop.wait(_TURN_SECONDS):
                    return
        self.counts.received += len(arrived)
        self.counts.cut += sum(one.cut for one in arrived)


def _bound(settings: Mapping[str, Any], protocol: str) -> socket.socket:
    host, port = settings.get("host", "127.0.0.1"), settings.get("port", 6514 if protocol == "tls" else 514)
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, kind)
    except OSError as error:
        raise SourceError(f"cannot listen on `{host}`: {error.strerror}", "name an address of this machine") from error
    try:
        if protocol == "udp":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, settings.get("receive_buffer_bytes", 8 << 20))
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        if protocol != "udp":
            bound.listen(128)
    except OSError as error:
        bound.close()
        hint = "ports below 1024 need CAP_NET_BIND_SERVICE; or another program has it"
        raise SourceError(f"cannot listen on `{host}` port {port}: {error.strerror}", hint) from error
    return bound


def _tls(settings: Mapping[str, Any]) -> ssl.SSLContext:
    for name in ("certificate_file", "key_file"):
        if not settings.get(name):
            raise SourceError(f"TLS needs `{name}`", "name the PEM file")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A sender that only writes leaves tickets unread; its close is then a reset, which takes what we have not read.
    context.num_tickets = 0
    try:
        context.load_cert_chain(Path(settings["certificate_file"]), Path(settings["key_file"]))
        if settings.get("client_ca_file"):
            context.load_verify_locations(Path(settings["client_ca_file"]))
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise SourceError(f"the TLS files cannot be used: {error}", "check that they are PEM and readable") from error
    return context
