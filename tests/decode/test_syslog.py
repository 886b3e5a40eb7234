"""Syslog in all the forms that daemons, appliances and libraries send it in."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsf_pipe.decode import FORMATS, Limits, syslog_text
from ocsf_pipe.source import Records

SYSLOG = FORMATS["syslog"]
AUTH = {"facility": "auth", "facility_code": 4, "severity": "crit", "severity_code": 2}
LOCAL7 = {"facility": "local7", "facility_code": 23, "severity": "notice", "severity_code": 5}


def told(run: Records) -> list[dict[str, Any]]:
    """The records of a run."""
    assert run.json is not None
    return [orjson.loads(text) for text in run.json.to_pylist()]


def read(data: bytes, **limits: int) -> list[Records]:
    """The runs of a stream."""
    return list(SYSLOG.read(BytesIO(data), {}, limits=Limits(**limits)))


@pytest.mark.parametrize(
    ("line", "record"),
    [
        (
            "<34>1 2003-10-11T22:14:15.003Z host.example.com su 77 ID47 - \ufeff'su root' failed",
            AUTH
            | {"version": 1, "timestamp": "2003-10-11T22:14:15.003Z", "hostname": "host.example.com", "appname": "su"}
            | {"procid": "77", "msgid": "ID47", "message": "'su root' failed"},
        ),
        ("<34>1 - - - - - -", AUTH | {"version": 1, "message": ""}),
        (
            r'<34>1 - h a - - [one@1 a="x\"y\\z\]" b="p ]q"][two c="1" c="2" c="3"] hello',
            AUTH
            | {"version": 1, "hostname": "h", "appname": "a", "message": "hello"}
            | {"structured_data": {"one@1": {"a": 'x"y\\z]', "b": "p ]q"}, "two": {"c": ["1", "2", "3"]}}},
        ),
        (
            "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
            AUTH
            | {"timestamp": "--10-11T22:14:15", "hostname": "mymachine", "appname": "su"}
            | {"message": "'su root' failed"},
        ),
        (
            "Oct  1 02:14:15 10.0.0.9 sshd[42]: hello: you",
            {"timestamp": "--10-01T02:14:15", "hostname": "10.0.0.9", "appname": "sshd", "procid": "42"}
            | {"message": "hello: you"},
        ),
        (
            "2018-08-14 14:30:02,203151+02:00 linux systemd[1]: up",
            {"timestamp": "2018-08-14T14:30:02.203151+02:00", "hostname": "linux", "appname": "systemd"}
            | {"procid": "1", "message": "up"},
        ),
    ],
)
def test_what_the_standards_say(line: str, record: dict[str, Any]) -> None:
    """Every part under its name; `-` of RFC 5424 is nothing; escapes are undone; equal names make a list."""
    assert syslog_text.record(line) == record


@pytest.mark.parametrize(
    ("line", "hostname", "appname", "message"),
    [
        ("Feb 12 14:10:21 sshd[123]: no host", None, "sshd", "no host"),
        ("Feb 12 14:10:21 2001:db8::1 sshd[123]: ipv6", "2001:db8::1", "sshd", "ipv6"),
        ("Feb 12 14:10:21 h su(pam_unix)[1]: x", "h", "su(pam_unix)", "x"),
        ("Feb 12 14:10:21 h Google Chrome Helper[9]: x", "h", "Google Chrome Helper", "x"),
        ("Feb 12 14:10:21 h launchd[1] (com.apple.x[2]): x", "h", "launchd", "x"),
        ("Feb 12 14:10:21 <auth.info> h sshd[1]: x", "h", "sshd", "x"),
        ("Feb 12 14:10:21 Message forwarded from aix: sshd[1]: x", "aix", "sshd", "x"),
        ("Feb 12 14:10:21 last message repeated 3 times", None, None, "last message repeated 3 times"),
        ("Feb 12 14:10:21 h -- MARK --", "h", None, "-- MARK --"),
        ("Feb 12 14:10:21 h CEF:0|v|p|1|2|n|3|a=b", "h", None, "CEF:0|v|p|1|2|n|3|a=b"),
        ("<189>45: *Mar  1 18:46:11.234 UTC: %SYS-5-CONFIG_I: x", None, "%SYS-5-CONFIG_I", "x"),
        ("<189>45: rtr1: 000123: *Mar  1 18:46:11: %SYS-5-CONFIG_I: x", "rtr1", "%SYS-5-CONFIG_I", "x"),
        ("<189>Jan 01 2022 10:00:00 fw1 : %ASA-6-302013: x", "fw1", "%ASA-6-302013", "x"),
        ("<189>Jan 01 2022 10:00:00 fw1: %ASA-6-302013: x", "fw1", "%ASA-6-302013", "x"),
        ("<189>Jan 01 2022 10:00:00: %ASA-6-302013: x", None, "%ASA-6-302013", "x"),
        ("<134>1 1426030000.123 MX84 flows src=1", "MX84", None, "flows src=1"),
        ("<14>app: hello", None, "app", "hello"),
        ("<14>hello world", None, None, "hello world"),
        ("app: hello", None, None, "app: hello"),
        ("app[7]: hello", None, "app", "hello"),
        ("<192>1 - - - - - -", None, None, "<192>1 - - - - - -"),
        ("<13>1 2021-01-01T00:00:00Z h app 1 - [a b=c] x", "h", None, "app 1 - [a b=c] x"),
        ("", None, None, ""),
    ],
)
def test_who_sent_it_in_spite_of_deviations(line: str, hostname: str | None, appname: str | None, message: str) -> None:
    """Hosts and programs are told from one another, and are left out where there is none."""
    record = syslog_text.record(line)
    assert (record.get("hostname"), record.get("appname"), record["message"]) == (hostname, appname, message)


@pytest.mark.parametrize(
    ("stamp", "timestamp"),
    [
        ("Nov 2 5:40:14", "--11-02T05:40:14"),
        ("Nov  2 2021 15:40:14", "2021-11-02T15:40:14"),
        ("2021 Nov 02 15:40:14.5", "2021-11-02T15:40:14.5"),
        ("Nov 02 15:40:14 2021", "2021-11-02T15:40:14"),
        ("Nov 02 15:40:14.123456 +02:00", "--11-02T15:40:14.123456+02:00"),
        ("2021-11-02T15:40:14", "2021-11-02T15:40:14"),
        ("1426030000.123", "2015-03-10T23:26:40.123Z"),
    ],
)
def test_times_of_all_spellings_become_iso(stamp: str, timestamp: str) -> None:
    """With its year where there is one; a zone that is only a name is known for UTC and GMT."""
    assert syslog_text.record(f"<34>{stamp} host app: x")["timestamp"] == timestamp
    assert syslog_text.record(f"<34>{stamp} host app: x")["appname"] == "app"


def test_zone_names_other_than_utc_are_not_guessed() -> None:
    """`IST` is three zones."""
    assert syslog_text.record("<189>1: Mar  1 18:46:11 UTC: %A-5-B: x")["timestamp"] == "--03-01T18:46:11Z"
    assert syslog_text.record("<189>1: Mar  1 18:46:11 IST: %A-5-B: x")["timestamp"] == "--03-01T18:46:11"


def test_quick_way_and_long_way_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one expression that reads most lines reads them as the others would."""
    lines = [
        "<34>Oct 11 22:14:15 host app: x", "Oct  1 02:14:15 ho-st.x a/b(c)[12]: x: y", "Oct 11 22:14:15 app[1]: a b: c",
        "2018-08-14T14:30:02.2+0200 h systemd[1]: x", "<34>2018-08-14T14:30:02Z h k: ", "Oct 11 22:14:15 h k: l\nm",
    ]  # fmt: skip
    quick = [syslog_text.record(line) for line in lines]
    monkeypatch.setattr(syslog_text, "_PLAIN", re.compile("(?!)"))
    assert [syslog_text.record(line) for line in lines] == quick


