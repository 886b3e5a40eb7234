"""A bucket and a queue on a local server, and a source that reads them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import orjson
from botocore.config import Config

from ocsf_connectors import s3
from ocsf_connectors.s3_partition import ID, S3Partition
from ocsf_pipe.source import Decoder, Offset
from ocsf_pipe.testing.connectors import context

START = Offset()
KEYS = {"region": "us-east-1", "access_key_id": "test", "secret_access_key": "test"}


@contextmanager
def server() -> Iterator[str]:
    """Run an S3 and SQS server in a process of its own; yields its URL."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    break
            else:
                raise AssertionError("the server did not start")
            yield found[0]
        finally:
            process.kill()


@dataclass(frozen=True, slots=True)
class World:
    """One bucket and one queue of their own for one test."""

    url: str
    name: str
    folder: Path
    queue_url: str
    s3: Any
    sqs: Any

    @staticmethod
    def made(url: str, name: str, folder: Path) -> World:
        """Make bucket and queue; no notifications yet."""
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        store = boto3.client("s3", endpoint_url=url, config=Config(s3={"addressing_style": "path"}), **keys)
        queues = boto3.client("sqs", endpoint_url=url, **keys)
        store.create_bucket(Bucket=name)
        return World(url, name, folder, queues.create_queue(QueueName=name)["QueueUrl"], store, queues)

    def notify(self) -> None:
        """Let the bucket tell the queue of every object that is put."""
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["QueueArn"])["Attributes"]
        told = {"QueueConfigurations": [{"QueueArn": arn["QueueArn"], "Events": ["s3:ObjectCreated:*"]}]}
        self.s3.put_bucket_notification_configuration(Bucket=self.name, NotificationConfiguration=told)

    def put(self, key: str, body: bytes) -> str:
        """Put an object; returns its etag."""
        return str(self.s3.put_object(Bucket=self.name, Key=key, Body=body)["ETag"]).strip('"')

    def send(self, body: str) -> None:
        """Send a message of one's own."""
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=body)

    def event(self, key: str, etag: str, size: int = 1) -> dict[str, Any]:
        """One record of a notification as S3 writes it."""
        thing = {"key": key, "size": size, "eTag": etag, "sequencer": "00"}
        told = {"s3": {"bucket": {"name": self.name}, "object": thing}}
        return {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", **told}

    def messages(self) -> int:
        """How many messages the queue holds, hidden ones too."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)["Attributes"]
        return sum(int(each) for each in told.values())

    def settings(self, **more: Any) -> dict[str, Any]:
        """Settings that name neither queue nor bucket yet."""
        return {"endpoint_url": self.url, "path_style": True, "poll_seconds": 0.1, **KEYS, **more}

    def listing(self, **more: Any) -> dict[str, Any]:
        """Settings of a source that lists."""
        return self.settings(bucket=self.name, **more)

    def queue(self, **more: Any) -> dict[str, Any]:
        """Settings of a source that asks the queue."""
        return self.settings(queue_url=self.queue_url, **more)

    def source(self, settings: dict[str, Any], decoder: Decoder | None = None) -> s3.S3Source:
        """Connect with the state and ledger of this test."""
        return s3.connect(settings, context(self.folder, decoder=decoder))

    @contextmanager
    def partition(self, settings: dict[str, Any], offset: Offset = START) -> Iterator[S3Partition]:
        """Open the partition at an offset."""
        source = self.source(settings)
        assert source.partitions() == [ID]
        part = source.open(ID, offset)
        try:
            yield part
        finally:
            part.close()
            source.close()


def lines(name: str, count: int) -> bytes:
    """Records that tell where they are from."""
    return b"".join(orjson.dumps({"o": name, "n": n}) + b"\n" for n in range(count))
