"""Lines of text are cut into what the first pattern finds in them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import orjson
import pyarrow as pa

from ocsf_pipe.decode import FORMATS, Limits
from ocsf_pipe.source import Records

SETTINGS = {"patterns": [r"(?P<level>[A-Z]+) (?:(?P<id>\d+): )?(?P<said>.*)", r"\[(?P<time>[^]]+)\]"]}
FORMAT = FORMATS["lines"]


def told(runs: list[Records]) -> list[dict[str, Any]]:
    """The records as objects."""
    return [orjson.loads(one) for run in runs if run.json is not None for one in run.json.to_pylist()]


def test_a_record_is_what_the_first_pattern_finds() -> None:
    """Groups that take no part are left out; a line that no pattern fits is kept as it is; blank lines are none."""
    data = b"INFO 7: up\nWARN odd: one\r\n\n[noon] x\n  at line 3\n"
    runs = list(FORMAT.read(BytesIO(data), SETTINGS))
    assert told(runs) == [
        {"level": "INFO", "id": "7", "said": "up"},
        {"level": "WARN", "said": "odd: one"},
        {"time": "noon"},
        {"text": "  at line 3"},
    ]
    assert [raw for run in runs for raw in run.raw.to_pylist()] == [
        "INFO 7: up",
        "WARN odd: one",
        "[noon] x",
        "  at line 3",
    ]


def test_reading_again_from_an_offset_gives_the_rest() -> None:
    """Wherever a run ends, what follows is read from there and nothing else."""
    data = b"".join(b"INFO %d: line\n" % number for number in range(50))
    whole = list(FORMAT.read(BytesIO(data), SETTINGS, limits=Limits(chunk_bytes=64)))
    assert len(whole) > 2
    rest = list(FORMAT.read(BytesIO(data), SETTINGS, resume_at=whole[0].end, limits=Limits(chunk_bytes=64)))
    assert told(whole[:1]) + told(rest) == told(whole)


def test_a_file_is_known_by_lines_that_fit() -> None:
    """One of the first lines has to fit; without patterns none does."""
    assert FORMAT.sniff(b"starting\n[noon] x\n", "x.log", SETTINGS)
    assert not FORMAT.sniff(b"starting\n", "x.log", SETTINGS)
    assert not FORMAT.sniff(b"INFO up\n", "x.log", {})


def test_a_message_is_read_as_lines() -> None:
    """Lines of a message have its index as position and count up in it."""
    found = FORMAT.parse(pa.array([b"INFO a\nINFO b", b"INFO c"], pa.large_binary()), SETTINGS)
    assert found.position.to_pylist() == [0, 0, 1]
    assert found.sub.to_pylist() == [0, 1, 0]
    assert [one["said"] for one in told([found])] == ["a", "b", "c"]