@given(st.text(max_size=80), st.sampled_from(["", "<34>", "<34>1 ", "Oct 11 22:14:15 ", "<34>1 - h a - - [x@1 "]))
def test_no_text_is_too_odd(text: str, before: str) -> None:
    """Whatever comes, there is a record, it is JSON, and nothing but a PRI or what was understood left the message."""
    record = syslog_text.record(before + text)
    assert isinstance(orjson.loads(orjson.dumps(record))["message"], str)


def test_lines_of_a_file_are_records_at_their_place() -> None:
    """`raw` is the line; blank lines are none; a resumed reading begins at the line."""
    data = b"\xef\xbb\xbfOct 11 22:14:15 h a: 1\r\n\nOct 11 22:14:16 h a: 2\n"
    [run] = read(data)
    assert run.raw.to_pylist() == ["Oct 11 22:14:15 h a: 1", "Oct 11 22:14:16 h a: 2"]
    [tail] = list(SYSLOG.read(BytesIO(data), {}, resume_at=run.position[1].as_py()))
    assert [record["message"] for record in told(tail)] == ["2"]


def test_bytes_that_are_no_utf8_are_rejects() -> None:
    """With the line as it came."""
    [run] = read(b"Oct 11 22:14:15 h a: 1\nOct 11 22:14:15 h a: caf\xe9\n")
    assert [reject.raw for reject in run.rejects] == [b"Oct 11 22:14:15 h a: caf\xe9"]
    assert len(run) == 1


