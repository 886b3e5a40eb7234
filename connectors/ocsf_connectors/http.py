"""One HTTP listener for webhooks, Splunk HEC and OTLP/HTTP; a request is answered when it is on disk.

A sender that does not get its answer sends again. With an `Idempotency-Key` header the second request is known and
kept once; the window is the last `remember_keys` keys, and survives a crash. The header was chosen because it says
what is meant: request ids and HEC's channels change with each attempt in some clients and stay the same over many
requests in others.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from ocsf_connectors import http_hec, http_otlp
from ocsf_connectors.http_connection import Limits
from ocsf_connectors.http_keys import Keys
from ocsf_connectors.http_listener import Dialect, Listener
from ocsf_connectors.http_server import Server
from ocsf_connectors.http_tokens import tokens
from ocsf_connectors.http_webhook import Webhook
from ocsf_connectors.spool import Spool
from ocsf_connectors.spool_partition import SpoolPartition, SpoolSource
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Context, Offset

_DEFAULTS = Limits()
_START = Offset()


def _whole(description: str, default: int, minimum: int = 1) -> dict[str, Any]:
    return {"type": "integer", "minimum": minimum, "default": default, "description": description}


def _seconds(description: str, default: float) -> dict[str, Any]:
    return {"type": "number", "exclusiveMinimum": 0, "default": default, "description": description}


_TLS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["certificate", "key"],
    "description": "Serve HTTPS; without it, HTTP.",
    "properties": {
        "certificate": {"type": "string", "description": "PEM file of the certificate and its chain."},
        "key": {"type": "string", "description": "PEM file of the private key."},
        "client_ca": {
            "type": "string",
            "description": "PEM file of authorities; clients must then show a certificate of theirs.",
        },
    },
}
SETTINGS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "listen": {
            "type": "string",
            "default": "127.0.0.1:8088",
            "description": "Address and port, such as `0.0.0.0:8088` or `[::]:8088`.",
        },
        "tokens": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "minLength": 8, "format": "secret"},
            "description": "Who may send: `Authorization: Bearer TOKEN`, `Splunk TOKEN`, or TOKEN as a password. "
            "May be left out on a loopback address, or where clients show certificates.",
        },
        "tls": _TLS,
        "paths": {
            "type": "array",
            "items": {"type": "string", "pattern": "^/[!-~]*$"},
            "default": ["/ingest"],
            "description": "Paths of webhooks, which take NDJSON, JSON and lines of text.",
        },
        "hec": {"type": "boolean", "default": True, "description": "Whether `/services/collector` speaks Splunk HEC."},
        "otlp": {"type": "boolean", "default": True, "description": "Whether `/v1/traces` and `/v1/logs` take OTLP."},
        "max_body": _whole("Bytes of a body as it is sent.", _DEFAULTS.max_body),
        "max_unpacked": _whole("Bytes of a body unpacked.", _DEFAULTS.max_unpacked),
        "max_header": _whole("Bytes of a request's head.", _DEFAULTS.max_header, 1024),
        "max_memory": _whole("Bytes of all bodies in hand together.", _DEFAULTS.max_memory),
        "max_connections": _whole("Connections at once; the longest idle gives way.", _DEFAULTS.max_connections),
        "header_seconds": _seconds("Seconds for a request's head, and for a TLS handshake.", _DEFAULTS.header_seconds),
        "body_seconds": _seconds("Seconds for a body.", _DEFAULTS.body_seconds),
        "idle_seconds": _seconds("Seconds between two requests of a connection.", _DEFAULTS.idle_seconds),
        "spool_bytes": _whole("Bytes on disk until they are in the lake; full, senders get 429.", 4 << 30, 1 << 16),
        "min_free": _whole("Bytes that are left free on the disk of the spool.", 256 << 20, 0),
        "retry_after": _whole("Seconds that a sender is asked to wait.", 5),
        "remember_keys": _whole("How many idempotency keys are remembered.", 100_000),
    },
}
_LIMITS = ("max_body", "max_unpacked", "max_header", "max_memory", "max_connections", "header_seconds", "body_seconds",
           "idle_seconds")  # fmt: skip


class HttpSource:
    """The spool behind a listener; `address` is where it listens."""

    def __init__(self, source: SpoolSource, server: Server) -> None:
        """Own both from now on."""
        self._source, self._server = source, server
        host, port, *_ = server.listener.getsockname()
        self.address: tuple[str, int] = host, port

    def partitions(self) -> Sequence[str]:
        """Return the id of the spool; raises SourceError when the listener ended."""
        if not self._server.alive:
            raise SourceError("the HTTP listener ended", "see the log for why")
        return self._source.partitions()

    def open(self, partition: str, offset: Offset = _START) -> SpoolPartition:
        """Open the spool at an offset."""
        return self._source.open(partition, offset)

    def close(self) -> None:
        """Answer what is in hand, and let go of port and folder."""
        self._server.stop()
        self._source.close()


def connect(settings: Mapping[str, Any], context: Context) -> HttpSource:
    """Listen; raises SourceError where the settings do not fit together, or the address or the folder is taken."""
    filled = {name: one["default"] for name, one in SETTINGS["properties"].items() if "default" in one} | dict(settings)
    _check(filled)
    tls = _tls(filled["tls"]) if "tls" in filled else None
    listener = _bound(filled["listen"])
    try:
        spool, keys = _spool(filled, context)
    except BaseException:
        listener.close()
        raise
    app = Listener(spool, keys, tokens(filled.get("tokens", ())), _dialects(filled), filled["retry_after"])
    server = Server(listener, app, Limits(**{name: filled[name] for name in _LIMITS}), tls)
    server.start()
    return HttpSource(SpoolSource(spool, context.decoder), server)


def _spool(settings: Mapping[str, Any], context: Context) -> tuple[Spool, Keys]:
    room = {"max_bytes": settings["spool_bytes"], "min_free": settings["min_free"]}
    spool = Spool(context.state / "spool", **room, cipher=context.cipher)
    try:
        keys = Keys(context.state / "idempotency-keys", settings["remember_keys"])
        keys.learn(spool)
    except BaseException:
        spool.close()
        raise
    spool.before_delete = keys.save
    return spool, keys


def _dialects(settings: Mapping[str, Any]) -> dict[str, Dialect]:
    found: dict[str, Dialect] = dict.fromkeys(settings["paths"], Webhook())
    if settings["hec"]:
        found |= dict.fromkeys(http_hec.EVENT_PATHS, http_hec.Hec())
        found |= dict.fromkeys(http_hec.RAW_PATHS, http_hec.Hec(raw=True))
        found |= dict.fromkeys(http_hec.ACK_PATHS, http_hec.HecAck())
    if settings["otlp"]:
        found |= dict.fromkeys(http_otlp.PATHS, http_otlp.Otlp())
    return found


def _check(settings: Mapping[str, Any]) -> None:
    host, _ = _address(settings["listen"])
    trusted = "client_ca" in settings.get("tls", {})
    if not settings.get("tokens") and not trusted and not _is_loopback(host):
        raise SourceError(f"`{settings['listen']}` lets everybody in", "set `tokens`, or `tls.client_ca`")
    # A request goes into the spool whole, and the spool has room only in quarters when it was full.
    if settings["max_unpacked"] > settings["spool_bytes"] // 4:
        raise SourceError("`max_unpacked` is more than a quarter of `spool_bytes`", "make the spool larger")
    if settings["max_unpacked"] > settings["max_memory"]:
        raise SourceError("`max_unpacked` is more than `max_memory`", "a body of that size would never be taken")


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise SourceError(f"`{listen}` is no address and port", "write it as `127.0.0.1:8088`")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bound(listen: str) -> socket.socket:
    host, port = _address(listen)
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, kind)
    except OSError as error:
        raise SourceError(f"cannot listen on `{listen}`: {error.strerror}", "check the address") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise SourceError(f"cannot listen on `{listen}`: {error.strerror}", "check the address and the port") from error
    return listener


def _tls(files: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(files["certificate"], files["key"])
        if "client_ca" in files:
            context.load_verify_locations(files["client_ca"])
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise SourceError(
            f"the files of `tls` cannot be used: {error}", "check certificate, key and client_ca"
        ) from error
    return context
