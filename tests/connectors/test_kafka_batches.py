"""Record batches of Kafka become Arrow as the client's own reader understands them, whatever is in them."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Sequence

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.codec import snappy_encode
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.legacy_records import LegacyRecordBatchBuilder
from kafka.record.util import calc_crc32c

from ocsf_connectors.kafka_batches import TOMBSTONE, DamagedBatch, Frame, Messages, messages, split
from ocsf_connectors.kafka_codecs import UnpackError, unpacked
from ocsf_connectors.kafka_source import pieces, with_rejects

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
Message = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]


def batch(
    found: Sequence[Message], codec: int = 0, base: int = 0, *, producer: int = -1, transactional: bool = False
) -> bytes:
    """One record batch, built by the client and moved to a base offset as a broker does."""
    builder = DefaultRecordBatchBuilder(
        2, codec, transactional, producer, 0 if producer >= 0 else -1, 0 if producer >= 0 else -1, 1 << 30
    )
    for index, (key, value, headers) in enumerate(found):
        builder.append(index, 1_700_000_000_000 + index, key, value, headers)
    return struct.pack(">q", base) + bytes(builder.build())[8:]


def plain(*values: bytes) -> list[Message]:
    """Messages of values alone."""
    return [(None, value, []) for value in values]


def resealed(data: bytes, **fields: int) -> bytes:
    """A batch with header fields changed and its checksum made right again."""
    out = bytearray(data)
    for name, value in fields.items():
        at, form = {"attributes": (21, ">h"), "last": (23, ">i"), "count": (57, ">i")}[name]
        struct.pack_into(form, out, at, value)
    struct.pack_into(">I", out, 17, calc_crc32c(bytes(out[21:])))
    return bytes(out)


def pairs(found: Messages) -> list[tuple[int, bytes]]:
    """Positions and values."""
    return list(zip(found.positions.to_pylist(), found.values.to_pylist(), strict=True))


binary = st.binary(max_size=40) | st.binary(min_size=60, max_size=300)
message = st.tuples(
    st.none() | binary, st.none() | binary, st.lists(st.tuples(st.text(max_size=5), st.none() | binary), max_size=2)
)


@given(
    st.lists(st.lists(message, min_size=1, max_size=12), min_size=1, max_size=4), st.sampled_from(list(CODECS.values()))
)
@settings(max_examples=150)
def test_what_is_read_is_what_the_clients_reader_reads(batches: list[list[Message]], codec: int) -> None:
    """Every value at its offset, every tombstone as a reject with its key; from any offset on."""
    fetched, base = b"", 7
    for one in batches:
        fetched += batch(one, codec, base)
        base += len(one) + 3  # as compaction leaves gaps
    reader, expected = MemoryRecords(fetched), []
    while (one := reader.next_batch()) is not None:
        expected += [(record.offset, record.key, record.value) for record in one]
    frames = list(split(fetched))
    for since in {0, 7, expected[len(expected) // 2][0], base}:
        found = messages(frames, since)
        assert pairs(found) == [(at, value) for at, _, value in expected if value is not None and at >= since]
        gone = [(reject.position, reject.raw) for reject in found.rejects]
        assert gone == [(at, key or b"") for at, key, value in expected if value is None and at >= since]
        assert found.end == frames[-1].next
    assert not messages(frames, 0, tombstones=False).rejects


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_every_codec_is_read_and_its_bomb_is_not(codec: int) -> None:
    """What unpacks to more than the limit is refused before it is in memory; so is what is damaged."""
    body = batch(plain(*(b"x" * 1000 for _ in range(3000))), codec)[61:]
    assert len(unpacked(codec, memoryview(body))) > 3_000_000
    if codec:
        with pytest.raises(UnpackError, match="unpacks to more than 2000000 bytes"):
            unpacked(codec, memoryview(body), 2_000_000)
        for broken in (body[: len(body) // 2], b"\x99" * 50):
            with pytest.raises(UnpackError):
                unpacked(codec, memoryview(broken))


def test_a_batch_that_cannot_be_unpacked_is_one_reject_with_its_bytes() -> None:
    """The batches around it are read."""
    good, bad = batch(plain(b"a", b"b"), 4), bytearray(batch(plain(b"c" * 99, b"d" * 99), 4, 2))
    bad[61:] = bytes(len(bad) - 61)
    frames = [*split(good), Frame(2, 4, resealed(bytes(bad))), *split(batch(plain(b"e"), 4, 4))]
    found = messages(frames, 0)
    assert pairs(found) == [(0, b"a"), (1, b"b"), (4, b"e")]
    (reject,) = found.rejects
    assert (reject.position, reject.raw) == (2, frames[1].data)
    assert reject.reason.startswith("a batch of messages up to offset 3: the zstd data is damaged")


@given(st.integers(61, 110), st.integers(0, 255))
def test_no_body_whatever_raises(place: int, byte: int) -> None:
    """A batch whose checksum is right and whose lengths are not is a reject; nothing else happens."""
    data = bytearray(batch([(b"k", b"value %d" % i, [("h", b"v")]) for i in range(5)]))
    data[place] = byte
    found = messages([Frame(0, 5, resealed(bytes(data)))], 0)
    assert found.end == 5
    assert len(found.values) == 5 or found.rejects


@pytest.mark.parametrize("change", [{"count": 3}, {"count": 9}, {"attributes": 7}])
def test_a_header_that_lies_makes_a_reject(change: dict[str, int]) -> None:
    """Too few messages, too many, or a codec that nobody knows."""
    data = resealed(batch(plain(*(b"%d" % i for i in range(5)))), **change)
    found = messages([Frame(0, 5, data)], 0)
    assert len(found.rejects) == 1
    assert not len(found.values)


def test_a_wrong_checksum_is_told_apart() -> None:
    """It may have happened on the way: the batch is fetched again."""
    data = batch(plain(b"a"))
    with pytest.raises(DamagedBatch, match="offset 0"):
        messages([Frame(0, 1, data[:-1] + b"?")], 0)


def test_a_batch_that_is_cut_off_is_left_for_the_next_fetch() -> None:
    """As brokers fill the bytes they were asked for."""
    two = batch(plain(b"a")) + batch(plain(b"b"), base=1)
    for size in range(len(two)):
        assert len(list(split(two[:size]))) == (size >= len(two) // 2)


def test_aborted_transactions_are_passed_over_and_their_offsets_are_not() -> None:
    """Batches of the producer up to its abort marker are silent; those of others, and later ones, are read."""
    marker = resealed(
        batch([(b"\0\0\0\0", b"\0\0\0\0\0\0", [])], 0, 4, producer=5, transactional=True), attributes=0x30
    )
    fetched = b"".join(
        [
            batch(plain(b"a", b"b"), 0, 0, producer=5, transactional=True),
            batch(plain(b"c"), 0, 2, producer=6, transactional=True),
            batch(plain(b"d"), 0, 3),
            marker,
            batch(plain(b"e"), 0, 5, producer=5, transactional=True),
        ]
    )
    frames = list(split(fetched, [(5, 0)]))
    assert [(frame.next, bool(frame.data)) for frame in frames] == [
        (2, False),
        (3, True),
        (4, True),
        (5, False),
        (6, True),
    ]
    assert pairs(messages(frames, 0)) == [(2, b"c"), (3, b"d"), (5, b"e")]
    assert [value for _, value in pairs(messages(list(split(fetched)), 0))] == [b"a", b"b", b"c", b"d", b"e"]


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", [0, 1])
def test_formats_of_before_kafka_0_11_are_read(magic: int, codec: int) -> None:
    """By the client's reader, one by one, among new ones."""
    builder = LegacyRecordBatchBuilder(magic=magic, compression_type=codec, batch_size=1 << 20)
    for index in range(3):
        builder.append(index, timestamp=1_700_000_000_000, key=b"k", value=None if index == 1 else b"v%d" % index)
    frames = [*split(bytes(builder.build())), *split(batch(plain(b"new"), 4, 3))]
    found = messages(frames, 0)
    assert pairs(found) == [(0, b"v0"), (2, b"v2"), (3, b"new")]
    assert [(reject.position, reject.raw, reject.reason) for reject in found.rejects] == [(1, b"k", TOMBSTONE)]


