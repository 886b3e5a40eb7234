"""Messages to a Kafka topic, each acknowledged by all in-sync replicas before the next is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from ocsf_connectors.kafka import SETTINGS as SOURCE
from ocsf_connectors.kafka import security
from ocsf_pipe.errors import SourceError

WAIT = 30.0
SETTINGS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["servers", "topic"],
    "properties": {
        "servers": SOURCE["properties"]["servers"],
        "topic": {
            "type": "string",
            "pattern": "^[A-Za-z0-9._-]{1,249}$",
            "description": "The topic; the key of each message is the finding's id.",
        },
        "tls": SOURCE["properties"]["tls"],
        "sasl": SOURCE["properties"]["sasl"],
    },
}


class KafkaSender:
    """Sends JSON under a key; the producer is idempotent, so that its own retries write nothing twice."""

    def __init__(self, settings: Mapping[str, Any], name: str) -> None:
        """Take checked settings; nothing is asked of the cluster before the first message."""
        self._settings, self._name = settings, name
        self._producer: Any = None
        self.wait = WAIT

    def send(self, uid: str, message: Mapping[str, Any]) -> None:
        """Send one message and wait until it is written; raises SourceError."""
        body = json.dumps(message, ensure_ascii=False).encode()
        try:
            if self._producer is None:
                self._producer = KafkaProducer(
                    bootstrap_servers=list(self._settings["servers"]),
                    client_id=f"ocsf-pipe-{self._name}",
                    acks="all",
                    enable_idempotence=True,
                    max_block_ms=self.wait * 1000,
                    bootstrap_timeout_ms=10_000,
                    **security(self._settings),
                )
            self._producer.send(self._settings["topic"], value=body, key=uid.encode()).get(timeout=self.wait)
        except KafkaError as error:
            self.close()
            raise SourceError(f"kafka does not take a message: {error}", "it is sent again") from error

    def close(self) -> None:
        """Let go of the connection."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=5)
