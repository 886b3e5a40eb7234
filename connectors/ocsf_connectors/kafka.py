"""Kafka topics: read as one consumer of a group, from where the lake stands.

The group only shares out the partitions. Where each goes on is the lake's word; the group's own offsets are told for
whoever watches its lag, and never asked. A partition's id names the cluster, the topic and the partition, and a count
where a topic of the same name was made anew, or a log lost its end: the same id always means the same messages.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Any

from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor

from ocsf_connectors.kafka_poller import Poller, Wants
from ocsf_connectors.kafka_source import KafkaSource
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Context

_TEXT = {"type": "string", "minLength": 1}
_FILE = {**_TEXT, "description": "The path of a PEM file."}
SETTINGS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["servers"],
    "oneOf": [{"required": ["topics"]}, {"required": ["pattern"]}],
    "properties": {
        "servers": {
            "description": "Brokers to begin with, each as `host:port`; the others are learnt from them.",
            "type": "array",
            "minItems": 1,
            "items": {**_TEXT, "pattern": "^[^\\s,]+:[0-9]+$"},
        },
        "topics": {
            "description": "The topics to read.",
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {**_TEXT, "pattern": "^[A-Za-z0-9._-]{1,249}$"},
        },
        "pattern": {**_TEXT, "description": "Or a regular expression; every topic whose name begins so is read."},
        "group": {
            **_TEXT,
            "description": "The group whose members share the partitions; `ocsf-pipe.PIPELINE.SOURCE` if unset.",
        },
        "membership": {
            "description": "Share the partitions with the group, or read them all alone, without joining a group.",
            "enum": ["group", "alone"],
            "default": "group",
        },
        "cluster": {
            "description": "The cluster's name in partition ids, in place of its own id. Changed, all is read again.",
            "type": "string",
            "pattern": "^[A-Za-z0-9._-]{1,100}$",
        },
        "start": {
            "description": "Where to begin with a topic that was never read; remembered, so that no crash changes it.",
            "enum": ["earliest", "latest"],
            "default": "earliest",
        },
        "on_gap": {
            "description": "When Kafka deleted messages before they were read: go on and quarantine a note, or stop.",
            "enum": ["continue", "stop"],
            "default": "continue",
        },
        "tombstones": {
            "description": "Messages without a value: quarantine their key, or leave them out.",
            "enum": ["quarantine", "skip"],
            "default": "quarantine",
        },
        "isolation": {
            "description": "Whether messages of transactions that were aborted, or are still open, are read.",
            "enum": ["read_committed", "read_uncommitted"],
            "default": "read_committed",
        },
        "assignment": {
            "description": "How the group shares partitions out; every member of a group must say the same.",
            "enum": ["cooperative", "eager"],
            "default": "cooperative",
        },
        "instance": {
            **_TEXT,
            "description": "This worker's name in the group, unique there, for a restart that moves no partition.",
        },
        "rack": {"type": "string", "description": "Where this worker is, to read from the nearest replica."},
        "buffer_mib": {
            "description": "Most that is fetched ahead, in MiB, over all partitions, as compressed as it comes.",
            "type": "integer",
            "minimum": 1,
            "maximum": 4096,
            "default": 64,
        },
        "session_seconds": {
            "description": "Silence after which the group gives this worker's partitions to others.",
            "type": "integer",
            "minimum": 6,
            "maximum": 1800,
            "default": 45,
        },
        "tls": {
            "description": "Encrypt, and check the brokers' certificates; `{}` trusts the system's authorities.",
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "ca_file": {**_FILE, "description": "The authorities to trust, as PEM, in place of the system's."},
                "certificate_file": {**_FILE, "description": "This client's certificate, as PEM, where brokers ask."},
                "key_file": {**_FILE, "description": "Its private key, as PEM."},
                "key_password": {"type": "string", "format": "secret", "description": "The password of the key."},
                "verify_hostname": {
                    "type": "boolean",
                    "default": True,
                    "description": "Whether a certificate must name its broker; authorities are asked anyway.",
                },
            },
        },
        "sasl": {
            "description": "How this client proves who it is.",
            "type": "object",
            "additionalProperties": False,
            "required": ["mechanism", "user", "password"],
            "properties": {
                "mechanism": {
                    "enum": ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
                    "description": "The mechanism; PLAIN sends the password as it is.",
                },
                "user": {**_TEXT, "description": "The user's name."},
                "password": {"type": "string", "format": "secret", "description": "The user's password."},
                "allow_plain_text": {
                    "type": "boolean",
                    "default": False,
                    "description": "Send a PLAIN password over a connection that is not encrypted.",
                },
            },
        },
    },
}
"""What a pipeline file may say of a Kafka source."""

_ASSIGNORS = {"cooperative": CooperativeStickyAssignor, "eager": RangePartitionAssignor}
_MIB = 1 << 20
_LOOPBACK = re.compile(r"^(localhost|127\.[0-9.]+|\[::1\]):[0-9]+$")


def connect(settings: Mapping[str, Any], context: Context) -> KafkaSource:
    """Return the source of checked settings; nothing is asked of the cluster before `partitions`.

    Raises SourceError for what the schema cannot see.
    """
    if ("topics" in settings) == ("pattern" in settings):
        raise SourceError("a Kafka source has either `topics` or a `pattern`", "name the topics, or give a pattern")
    wants = Wants(
        client=client_settings(settings, context),
        topics=tuple(settings.get("topics", ())),
        pattern=_pattern(settings.get("pattern")),
        cluster=settings.get("cluster", ""),
        start=settings.get("start", "earliest"),
        on_gap=settings.get("on_gap", "continue"),
        buffer=settings.get("buffer_mib", 64) * _MIB,
        alone=settings.get("membership", "group") == "alone",
    )
    poller = Poller(wants, context.ledger)
    return KafkaSource(context, poller, tombstones=settings.get("tombstones", "quarantine") == "quarantine")


def client_settings(settings: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return what the client is told; raises SourceError where files or secrets are not as they must be."""
    buffer = settings.get("buffer_mib", 64) * _MIB
    session = settings.get("session_seconds", 45) * 1000
    alone = settings.get("membership", "group") == "alone"
    return {
        "bootstrap_servers": list(settings["servers"]),
        "client_id": f"ocsf-pipe-{context.pipeline}-{context.source}",
        "client_rack": settings.get("rack", ""),
        "group_id": None if alone else settings.get("group", f"ocsf-pipe.{context.pipeline}.{context.source}"),
        "group_instance_id": None if alone else settings.get("instance"),
        "auto_offset_reset": "none",  # a position that is not there is settled by us, never passed over
        "enable_auto_commit": False,
        "allow_auto_create_topics": False,
        "isolation_level": settings.get("isolation", "read_committed"),
        "partition_assignment_strategy": (_ASSIGNORS[settings.get("assignment", "cooperative")],),
        "session_timeout_ms": session,
        "heartbeat_interval_ms": min(3000, session // 4),
        "metadata_max_age_ms": 30_000,
        "bootstrap_timeout_ms": 10_000,
        "reconnect_backoff_max_ms": 5_000,
        "fetch_max_bytes": max(_MIB, buffer // 4),
        "max_partition_fetch_bytes": max(_MIB // 4, min(4 * _MIB, buffer // 8)),
        "check_crcs": False,  # they are checked where batches are unpacked, off the thread that polls
        "metrics_enabled": False,
        **security(settings),
    }


def _pattern(pattern: str | None) -> str | None:
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise SourceError(f"`pattern` is not a regular expression: {error}", "correct it at the place named") from error
    return pattern


def security(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a client is told of encryption and identity; raises SourceError for what would not be safe."""
    tls, sasl = settings.get("tls"), settings.get("sasl")
    out: dict[str, Any] = {"security_protocol": ("SASL_" if sasl else "") + ("PLAINTEXT" if tls is None else "SSL")}
    if tls is not None:
        out["ssl_context"] = tls_context(tls)
    if sasl:
        local = all(_LOOPBACK.match(server) for server in settings["servers"])
        if sasl["mechanism"] == "PLAIN" and tls is None and not sasl.get("allow_plain_text", False) and not local:
            raise SourceError(
                "`sasl` PLAIN without `tls` sends the password so that all can read it",
                "add `tls: {}`, use SCRAM-SHA-512, or set `allow_plain_text: true`",
            )
        out |= {
            "sasl_mechanism": sasl["mechanism"],
            "sasl_plain_username": sasl["user"],
            "sasl_plain_password": sasl["password"],
        }
    return out


def tls_context(tls: Mapping[str, Any]) -> ssl.SSLContext:
    """Return how connections are encrypted; raises SourceError for a file that is not what it should be."""
    if ("key_file" in tls or "key_password" in tls) and "certificate_file" not in tls:
        raise SourceError("`tls` has a key and no certificate", "name the `certificate_file` too")
    try:
        context = ssl.create_default_context(cafile=tls.get("ca_file"))
    except (OSError, ssl.SSLError) as error:
        raise SourceError(f"`ca_file` cannot be used: {error}", "name a PEM file of certificates") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = tls.get("verify_hostname", True)
    if "certificate_file" in tls:
        try:
            # An empty password in place of none: OpenSSL would ask the terminal.
            password = tls.get("key_password", "")
            context.load_cert_chain(tls["certificate_file"], tls.get("key_file"), password)
        except (OSError, ssl.SSLError) as error:
            hint = "name PEM files of a certificate and its key, and the key's password"
            raise SourceError(f"`certificate_file` and `key_file` cannot be used: {error}", hint) from error
    return context
