"""Syslog over UDP: a datagram is a message; what the kernel had to drop is counted where it tells."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct

from ocsf_connectors.syslog_arrival import Arrived, Counts, Limits, peer_of

_AT_ONCE = 4096
_LONGEST = 1 << 16
_SO_RXQ_OVFL = 40  # Linux: the number of datagrams dropped on this socket comes with each datagram
_DROPPED = struct.Struct("=I")


class UdpListener:
    """Reads datagrams; while it is not read, the kernel's buffer fills, and what does not fit into it is gone."""

    def __init__(self, bound: socket.socket, limits: Limits, counts: Counts) -> None:
        """Serve a bound socket, which is the listener's from now on."""
        self._socket, self._limits, self._counts = bound, limits, counts
        self._dropped = 0
        bound.setblocking(False)
        with contextlib.suppress(OSError):  # not Linux: nobody knows then
            bound.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        self._selector = selectors.DefaultSelector()
        self._selector.register(bound, selectors.EVENT_READ)

    def receive(self, timeout: float) -> list[Arrived]:
        """Return the messages that came; waits for some up to `timeout` seconds."""
        out: list[Arrived] = []
        if not self._selector.select(timeout):
            return out
        for _ in range(_AT_ONCE):
            try:
                data, told, flags, address = self._socket.recvmsg(_LONGEST, 64)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                continue  # an ICMP error of an earlier datagram
            self._count(told)
            longest = self._limits.message
            cut = len(data) > longest or bool(flags & socket.MSG_TRUNC)
            if data.strip(b"\r\n\0 "):
                out.append(Arrived(peer_of(address), data[:longest], cut))
        return out

    def drain(self) -> list[Arrived]:
        """Return what has come already, and close the socket."""
        out = self.receive(0)
        self._selector.close()
        self._socket.close()
        return out

    def _count(self, told: list[tuple[int, int, bytes]]) -> None:
        for level, kind, data in told:
            if level == socket.SOL_SOCKET and kind == _SO_RXQ_OVFL and len(data) >= _DROPPED.size:
                (total,) = _DROPPED.unpack_from(data)
                self._counts.dropped += (total - self._dropped) & 0xFFFFFFFF
                self._dropped = total
