"""An S3 and SQS server in a process of its own, for many requests: its log goes to a file that nobody must read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.connectors.brokers.tansu import free_port, wait_for_port

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


@contextmanager
def moto(log: Path) -> Iterator[str]:
    """Run the server; yields its URL."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("ab") as output, subprocess.Popen(command, stderr=output, stdout=output) as process:
        try:
            wait_for_port(port, process, 60)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def bucket(url: str, name: str) -> Any:
    """Make a bucket; return the client."""
    import boto3

    client = boto3.client("s3", endpoint_url=url, **KEYS)
    client.create_bucket(Bucket=name)
    return client


def environment(url: str) -> dict[str, str]:
    """What lakes on this server are opened with."""
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    return {**keys, "AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true", "AWS_CONDITIONAL_PUT": "etag"}
