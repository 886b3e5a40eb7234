"""Syslog over TCP and TLS: connections, and what has come in over them since it was last asked."""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from dataclasses import dataclass, field

from ocsf_connectors.syslog_arrival import Arrived, Counts, Limits, peer_of
from ocsf_connectors.syslog_frames import Framed, Framer

_PIECE = 1 << 16
_AT_ONCE = 4  # pieces of one connection before it is another's turn
_ACCEPTS = 64
_LAST_TURNS = 100
_HANDSHAKE_SECONDS = 10.0
_WANTS = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError, InterruptedError)


@dataclass(slots=True, eq=False)
class Connection:
    """One sender: who it is, what has come of a message that is not over, and when it last sent something."""

    socket: socket.socket
    peer: str
    framer: Framer
    heard: float
    shaken: bool
    name: str | None = None
    ended: bool = field(default=False)


class TcpListener:
    """Accepts senders and reads them in turn; a sender that is not read is held back by TCP itself."""

    def __init__(self, listening: socket.socket, limits: Limits, counts: Counts, tls: ssl.SSLContext | None) -> None:
        """Serve a listening socket, which is the listener's from now on."""
        self._listening, self._limits, self._counts, self._tls = listening, limits, counts, tls
        self._selector = selectors.DefaultSelector()
        self._connections: set[Connection] = set()
        listening.setblocking(False)
        self._selector.register(listening, selectors.EVENT_READ)

    def receive(self, timeout: float) -> list[Arrived]:
        """Return the messages that came; waits for some up to `timeout` seconds."""
        out: list[Arrived] = []
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                self._accept()
            else:
                out += self._messages(key.data)
        now = time.monotonic()
        for one in [one for one in self._connections if self._is_over(one, now)]:
            out += self._close(one)
        return out

    def drain(self) -> list[Arrived]:
        """Return what has come already, accept nobody more, and end all connections."""
        self._selector.unregister(self._listening)
        self._listening.close()
        out: list[Arrived] = []
        for _ in range(_LAST_TURNS):  # but not for ever: there may be one who never stops
            if not self._selector.get_map() or not (got := self.receive(0)):
                break
            out += got
        for one in list(self._connections):
            out += self._close(one)
        self._selector.close()
        return out

    def _accept(self) -> None:
        for _ in range(_ACCEPTS):
            try:
                accepted, address = self._listening.accept()
            except BlockingIOError:
                return
            except OSError:
                time.sleep(0.05)  # no more file handles: it stays in the queue
                return
            self._admit(accepted, peer_of(address))

    def _admit(self, accepted: socket.socket, peer: str) -> None:
        try:
            if len(self._connections) >= self._limits.connections:
                raise ConnectionRefusedError
            accepted.setblocking(False)
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if self._tls is not None:
                accepted = self._tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        except OSError:
            self._counts.refused += 1
            accepted.close()
            return
        framer = Framer(self._limits.message)
        one = Connection(accepted, peer, framer, time.monotonic(), shaken=self._tls is None)
        self._connections.add(one)
        self._selector.register(accepted, selectors.EVENT_READ, one)

    def _messages(self, one: Connection) -> list[Arrived]:
        try:
            if not one.shaken and not self._shake(one):
                return []
            data = self._bytes(one)
        except OSError:  # reset, or not what TLS expects
            self._counts.refused += not one.shaken
            one.ended = True
            data = b""
        if data:
            one.heard = time.monotonic()
        return self._arrived(one, one.framer.feed(data))

    def _shake(self, one: Connection) -> bool:
        tls = one.socket
        assert isinstance(tls, ssl.SSLSocket)  # noqa: S101 - only TLS connections begin unshaken
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            self._selector.modify(tls, selectors.EVENT_READ, one)
            return False
        except ssl.SSLWantWriteError:
            self._selector.modify(tls, selectors.EVENT_WRITE, one)
            return False
        self._selector.modify(tls, selectors.EVENT_READ, one)
        one.shaken, one.name, one.heard = True, _common_name(tls), time.monotonic()
        return True

    def _bytes(self, one: Connection) -> bytes:
        pieces: list[bytes] = []
        try:
            while len(pieces) < _AT_ONCE or _pending(one.socket):
                piece = one.socket.recv(_PIECE)
                if not piece:
                    one.ended = True
                    break
                pieces.append(piece)
        except _WANTS:
            pass
        except OSError:  # what came before the reset has come
            one.ended = True
        return b"".join(pieces)

    def _is_over(self, one: Connection, now: float) -> bool:
        silent = now - one.heard
        if silent > (self._limits.idle if one.shaken else min(_HANDSHAKE_SECONDS, self._limits.idle)):
            self._counts.idle += 1
            return True
        return one.ended

    def _close(self, one: Connection) -> list[Arrived]:
        self._connections.discard(one)
        self._selector.unregister(one.socket)
        one.socket.close()
        return self._arrived(one, one.framer.finish())

    def _arrived(self, one: Connection, framed: list[Framed]) -> list[Arrived]:
        return [Arrived(one.peer, message.body, message.cut, one.name) for message in framed]


def _pending(connection: socket.socket) -> bool:
    """Whether TLS holds bytes that no selector sees."""
    return isinstance(connection, ssl.SSLSocket) and connection.pending() > 0


def _common_name(tls: ssl.SSLSocket) -> str | None:
    """The common name of the sender's certificate, where it had to show one."""
    subject = (tls.getpeercert() or {}).get("subject", ())
    names = [pair[1] for part in subject for pair in part if isinstance(pair, tuple) and pair[0] == "commonName"]
    return str(names[0]) if names else None
