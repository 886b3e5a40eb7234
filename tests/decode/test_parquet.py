"""Parquet: every row a JSON record, whatever its types; cut anywhere, damaged anywhere."""

from __future__ import annotations

import datetime as dt
import io
import uuid
from decimal import Decimal
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocsf_pipe.decode import FORMATS, Limits
from ocsf_pipe.source import BrokenStream, Records

UTC = dt.UTC
FORMAT = FORMATS["parquet"]
NOON = dt.datetime(2024, 1, 2, 12, 0, 0, 5000, tzinfo=UTC)


def written(column: Any, **options: Any) -> bytes:
    """The bytes of a file with one column `x`, or of a table."""
    table = column if isinstance(column, pa.Table) else pa.table({"x": column})
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def runs(data: bytes, resume_at: int = 0, chunk_bytes: int = 16 << 20) -> list[Records]:
    """Every run of a file."""
    return list(FORMAT.read(io.BytesIO(data), {}, resume_at=resume_at, limits=Limits(chunk_bytes=chunk_bytes)))


def texts(found: list[Records]) -> list[str]:
    """The text of every row."""
    return [text for run in found for text in run.raw.to_pylist()]


VALUES: list[tuple[str, Any, list[str]]] = [
    ("text", pa.array(["é", 'q"\\\n\x01', "", None]), ['"é"', r'"q\"\\\n\u0001"', '""', ""]),
    ("whole", pa.array([-1, 2**63 - 1, None]), ["-1", "9223372036854775807", ""]),
    ("unsigned", pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
    ("float", pa.array([0.5, float("nan"), float("inf"), -1e300]), ["0.5", "", "", "-1e+300"]),
    ("boolean", pa.array([True, False]), ["true", "false"]),
    ("decimal", pa.array([Decimal("12345678901234567890.120")]), ["12345678901234567890.120"]),
    ("utc", pa.array([NOON], pa.timestamp("ms", "UTC")), ['"2024-01-02T12:00:00.005Z"']),
    ("zone", pa.array([NOON], pa.timestamp("us", "Asia/Tokyo")), ['"2024-01-02T12:00:00.005000Z"']),
    ("zone-less", pa.array([NOON.replace(tzinfo=None)], pa.timestamp("us")), ['"2024-01-02T12:00:00.005000"']),
    ("date", pa.array([dt.date(2024, 2, 29)]), ['"2024-02-29"']),
    ("time", pa.array([dt.time(1, 2, 3)], pa.time32("s")), ['"01:02:03.000"']),
    ("binary", pa.array([b"\xff\0", b""]), ['"/wA="', '""']),
    ("uuid", pa.array([uuid.UUID(int=1).bytes], pa.uuid()), ['"00000000-0000-0000-0000-000000000001"']),
    ("list", pa.array([[1, None], [], None, [2]]), ["[1,null]", "[]", "", "[2]"]),
    ("lists of lists", pa.array([[["a"], None], [[]]]), ['[["a"],null]', "[[]]"]),
    ("object", pa.array([{"a": 1, "b": None}, None, {"a": None, "b": "c"}]), ['{"a":1}', "", '{"b":"c"}']),
    ("objects in a list", pa.array([[{"a": 1}, {"a": None}], None]), ['[{"a":1},{}]', ""]),
    ("map", pa.array([[("k", 1), ("n", None)], [], None], pa.map_(pa.string(), pa.int32())),
     ['{"k":1,"n":null}', "{}", ""]),
    ("map of numbers", pa.array([[(7, "v")]], pa.map_(pa.int32(), pa.string())), ['{"7":"v"}']),
    ("dictionary", pa.array(["a", None, "a"]).dictionary_encode(), ['"a"', "", '"a"']),
    ("nothing", pa.nulls(2), ["", ""]),
]  # fmt: skip


@pytest.mark.parametrize(("column", "expected"), [v[1:] for v in VALUES], ids=[v[0] for v in VALUES])
def test_values_of_every_type_become_json(column: pa.Array, expected: list[str]) -> None:
    """A null is left out; a row of nulls is an empty object; all of it is JSON."""
    got = texts(runs(written(column)))
    assert got == ["{" + (f'"x":{value}' if value else "") + "}" for value in expected]
    for text in got:
        orjson.loads(text)


def test_a_row_whose_text_is_not_utf8_is_a_reject() -> None:
    """The others are read; the reject keeps the bytes."""
    column = pa.array([b"good", b"\xff\xfe", b'also "good"']).cast(pa.binary()).view(pa.utf8())
    [run] = runs(written(column))
    assert run.raw.to_pylist() == ['{"x":"good"}', '{"x":"also \\"good\\""}']
    assert [(r.position, r.raw) for r in run.rejects] == [(1, b'{"x":"\xff\xfe"}')]


def rows(count: int) -> pa.Table:
    """Rows that differ and are now and then wide."""
    return pa.table({"n": range(count), "t": [f"row {i}" * (i % 7) for i in range(count)]})


def test_every_cut_gives_the_rest() -> None:
    """In the middle of a row group too, and a batch is never larger than asked."""
    data = written(rows(3000), row_group_size=700)
    whole = runs(data, chunk_bytes=2000)
    assert [orjson.loads(t)["n"] for t in texts(whole)] == list(range(3000))
    assert [run.position[0].as_py() for run in whole[1:]] == [run.end for run in whole[:-1]]
    assert max(run.raw.nbytes for run in whole) < 8000
    for cut in [0, 1, 699, 700, 701, 2999, 3000, *[run.end for run in whole[::30]]]:
        tail = runs(data, cut, chunk_bytes=2000)
        assert texts(tail) == texts(whole)[cut:]
        assert [p for run in tail for p in run.position.to_pylist()] == list(range(cut, 3000))


@pytest.mark.parametrize("cut", [4, 100, -1, -5000])
def test_a_file_that_is_cut_off_is_one_reject(cut: int) -> None:
    """Without its table of contents nothing of it can be read."""
    [run] = runs(written(rows(3000))[:cut])
    assert (len(run), run.end, run.rejects[0].position) == (0, 1, 0)
    assert run.rejects[0].reason.startswith("the Parquet file cannot be read: ")
    assert runs(written(rows(3000))[:cut], resume_at=1) == []


def test_a_damaged_row_group_is_one_reject_and_the_others_are_read() -> None:
    """And every cut of the reading gives the rest, the reject once."""
    data = bytearray(written(rows(3000), row_group_size=1000, compression="zstd", write_page_checksum=True))
    group = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(1)
    start = group.column(1).dictionary_page_offset
    data[start + 60 : start + 2060] = b"\xaa" * 2000
    whole = runs(bytes(data))
    rejects = [r for run in whole for r in run.rejects]
    assert [(r.position, r.reason.split(":")[0]) for r in rejects] == [
        (1000, "rows 1000 to 1999 of the Parquet file cannot be read")
    ]
    assert [orjson.loads(t)["n"] for t in texts(whole)] == [*range(1000), *range(2000, 3000)]
    assert [r.position for run in runs(bytes(data), 1000) for r in run.rejects] == [1000]
    assert texts(runs(bytes(data), 2000)) == texts(whole)[1000:]


class Pipe(io.BytesIO):
    """A stream that cannot seek, and breaks at its end where told to."""

    def __init__(self, data: bytes, *, breaks: bool = False) -> None:
        """Hold the bytes."""
        super().__init__(data)
        self.breaks = breaks

    def seekable(self) -> bool:
        """Say no."""
        return False

    def read(self, size: int | None = -1) -> bytes:
        """Return bytes; at the end break, or return nothing."""
        data = super().read(size)
        if not data and self.breaks:
            raise BrokenStream("the gzip stream ends in the middle")
        return data


def test_a_stream_that_cannot_seek_is_read_too() -> None:
    """It is spooled; one that breaks is a reject."""
    data = written(rows(50))
    assert len(texts(list(FORMAT.read(Pipe(data), {})))) == 50
    [run] = FORMAT.read(Pipe(data, breaks=True), {})
    assert [r.reason for r in run.rejects] == ["the Parquet file is cut off: the gzip stream ends in the middle"]


class Failing(io.BytesIO):
    """A far end that fails when the middle of the file is read."""

    def read(self, size: int | None = -1) -> bytes:
        """Fail in the middle."""
        if 100 < self.tell() < 2000:
            raise ConnectionResetError("reset by peer")
        return super().read(size)


def test_a_far_end_that_fails_is_no_damage() -> None:
    """The failure is raised, so that the file is read again."""
    stream: BinaryIO = Failing(written(rows(3000), row_group_size=100))
    with pytest.raises(ConnectionResetError):
        list(FORMAT.read(stream, {}))


def test_a_message_is_a_file_and_json_is_read_as_json() -> None:
    """`sub` numbers the rows of a message; a producer of the same rows may write them as JSON lines."""
    run = FORMAT.parse(pa.array([written(rows(2)), b'{"n":7}'], pa.large_binary()), {})
    assert [orjson.loads(t)["n"] for t in run.raw.to_pylist()] == [0, 1, 7]
    assert (run.position.to_pylist(), run.sub.to_pylist()) == ([0, 0, 1], [0, 1, 0])
    assert FORMAT.sniff(written(rows(1))[:64], "", {})
    assert FORMAT.sniff(b'{"n":7}', "", {})
    assert not FORMAT.sniff(b"2 1234 eni-1", "", {})


class Forward(io.BytesIO):
    """A stream that can be rewound but has no end to go to, as an unpacked one."""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Refuse to go to the end."""
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the end is not known")
        return super().seek(offset, whence)


def test_a_stream_without_a_known_end_is_spooled() -> None:
    """And read from there."""
    assert len(texts(list(FORMAT.read(Forward(written(rows(50))), {})))) == 50


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_other_decoder_bears_the_bytes_of_a_file(name: str) -> None:
    """A folder of mixed files is looked at by all of them, and none may raise."""
    data = written(pa.table({"x": [f"a b {n} \xff" * 9 for n in range(4000)]}))
    for settings in ({}, {"columns": [["a", "b"], ["a", "b", "c"]], "null": "-", "quote": ""}):
        FORMATS[name].sniff(data[:65536], "x.gz.parquet", settings)
        for run in FORMATS[name].read(io.BytesIO(data), settings):
            assert len(run) + len(run.rejects) >= 0
