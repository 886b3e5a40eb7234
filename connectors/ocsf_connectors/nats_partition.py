"""The messages of a JetStream stream, asked for by sequence; what was deleted before it was read is told."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Batch, Offset, Records, Reject

if TYPE_CHECKING:
    from ocsf_connectors.nats import NatsSource

LOG = logging.getLogger("ocsf_connectors.nats")
_WAIT = 0.3
_BATCH_BYTES, _BATCH_MESSAGES = 8 << 20, 1000
_IDLE_CHECK = 2.0


class NatsPartition:
    """The messages of a stream from an offset on."""

    def __init__(self, source: NatsSource, partition: str, offset: Offset) -> None:
        """Begin at a sequence; sequences count from 1, so 0 is the beginning of the stream."""
        self.id = partition
        self._source, self._offset = source, offset
        self._pull: Any = None
        self._name = ""
        self._consumed = 0  # consumer sequence of the last message: the next has the one behind it, or some were lost
        self._heard = time.monotonic()
        self._bytes = 1024.0
        if offset.position > source.state.last_seq + 1:
            raise SourceError(
                f"the lake has read `{partition}` to {offset.position}, but it ends at {source.state.last_seq}",
                "the server lost messages; make the stream anew under another name",
            )

    def next_batch(self) -> Batch | None:
        """Return the next messages' records; None when there are none. Raises SourceError where the server fails."""
        at = self._offset.position
        if gap := self._noted_gap(at) or (at and self._gap(at, self._source.state.first_seq)):
            return self._handed((_lost(at, gap),), gap)
        messages = self._fetched()
        if not messages:
            return self._idle()
        runs: list[Records] = []
        done = 0
        for number, message in enumerate(messages):
            sequence = message.metadata.sequence.stream
            if sequence > at and at and (gap := self._gap(at, min(self._source.refresh().state.first_seq, sequence))):
                runs += [*self._parsed(messages[done:number], at), _lost(at, gap)]
                done = number
            at = sequence + 1
        runs += self._parsed(messages[done:], at)
        return self._handed(tuple(runs), at)

    def offset(self) -> Offset:
        """Return the first sequence not yet returned."""
        return self._offset

    def acknowledge(self, offset: Offset) -> None:
        """Forget notes of gaps that are in the lake; the server is told nothing."""
        ledger = self._source.context.ledger
        for name in ledger.names():
            stream, _, position = name.removeprefix("gap ").rpartition(" ")
            if stream == self.id and int(position) < offset.position:
                ledger.delete(name)

    def lag(self) -> int | None:
        """Return how many messages of the stream, of any subject, lie behind the offset."""
        state = self._source.state
        return max(0, int(state.last_seq) + 1 - max(self._offset.position, int(state.first_seq)))

    def close(self) -> None:
        """Take the consumer from the server; may be called again."""
        pull, self._pull = self._pull, None
        if pull is None:
            return
        try:
            self._source.run(_dropped(self._source.client, pull, self._source.settings["stream"], self._name), 2)
        except SourceError:
            LOG.debug("nats: the consumer ends by itself")

    def _handed(self, runs: tuple[Records, ...], end: int) -> Batch:
        start, self._offset = self._offset, Offset(end)
        return Batch(runs, start, self._offset)

    # ------------------------------------------------------------------ reading

    def _fetched(self) -> list[Any]:
        """The next messages, without a hole that the way from the server made."""
        if self._pull is None:
            self._subscribe()
        count = int(max(1, min(_BATCH_MESSAGES, _BATCH_BYTES / self._bytes)))
        try:
            messages = self._source.run(_fetch(self._pull, count))
        except SourceError:
            self.close()
            raise
        if not messages:
            return []
        self._heard = time.monotonic()
        good = 0
        for message in messages:
            if message.metadata.sequence.consumer != self._consumed + 1:
                break
            self._consumed += 1
            good += 1
        if good < len(messages):
            self.close()  # some were lost in a reconnection: another consumer begins behind the good ones
        size = sum(len(message.data) for message in messages) / len(messages)
        self._bytes = max(1.0, size, 0.9 * self._bytes)
        return messages[:good]

    def _subscribe(self) -> None:
        from nats.js import api

        settings = self._source.settings
        config = api.ConsumerConfig(
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=max(1, self._offset.position),
            ack_policy=api.AckPolicy.NONE,
            filter_subjects=list(settings.get("subjects") or []) or None,
            inactive_threshold=60,
            mem_storage=True,
            num_replicas=1,
        )
        made = self._source.run(_consumer(self._source.client, settings["stream"], config))
        self._name, self._pull = made
        self._consumed, self._heard = 0, time.monotonic()

    def _idle(self) -> Batch | None:
        """Make sure, when nothing comes, that the server has not sent what never arrived; go past other subjects."""
        if time.monotonic() - self._heard < _IDLE_CHECK:
            return None
        self._heard = time.monotonic()
        stream = self._source.settings["stream"]
        end = self._source.refresh().state.last_seq + 1
        info = self._source.run(self._source.client.jetstream().consumer_info(stream, self._name))
        if info.delivered.consumer_seq != self._consumed:
            self.close()
        elif self._source.settings.get("subjects") and not info.num_pending and end > self._offset.position:
            # Else the stream's deleting what was never ours to read would pass for a loss.
            return self._handed((), end)
        return None

    def _parsed(self, messages: list[Any], end: int) -> list[Records]:
        if not messages:
            return []
        positions = pa.array(np.array([message.metadata.sequence.stream for message in messages], np.int64))
        bodies = pa.array([message.data for message in messages], pa.large_binary())
        return list(self._source.context.decoder.parse(bodies, positions, end))

    # ------------------------------------------------------------------ gaps

    def _noted_gap(self, at: int) -> int:
        """The end of a gap that was told already and may be told again; 0 where there is none."""
        found = self._source.context.ledger.get(f"gap {self.id} {at}")
        return int(json.loads(found)) if found else 0

    def _gap(self, at: int, first: int) -> int:
        """Where the stream goes on when it deleted what stands at a sequence; 0 where it did not.

        It is noted, so that the same is told after a crash, though more may be deleted then.
        """
        if first <= at:
            return 0
        if self._source.settings.get("on_gap") == "stop":
            raise SourceError(f"`{self.id}`: {_lost_text(at, first)}", "set `on_gap: continue` to go on behind them")
        LOG.warning("nats: %s: %s", self.id, _lost_text(at, first))
        self._source.context.ledger.put_new(f"gap {self.id} {at}", str(first).encode())
        return self._noted_gap(at)


async def _fetch(pull: Any, count: int) -> list[Any]:
    try:
        return list(await pull.fetch(count, timeout=_WAIT))
    except TimeoutError:  # asyncio's and the client's own
        return []


async def _consumer(client: Any, stream: str, config: Any) -> tuple[str, Any]:
    """Make a consumer and a subscription to what it sends."""
    jetstream = client.jetstream()
    info = await jetstream.add_consumer(stream, config)
    return info.name, await jetstream.pull_subscribe_bind(consumer=info.name, stream=stream)


async def _dropped(client: Any, pull: Any, stream: str, name: str) -> None:
    await pull.unsubscribe()
    await client.jetstream().delete_consumer(stream, name)


def _lost_text(start: int, end: int) -> str:
    return f"messages {start} to {end - 1} were deleted by the stream before they were read"


def _lost(start: int, end: int) -> Records:
    """A run of nothing but the note that messages are gone."""
    raw, position, sub = (pa.array([], kind) for kind in (pa.large_string(), pa.int64(), pa.int32()))
    return Records(raw, position, sub, end, rejects=(Reject(start, 0, b"", _lost_text(start, end)),))
