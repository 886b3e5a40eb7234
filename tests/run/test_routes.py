"""How the bytes of a source become records for its mappings."""

from __future__ import annotations

import json

import pyarrow as pa

from ocsf_pipe.run.routes import Routes

FLOW = (
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"
)


def test_text_inside_a_hec_entry_is_read_for_what_it_is() -> None:
    """Records and lines of other formats share a request; each keeps its place."""
    body = "".join(json.dumps({"event": event, "host": "a"}) for event in ({"door": "north"}, FLOW, {"door": "south"}))
    messages = pa.array([b'{"event": {"door": "first"}}', body.encode()], pa.large_binary())
    runs = Routes().parse(messages, pa.array([70, 90]), 200, "hec")
    entries, flows = runs
    assert entries.json is not None
    assert [json.loads(text)["door"] for text in entries.json.to_pylist()] == ["first", "north", "south"]
    assert list(zip(entries.position.to_pylist(), entries.sub.to_pylist(), strict=True)) == [(70, 0), (90, 0), (90, 2)]
    assert flows.raw.to_pylist() == [FLOW]
    assert (flows.position.to_pylist(), flows.sub.to_pylist()) == ([90], [1])
    assert flows.format.startswith("delimited ")
    assert {run.end for run in runs} == {200}


def test_one_mapping_says_how_everything_is_read() -> None:
    """Its format is taken, without a look at the bytes."""
    messages = pa.array([FLOW.encode(), b"{not this}"], pa.large_binary())
    [run] = Routes(("aws.vpc_flow",)).parse(messages, pa.array([1, 2]), 3)
    assert run.raw.to_pylist()[0] == FLOW
    assert len(run) + len(run.rejects) == 2
