"""What a Kafka source notes in the lake: decided once, by whoever is first, and never changed."""

from __future__ import annotations

from ocsf_connectors.kafka_notes import Notes, Place
from ocsf_pipe.testing.connectors import MemoryLedger


def test_a_partition_is_named_by_cluster_topic_and_number() -> None:
    """With counts only where a topic was made anew, or a log lost its end."""
    assert Place("t", 3).name("c") == "c/t/3"
    assert Place("t", 3, life=2).name("c") == "c/t~2/3"
    assert Place("t", 3, cut=3).name("c") == "c/t/3~3"


def test_the_start_is_what_was_noted_first() -> None:
    """Another worker, or a restart that would choose otherwise, takes it; later partitions start at zero."""
    ledger = MemoryLedger()
    assert Notes(ledger, "c").begin("t", "id-1", {0: 7, 1: 9}) == 1
    assert Notes(ledger, "c").begin("t", "id-1", {0: 700, 1: 900}) == 1
    notes = Notes(ledger, "c")
    assert [notes.start(notes.place("t", number, 1)) for number in (0, 1, 2)] == [7, 9, 0]
    assert notes.life("t", "id-1") == 1


def test_a_topic_made_anew_is_another_life() -> None:
    """It is read from its beginning; the old one keeps its name."""
    ledger = MemoryLedger()
    notes = Notes(ledger, "c")
    assert notes.life("t", "id-1") is None
    assert not notes.seen_before("t")
    notes.begin("t", "id-1", {0: 7})
    assert notes.life("t", "id-2") is None
    assert notes.seen_before("t")
    assert notes.begin("t", "id-2", {}) == 2
    assert Notes(ledger, "c").life("t", "id-1") == 1
    assert Notes(ledger, "c").life("t", "id-2") == 2
    assert notes.start(notes.place("t", 0, 2)) == 0


def test_two_workers_that_meet_a_new_topic_agree() -> None:
    """Though the second had looked before the first wrote."""
    ledger = MemoryLedger()
    one, two = Notes(ledger, "c"), Notes(ledger, "c")
    assert one.life("t", "id-1") is None
    assert two.life("t", "id-1") is None
    assert one.begin("t", "id-1", {0: 5}) == two.begin("t", "id-1", {0: 6}) == 1
    assert one.start(Place("t", 0)) == two.start(Place("t", 0)) == 5


def test_a_cluster_that_learns_to_give_ids_keeps_its_topics() -> None:
    """An upgrade of the brokers must not make everything be read again; a change after it is one."""
    ledger = MemoryLedger()
    assert Notes(ledger, "c").begin("t", None, {0: 5}) == 1
    assert Notes(ledger, "c").life("t", None) == 1
    assert Notes(ledger, "c").life("t", "id-1") == 1
    assert Notes(ledger, "c").life("t", None) == 1
    assert Notes(ledger, "c").life("t", "id-2") is None


def test_a_log_that_lost_its_end_goes_on_under_another_id() -> None:
    """From where it was cut; and again, if it happens again."""
    ledger = MemoryLedger()
    notes = Notes(ledger, "c")
    notes.begin("t", "id-1", {0: 0, 1: 0})
    after = notes.cut(notes.place("t", 0, 1), 40)
    assert after == Place("t", 0, 1, 2)
    again = Notes(ledger, "c")
    assert again.place("t", 0, 1) == after
    assert again.place("t", 1, 1) == Place("t", 1)
    assert again.start(after) == 40
    assert again.start(again.cut(after, 30)) == 30
    assert again.place("t", 0, 1).name("c") == "c/t/0~3"


def test_a_gap_ends_where_it_was_first_said_to_end() -> None:
    """Though Kafka has deleted more since: a batch that is read again after a crash is the same batch."""
    ledger = MemoryLedger()
    assert Notes(ledger, "c").gap(Place("t", 0), 10) is None
    assert Notes(ledger, "c").gap(Place("t", 0), 10, 50) == 50
    assert Notes(ledger, "c").gap(Place("t", 0), 10, 90) == 50
    assert Notes(ledger, "c").gap(Place("t", 0), 10) == 50
    assert Notes(ledger, "c").gap(Place("t", 1), 10) is None
    assert Notes(ledger, "other").gap(Place("t", 0), 10) is None
