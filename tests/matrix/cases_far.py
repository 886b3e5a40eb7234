"""The kinds of sources that real servers stand behind, and syslog, whose sender is told nothing."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocsf_connectors.spool import Entry, Spool
from ocsf_pipe.errors import SourceError
from tests.connectors.brokers.kafka_topics import produce, topic
from tests.matrix.cases import beside, written
from tests.matrix.moto import KEYS, bucket

BELL = """\
mapping: acme.bell
title: Acme Bell
product: {vendor_name: Acme, name: Bell}
input: {format: syslog, recognise: appname is not null}
let:
  stamp: >-
    case when not starts_with(message, 'nobody') then with_year(timestamp, processed_time()) end
every: {time: stamp, severity_id: 'Informational'}
events:
  - name: rung
    class: authentication
    activity_id: 'Logon'
    user.name: message
    service.name: appname
"""
"""A mapping of syslog messages that are a name; nobody's are refused."""
_NAMES = re.compile(rb"(?:nobody|old|p)\d+")


@dataclass
class S3Case:
    """Objects, some packed, which the queue tells of twice and the listing finds too; one of them is written over."""

    folder: Path
    url: str
    name: str
    pipeline: Path = field(init=False)
    sent: int = 0
    store: Any = field(init=False)
    queues: Any = field(init=False)
    queue: str = field(init=False)

    def __post_init__(self) -> None:
        """Make the bucket and a queue that it tells."""
        import boto3

        self.store = bucket(self.url, self.name)
        self.queues = boto3.client("sqs", endpoint_url=self.url, **KEYS)
        self.queue = self.queues.create_queue(QueueName=self.name)["QueueUrl"]
        arn = self.queues.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]
        told = {"QueueConfigurations": [{"QueueArn": arn["QueueArn"], "Events": ["s3:ObjectCreated:*"]}]}
        self.store.put_bucket_notification_configuration(Bucket=self.name, NotificationConfiguration=told)
        keys = {"region": "us-east-1", "access_key_id": "test", "secret_access_key": {"env": "S3_KEY"}}
        far = {"endpoint_url": self.url, "path_style": True, "poll_seconds": 0.2, **keys}
        source = {"connector": "s3", "queue_url": self.queue, "bucket": self.name, **far}
        self.pipeline = written(self.folder, source)

    def deliver(self, lines: list[bytes]) -> None:
        """Put four objects, one of them under a name that was used before."""
        for part in range(4):
            body = b"".join(lines[part::4])
            key = "again.json" if part == 0 else f"{self.sent:04d}-{part}.json"
            if part == 1:
                key, body = f"{key}.gz", gzip.compress(body, mtime=0)
            etag = self.store.put_object(Bucket=self.name, Key=key, Body=body)["ETag"].strip('"')
            self._tell_again(key, etag, len(body))
        self.sent += 1

    def arriving(self) -> AbstractContextManager[None]:
        """Objects are there already; the one that is written over must have been read before."""
        return nullcontext()

    def arrived(self) -> None:
        """All."""

    def _tell_again(self, key: str, etag: str, size: int) -> None:
        thing = {"key": key, "size": size, "eTag": etag, "sequencer": "00"}
        event = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                 "s3": {"bucket": {"name": self.name}, "object": thing}}  # fmt: skip
        self.queues.send_message(QueueUrl=self.queue, MessageBody=json.dumps({"Records": [event]}))


@dataclass
class KafkaCase:
    """Messages on the partitions of a topic of its own."""

    folder: Path
    address: str
    name: str
    partitions: int = 2
    more: dict[str, Any] = field(default_factory=lambda: {"membership": "alone"})
    lake: str = ""
    pipeline: Path = field(init=False)

    def __post_init__(self) -> None:
        """Make the topic."""
        topic(self.address, self.name, self.partitions)
        far = {"servers": [self.address], "topics": [self.name], "session_seconds": 6, **self.more}
        self.pipeline = written(self.folder, {"connector": "kafka", **far}, lake=self.lake)

    def deliver(self, lines: list[bytes]) -> None:
        """Produce, once each."""
        for number in range(self.partitions):
            produce(self.address, self.name, lines[number :: self.partitions], number)

    def arriving(self) -> AbstractContextManager[None]:
        """Messages are there already."""
        return nullcontext()

    def arrived(self) -> None:
        """All."""


@dataclass
class NatsCase:
    """Messages of a stream of its own."""

    folder: Path
    url: str
    name: str
    pipeline: Path = field(init=False)

    def __post_init__(self) -> None:
        """Make the stream."""
        self._do(lambda js: js.add_stream(name=self.name, subjects=[f"{self.name}.>"]))
        self.pipeline = written(self.folder, {"connector": "nats", "servers": [self.url], "stream": self.name})

    def deliver(self, lines: list[bytes]) -> None:
        """Publish."""

        async def work(js: Any) -> None:
            for line in lines:
                await js.publish(f"{self.name}.a", line)

        self._do(work)

    def arriving(self) -> AbstractContextManager[None]:
        """Messages are there already."""
        return nullcontext()

    def arrived(self) -> None:
        """All."""

    def _do(self, work: Any) -> None:
        import nats

        async def done() -> None:
            client = await nats.connect(self.url)
            try:
                await work(client.jetstream())
            finally:
                await client.close()

        asyncio.run(done())


@dataclass
class SyslogCase:
    """Messages over TCP, each sent once: what is in flight at a kill is nobody's, what is on disk must arrive."""

    folder: Path
    port: int
    pipeline: Path = field(init=False)
    waiting: list[bytes] = field(default_factory=list)
    on_disk: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Listen where the port says."""
        source = {"connector": "syslog", "protocol": "tcp", "host": "127.0.0.1", "port": self.port}
        self.pipeline = written(self.folder, source, mapping="acme.bell")

    def deliver(self, lines: list[bytes]) -> None:
        """Put messages in line."""
        for line in lines:
            record = json.loads(line)
            stamp = "2026-02-10T08:00:00Z" if record["at"] == "never" else record["at"]
            body = f"<13>1 {stamp} host bell - - - {record['who']}".encode()
            self.waiting.append(b"%d %s" % (len(body), body))

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Send what is in line, for as long as this lasts."""
        with beside(self._send):
            yield

    def arrived(self) -> set[str]:
        """Every name that was in the spool at the end of a life."""
        folder = self.folder / "state" / "matrix" / "one" / "spool"
        if folder.is_dir():
            try:
                spool = Spool(folder, max_bytes=1 << 30)
            except SourceError:  # not made yet when it was killed
                return self.on_disk
            for one in spool.read(spool.begin, 1 << 30):
                if isinstance(one.entry, Entry):
                    self.on_disk |= {name.decode() for name in _NAMES.findall(one.entry.body)}
            spool.close()
        return self.on_disk

    def _send(self, stop: threading.Event) -> None:
        while self.waiting and not stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as one:
                    while self.waiting and not stop.is_set():
                        one.sendall(self.waiting[0])
                        self.waiting.pop(0)
                        time.sleep(0.002)
            except OSError:
                time.sleep(0.02)