FRAMES = [b"<34>Oct 11 22:14:15 h a: one", b"<34>1 - h a - - - two\nlines", b"<34>x", b"<34>" + b"y" * 90]


@pytest.mark.parametrize("chunk_bytes", [1, 7, 50, 1 << 20])
def test_counted_frames_of_a_file(chunk_bytes: int) -> None:
    """RFC 6587's counts rule, over line ends and over chunks; what has no count between them is a line."""
    data = b"".join(b"%d %s" % (len(frame), frame) for frame in FRAMES) + b"<34>plain\n5 <34>z"
    runs = read(data, chunk_bytes=chunk_bytes)
    found = [raw for run in runs for raw in run.raw.to_pylist()]
    assert found == [*(frame.decode() for frame in FRAMES), "<34>plain", "<34>z"]
    places = [place for run in runs for place in run.position.to_pylist()]
    for place, raw in zip(places, found, strict=True):
        tail = SYSLOG.read(BytesIO(data), {}, resume_at=place)
        assert next(text for run in tail for text in run.raw.to_pylist()) == raw
    assert runs[-1].end == len(data)


def test_frame_that_ends_early_is_what_there_is_of_it() -> None:
    """A count beyond the end, and one beyond all sense, lose nothing."""
    assert [r for run in read(b"9 <34>x") for r in run.raw.to_pylist()] == ["<34>x"]
    assert [r for run in read(b"5 <34>x999999999 <34>y\n") for r in run.raw.to_pylist()] == ["<34>x", "999999999 <34>y"]


def test_heading_of_a_listener_is_told_but_not_raw() -> None:
    """What only the listener knows stands before the record's own parts; a heading that is none is message."""
    messages = [
        b'\x01{"peer":"192.0.2.7","received":17}\x02<34>Oct 11 22:14:15 h a: x\n\0', b"<34>plain", b"\x01oops\x02<34>x",
        b'\x01{"peer":"192.0.2.7"}\x02<34>caf\xe9',
    ]  # fmt: skip
    run = SYSLOG.parse(pa.array(messages, pa.large_binary()), {})
    first, second, third = told(run)
    assert run.raw.to_pylist() == ["<34>Oct 11 22:14:15 h a: x", "<34>plain", "\x01oops\x02<34>x"]
    assert (first["peer"], first["received"], first["appname"], first["message"]) == ("192.0.2.7", 17, "a", "x")
    assert ("peer" in second, third["message"]) == (False, "\x01oops\x02<34>x")
    assert [(reject.position, reject.raw) for reject in run.rejects] == [(3, b"<34>caf\xe9")]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"<34>anything", True),
        (b"16 <34>1 - - - - - -", True),
        (b"Oct 11 22:14:15 h app[1]: x\n", True),
        (b"2018-08-14T14:30:02Z h app: x\n", True),
        (b"\n   continued\nOct 11 22:14:15 h app[1]: x\n", True),
        (b'{"message": "<34>x"}', False),
        (b"2018-08-14T14:30:02Z,a,b\n", False),
        (b"2018-08-14 14:30:02 GET /x\n", False),
        (b"2 1234 eni-1 10.0.0.1 10.0.0.2 80 443 6 1 40 1 2 ACCEPT OK\n", False),
        (b"", False),
    ],
)
def test_what_looks_like_syslog(head: bytes, *, expected: bool) -> None:
    """A PRI, or a time and who says it; a time alone begins many a log."""
    assert SYSLOG.sniff(head, "x.log", {}) is expected
