"""HEC entries become the events in them, and keep what stands around the event."""

from __future__ import annotations

from io import BytesIO

import orjson
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ocsf_pipe.decode import FORMATS
from ocsf_pipe.decode.hec import parts
from ocsf_pipe.source import Records

HEC = FORMATS["hec"]


def parsed(*bodies: bytes) -> Records:
    """The records of request bodies."""
    return HEC.parse(pa.array(bodies, pa.large_binary()), {})


def places(run: Records) -> list[tuple[int, int]]:
    """Where the records are."""
    return list(zip(run.position.to_pylist(), run.sub.to_pylist(), strict=True))


def test_back_to_back_entries_are_one_record_each() -> None:
    """With or without white space between them, or in an array; `json` is the event exactly as written."""
    one, two = b'{"event":{"a": 1.10},"time":1}', b'{"host":"h", "event" : {"b":12345678901234567890123}}'
    for body in (one + two, one + b"\n\n" + two + b"\n", b" " + one + b"  " + two, b"[" + one + b",\n" + two + b"]"):
        run = parsed(b'{"event":{"first":true}}', body)
        assert run.json is not None
        assert run.json.to_pylist() == ['{"first":true}', '{"a": 1.10}', '{"b":12345678901234567890123}']
        assert run.raw.to_pylist()[1:] == [one.decode(), two.decode()]
        assert places(run) == [(0, 0), (1, 0), (1, 1)]
        assert run.end == 2
        assert not run.rejects


def test_a_text_that_holds_an_object_is_that_object() -> None:
    """As shippers do that know lines only; other text, numbers and lists leave the entry as the record."""
    body = rb'{"event":" {\"a\":\"\u00e9\"}","source":"s"}{"event":"a b","sourcetype":"t"}{"event":7}{"event":[1]}'
    run = parsed(body)
    assert run.json is not None
    assert [orjson.loads(text) for text in run.json.to_pylist()] == [
        {"a": "é"},
        {"event": "a b", "sourcetype": "t"},
        {"event": 7},
        {"event": [1]},
    ]
    assert orjson.loads(run.raw[0].as_py())["source"] == "s"


def test_texts_can_be_had_apart() -> None:
    """`parts` gives the text itself as `raw`; places are those that the records have together."""
    body = rb'{"event":{"a":1}}{"event":"<34>Oct 11 host su: x"}{"event":{"b":2}}{"event":"\ud800"}'
    objects, texts = parts(pa.array([body], pa.large_binary()))
    assert texts.raw.to_pylist() == ["<34>Oct 11 host su: x"]
    assert texts.json is None
    assert places(texts) == [(0, 1)]
    assert places(objects) == [(0, 0), (0, 2), (0, 3)]


def test_what_is_no_entry_is_a_reject() -> None:
    """The entries beside it are read; blank and missing events are none."""
    run = parsed(b'{"event":{"a":1}}\n{"no":1}\n{"event":""}\n{"event":nul}\n{"event":{"b":2}}', b"\xff{}", b"")
    assert run.json is not None
    assert run.json.to_pylist() == ['{"a":1}', '{"b":2}']
    assert len(run.rejects) >= 4
    seen = places(run) + [(reject.position, reject.sub) for reject in run.rejects]
    assert len(set(seen)) == len(seen)


def test_deep_nesting_is_a_reject() -> None:
    """A hundred thousand brackets do not end the process."""
    run = parsed(b'{"event":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    assert (len(run), len(run.rejects)) == (0, 1)


def test_a_stream_of_entries_can_be_resumed() -> None:
    """Positions are byte offsets, as in JSON."""
    body = b'{"event":{"a":1}}\n{"event":{"b":2}}\n'
    [run] = HEC.read(BytesIO(body), {})
    assert run.position.to_pylist() == [0, 18]
    [rest] = HEC.read(BytesIO(body), {}, resume_at=18)
    assert rest.raw.to_pylist() == run.raw.to_pylist()[1:]


def test_it_is_recognised_by_the_names_beside_the_event() -> None:
    """An event alone, or among other names, may be anything."""
    assert HEC.sniff(b'{"time":1,"event":{"a":1}}\n', "", {})
    assert not HEC.sniff(b'{"event":{"a":1}}', "", {})
    assert not HEC.sniff(b'{"event":{"a":1},"time":1,"user":"x"}', "", {})
    assert not HEC.sniff(b"[" * 60_000, "", {})


@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([b'{"event":{"a":1}}', b'{"event":', b"[", b"]", b"{", b'"']),
        max_size=6,
    )
)
def test_no_body_is_too_strange(pieces: list[bytes]) -> None:
    """Whatever comes, there are records and rejects, each with a place of its own."""
    run = parsed(b"".join(pieces))
    seen = places(run) + [(reject.position, reject.sub) for reject in run.rejects]
    assert len(set(seen)) == len(seen)
