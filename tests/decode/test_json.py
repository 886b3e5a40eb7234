"""JSON framing: which pieces of a stream are records, and where they stand."""

from __future__ import annotations

from io import BytesIO

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsf_pipe.decode import DEFAULT_LIMITS, FORMATS, Limits
from ocsf_pipe.source import Records

JSON = FORMATS["json"]


def whole(data: bytes, resume_at: int = 0, limits: Limits = DEFAULT_LIMITS) -> list[Records]:
    """Read everything."""
    return list(JSON.read(BytesIO(data), {}, resume_at=resume_at, limits=limits))


def texts(runs: list[Records]) -> list[str]:
    """The raw text of all records."""
    return [text for run in runs for text in run.raw.to_pylist()]


def rejects(runs: list[Records]) -> list[tuple[int, bytes, str]]:
    """Place, bytes and reason of all rejects."""
    return [(r.position, r.raw, r.reason) for run in runs for r in run.rejects]


def test_lines_are_records_and_blank_ones_are_not() -> None:
    """CR LF, a byte order mark, blank lines and a missing last line feed leave the records and positions right."""
    runs = whole(b'\xef\xbb\xbf{"a":1}\r\n\n  \n{broken\n{"c":2}')
    assert texts(runs) == ['{"a":1}', "{broken", '{"c":2}']
    assert [p for run in runs for p in run.position.to_pylist()] == [3, 16, 24]


def test_a_line_that_is_not_utf8_is_a_reject() -> None:
    """It keeps its bytes and place, and its neighbours arrive."""
    runs = whole(b'{"a":"\xc3\xa9"}\n{"b":"\xff"}\n{"c":3}\n')
    assert texts(runs) == ['{"a":"é"}', '{"c":3}']
    [(position, raw, reason)] = rejects(runs)
    assert (position, raw) == (11, b'{"b":"\xff"}')
    assert "not UTF-8 at byte 6" in reason


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{\n "a": "\\\\",\n "b": {}\n}\n{\n"c":"\\"}"}\n', ['{\n "a": "\\\\",\n "b": {}\n}', '{\n"c":"\\"}"}']),
        (b'[{"a":1},\n {"b":[1,"],{"]}, 3, "x,y", ]\n', ['{"a":1}', '{"b":[1,"],{"]}', "3", '"x,y"']),
        (b'{"a":1}{"b":2}\r{"c":3}', ['{"a":1}', '{"b":2}', '{"c":3}']),
        (b'{\n "a": [\n  {"b":1}\n ]\n}\n', ['{\n "a": [\n  {"b":1}\n ]\n}']),
    ],
)
def test_values_of_any_layout_are_cut_where_they_end(data: bytes, expected: list[str], chunk: int) -> None:
    """Pretty-printed, in one array, one behind the other: the exact text of each value, wherever chunks are cut."""
    assert texts(whole(data, limits=Limits(chunk_bytes=chunk))) == expected


def test_an_overlong_line_is_kept_to_a_limit_and_its_neighbours_arrive() -> None:
    """Up to `keep` all bytes are kept; beyond it the reason holds length and hash."""
    long = b'{"b":' + b"2" * 70 + b"}"
    runs = whole(b'{"a":1}\n' + long + b'\n{"c":3}\n', limits=Limits(8, 16, 1000))
    assert texts(runs) == ['{"a":1}', '{"c":3}']
    assert rejects(runs) == [(8, long, "a record of 76 bytes is longer than the limit of 16 bytes")]
    [(_, _, reason)] = rejects(whole(b'{"a":1}\n' + long, limits=Limits(8, 16, 32)))
    assert "sha256" in reason


def test_nesting_and_nul_do_not_disturb_the_framing() -> None:
    """A record 10,000 deep, NUL bytes and a lone CR are text like any other."""
    deep = b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    assert texts(whole(deep + b'\n{"a":"\0"}\n{"a":\r1}\n')) == [deep.decode(), '{"a":"\0"}', '{"a":\r1}']


VALUES = st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=9) | st.lists(st.text(max_size=3)), max_size=3))


@settings(max_examples=30)
@given(VALUES, st.integers(8, 80), st.data())
def test_a_resumed_reading_is_the_rest_of_the_whole(values: list[object], chunk: int, data: st.DataObject) -> None:
    """For every run, head and tail together are the whole; as lines and as one array."""
    for text in (b"\n".join(map(orjson.dumps, values)), orjson.dumps(values, option=orjson.OPT_INDENT_2)):
        runs = whole(text, limits=Limits(chunk_bytes=chunk))
        cut = data.draw(st.integers(0, len(runs)))
        end = runs[cut - 1].end if cut else 0
        assert texts(runs[:cut]) + texts(whole(text, end, Limits(chunk_bytes=chunk))) == texts(runs)
        assert [orjson.loads(t) for t in texts(runs)] == values


def test_a_message_is_one_record_or_the_elements_of_its_array() -> None:
    """The position is the index of the message, `sub` the ordinal in it."""
    run = JSON.parse(pa.array([b'{"a":1}', b'[{"b":1},{"b":2}]'], pa.large_binary()), {})
    assert run.raw.to_pylist() == ['{"a":1}', '{"b":1}', '{"b":2}']
    assert list(zip(run.position.to_pylist(), run.sub.to_pylist(), strict=True)) == [(0, 0), (1, 0), (1, 1)]


def test_one_odd_message_does_not_change_the_others() -> None:
    """Messages that hold several values, none, or broken bytes stand among whole ones, in order."""
    messages = [b'{"a":1}', b'[{"b":1},{"c":2}]', b"\xff{", b'{\n"d":1}', b'{"e":9}', b""]
    found = FORMATS["json"].parse(pa.array(messages, pa.large_binary()), {})
    assert list(zip(found.raw.to_pylist(), found.position.to_pylist(), found.sub.to_pylist(), strict=True)) == [
        ('{"a":1}', 0, 0), ('{"b":1}', 1, 0), ('{"c":2}', 1, 1), ('{\n"d":1}', 3, 0), ('{"e":9}', 4, 0)
    ]  # fmt: skip
    assert [(reject.position, reject.raw) for reject in found.rejects] == [(2, b"\xff{")]
