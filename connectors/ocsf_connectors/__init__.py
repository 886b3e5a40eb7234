"""Connectors: one file, one kind of source; each has `SETTINGS` and `connect(settings, context)`."""

CONNECTORS = {
    "file": "ocsf_connectors.file",
    "http": "ocsf_connectors.http",
    "kafka": "ocsf_connectors.kafka",
    "nats": "ocsf_connectors.nats",
    "s3": "ocsf_connectors.s3",
    "syslog": "ocsf_connectors.syslog",
}
"""The module of every connector by the name it has in a pipeline file."""
