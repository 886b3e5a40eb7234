"""NATS JetStream: a stream is one partition, a message's stream sequence its position.

The stream keeps messages by its limits, so what to read next is asked by sequence; nothing is acknowledged to the
server, and the consumer that is made for reading forgets itself. Streams whose retention is `workqueue` or `interest`
delete what is acknowledged and are refused: they cannot be read again after a crash.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from ocsf_connectors.nats_loop import ANSWER_SECONDS, Loop
from ocsf_connectors.nats_partition import NatsPartition
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Context, Offset

LOG = logging.getLogger("ocsf_connectors.nats")
SETTINGS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["stream"],
    "properties": {
        "servers": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "default": ["nats://127.0.0.1:4222"],
            "description": "The servers of the cluster, `nats://host:port` or `tls://host:port`.",
        },
        "stream": {"type": "string", "minLength": 1, "description": "The stream to read; its retention is `limits`."},
        "subjects": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "default": [],
            "description": "Only messages of these subjects, wildcards included; left out: all.",
        },
        "user": {"type": "string", "description": "The user, with `password`."},
        "password": {"type": "string", "format": "secret", "description": "The password of `user`."},
        "token": {"type": "string", "format": "secret", "description": "A token, in place of user and password."},
        "credentials_file": {"type": "string", "description": "A `.creds` file with JWT and key, in place of both."},
        "ca_file": {"type": "string", "description": "TLS: who signs the server's certificate, PEM."},
        "certificate_file": {"type": "string", "description": "TLS: the certificate to show to the server, PEM."},
        "key_file": {"type": "string", "description": "TLS: the key of `certificate_file`, PEM."},
        "on_gap": {
            "enum": ["continue", "stop"],
            "default": "continue",
            "description": "Where the stream deleted messages unread: quarantine a note of it and go on, or stop.",
        },
    },
}

T = TypeVar("T")
_START = Offset()


def connect(settings: Mapping[str, Any], context: Context) -> NatsSource:
    """Prepare to read a stream; raises SourceError without the client or with files that cannot be used."""
    try:
        import nats  # noqa: F401 - an extra
    except ImportError as error:
        raise SourceError("the NATS client is not installed", "pip install 'ocsf-pipe[nats]'") from error
    return NatsSource(settings, context)


def _options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The client's options of our settings."""
    names = {"user": "user", "password": "password", "token": "token", "credentials_file": "user_credentials"}
    options = {theirs: settings[ours] for ours, theirs in names.items() if settings.get(ours)}
    options["servers"] = list(settings.get("servers") or ["nats://127.0.0.1:4222"])
    if any(settings.get(name) for name in ("ca_file", "certificate_file")):
        try:
            tls = ssl.create_default_context(cafile=settings.get("ca_file"))
            if settings.get("certificate_file"):
                tls.load_cert_chain(settings["certificate_file"], settings.get("key_file"))
        except (OSError, ssl.SSLError) as error:
            raise SourceError(f"the TLS files cannot be used: {error}", "check that they are PEM") from error
        options["tls"] = tls
    return options


class NatsSource:
    """A stream as a source of one partition, which is named by the stream and by when it was made."""

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        """Make ready; the connection is made when something is asked."""
        self.settings, self.context = settings, context
        self._options = _options(settings)
        self._loop: Loop | None = None
        self._client: Any = None
        self.state: Any = None

    def partitions(self) -> Sequence[str]:
        """Return the id of the stream; raises SourceError where the server does not answer or it cannot be read."""
        return [self._identity()]

    def open(self, partition: str, offset: Offset = _START) -> NatsPartition:
        """Open the stream at an offset; raises SourceError where it was made anew, or ends before the offset."""
        if partition != self._identity():
            raise SourceError(f"the stream `{partition}` is gone", "another of its name was made")
        return NatsPartition(self, partition, offset)

    def close(self) -> None:
        """Leave the server; may be called again."""
        loop, client, self._loop, self._client = self._loop, self._client, None, None
        if loop is None:
            return
        try:
            if client is not None:
                loop.run(client.close())
        except SourceError:
            LOG.debug("nats: the connection was not closed in order")
        loop.close()

    def run(self, work: Coroutine[Any, Any, T], seconds: float = ANSWER_SECONDS) -> T:
        """Do something with the client; raises SourceError where the server does not answer."""
        if self._loop is None:
            work.close()
            raise SourceError("the NATS source is closed")
        return self._loop.run(work, seconds)

    @property
    def client(self) -> Any:
        """The client, connected; raises SourceError where no server answers."""
        if self._client is None:
            import nats

            self._loop = self._loop or Loop()
            self._options |= {"error_cb": _noted, "max_reconnect_attempts": -1, "reconnect_time_wait": 0.5}
            self._options |= {"allow_reconnect": True, "connect_timeout": 2, "name": "ocsf-pipe"}
            self._client = self.run(nats.connect(**self._options), 4)
        return self._client

    def refresh(self) -> Any:
        """Ask for the stream's state: `first_seq`, `last_seq`."""
        info = self.run(self.client.jetstream().stream_info(self.settings["stream"]))
        if info.config.retention not in (None, "limits"):
            name, kind = self.settings["stream"], getattr(info.config.retention, "value", info.config.retention)
            raise SourceError(f"the stream `{name}` has retention `{kind}`", "make it `limits`, or mirror it into one")
        self.state = info.state
        return info

    def _identity(self) -> str:
        info = self.refresh()
        return f"{self.settings['stream']}@{info.created.strftime('%Y%m%dT%H%M%S.%fZ')}"


async def _noted(error: Exception) -> None:
    LOG.debug("nats: %s", error)
