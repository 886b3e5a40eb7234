"""What is done where a Kafka log does not hold what was to be read of it: never nothing."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ocsf_connectors.kafka_batches import Frame
from ocsf_connectors.kafka_cluster import Cluster
from ocsf_connectors.kafka_flow import Flow
from ocsf_connectors.kafka_notes import Notes, Place
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Reject

LOG = logging.getLogger("ocsf_connectors.kafka")
SHORT_PROBES = 3
"""Looks in a row that find a log shorter than what was read of it; fewer may be a replica that is behind."""
_GO_ON = "set `on_gap: continue` to go on behind what is gone"


@dataclass(frozen=True, slots=True)
class Losses:
    """How losses are settled, with what was noted of them. stop: the source stops in place of going on."""

    cluster: Cluster
    notes: Notes
    stop: bool

    def out_of_range(self, flow: Flow, position: int) -> Place | None:
        """Settle a position that the log does not hold; returns a new place where the partition goes on as another.

        Raises the client's errors where the cluster does not answer.
        """
        begin, end = self.cluster.begins([flow.tp])[flow.tp], self.cluster.ends([flow.tp])[flow.tp]
        if flow.over or flow.seek or flow.end != position:
            return None  # an answer to an earlier question
        if position > end:
            return self.cut_off(flow, None)
        if position < begin:
            self._gap(flow, position, begin)
        flow.seek = True
        return None

    def _gap(self, flow: Flow, position: int, begin: int) -> None:
        what = f"`{flow.tp.topic}/{flow.tp.partition}`: {lost_text(position, begin)}"
        if self.stop:
            flow.give_up(SourceError(what, _GO_ON))
            return
        LOG.warning("kafka: %s", what)
        end = self.notes.gap(flow.place, position, begin) or begin
        flow.put([Frame(position, end, b"", lost_text(position, end))])

    def short(self, flow: Flow) -> bool:
        """Whether look after look finds the log shorter than what was read of it; a broker may not say so itself."""
        flow.behind = flow.behind + 1 if flow.most is not None and flow.most < flow.end and not flow.seek else 0
        return flow.behind >= SHORT_PROBES

    def cut_off(self, flow: Flow, found: int | None) -> Place | None:
        """Settle a log that ends before what was read of it; `found` is where it parts from what was, if known.

        Messages that the cluster had acknowledged are lost, and their offsets will be given again: the partition goes
        on under another id. Returns None where the source stops, or the topic was made anew, which its id tells.
        """
        self.cluster.refresh()
        topic_id = self.cluster.topic_id(flow.tp.topic)
        if topic_id != flow.topic_id:
            return None
        what = f"the log of `{flow.tp.topic}/{flow.tp.partition}` ends before offset {flow.end}, which was read already"
        if self.stop:
            flow.give_up(SourceError(what, _GO_ON))
            return None
        start = found
        if start is None:  # without ids nobody can tell a log made anew, whose beginning is unread
            ask = self.cluster.begins if topic_id is None else self.cluster.ends
            start = ask([flow.tp])[flow.tp]
        LOG.warning("kafka: %s; it is read from offset %d on", what, start)
        return self.notes.cut(flow.place, start)


def lost_text(position: int, end: int) -> str:
    """Say what a gap is, as the reason of its reject."""
    return f"offsets {position} to {end - 1} were deleted by Kafka before they were read"


def preface(place: Place, start: int) -> tuple[Reject, ...]:
    """One reject before the first message of a log that took another's place: that there was another is not hidden."""
    if place.life == 1 and place.cut == 1:
        return ()
    what = "the topic was made anew" if place.cut == 1 else "the log lost its end"
    return (Reject(start, -1, b"", f"{what}; what was not read of it before is gone"),)