def test_no_more_is_unpacked_at_once_than_is_asked_for() -> None:
    """Many small bombs are read one after another."""
    frames = [frame for i in range(10) for frame in split(batch(plain(b"x" * 100_000), 4, i))]
    found = messages(frames, 0, most=250_000)
    assert (len(found.values), found.end) == (3, 3)


def test_a_large_batch_is_handed_over_in_pieces() -> None:
    """Each with the rejects among its positions; together they are the whole."""
    found = messages(list(split(batch([(b"k", None if i % 10 == 3 else b"x" * 900, []) for i in range(100)], 4))), 0)
    parts = pieces(found, 10_000)
    assert len(parts) > 5
    assert [pair for part in parts for pair in pairs(part)] == pairs(found)
    assert tuple(reject for part in parts for reject in part.rejects) == found.rejects
    assert all(part.positions[-1].as_py() < part.end for part in parts)
    for part in parts:
        assert len(with_rejects((), part.rejects, part.end)) == bool(part.rejects)


def test_snappy_is_read_with_and_without_its_blocks() -> None:
    """Java writes blocks, others do not."""
    for blocks in (True, False):
        assert unpacked(2, memoryview(snappy_encode(b"abc" * 20_000, blocks))) == b"abc" * 20_000


def test_frames_that_follow_each_other_in_one_batch_are_joined() -> None:
    """As some producers write zstd; gzip of one member is all that Kafka knows."""
    two = zstandard.compress(b"ab") + zstandard.compress(b"cd")
    assert unpacked(4, memoryview(two)) == b"abcd"
    assert unpacked(1, memoryview(gzip.compress(b"ab"))) == b"ab"
