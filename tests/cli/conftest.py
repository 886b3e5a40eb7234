"""What the tests of the command line share: the program, a small mapping folder, a small lake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.program import Program

MAPPING = """\
mapping: acme.portal
title: Acme Portal
ocsf: 1.8.0
product: {vendor_name: Acme, name: Portal}

input:
  format: json
  recognise: portal is not null
  fields:
    factors: "list({kind: text})"

every:
  time: at
  severity_id: 'Informational'

drop:
  - {when: "kind = 'heartbeat'", why: a heartbeat}

events:
  - name: sign_in
    class: authentication
    when: kind = 'login'
    activity_id: 'Logon'
    user.name: who.login
    service.name: portal
    src_endpoint: {ip: ip, port: port}
    status_id: {case: ok, of: {true: Success, false: Failure}}
    auth_factors: {each: factors, as: f, set: {factor_type_id: {case: f.kind, of: {otp: OTP}, else: Other}}}
  - name: other
    class: base_event
    activity_id: 'Other'
    message: text
"""

RECORDS = [
    {"at": "2026-02-10T09:00:00Z", "portal": "eu", "kind": "login", "who": {"login": "ana"}, "ip": "192.0.2.7",
     "port": 443, "ok": True, "factors": [{"kind": "otp"}], "session": "s-1"},
    {"at": "2026-02-10T09:00:05Z", "portal": "eu", "kind": "login", "who": {"login": "bo"}, "ip": "nowhere",
     "port": 70000, "ok": False},
    {"at": "2026-02-10T09:00:09Z", "portal": "eu", "kind": "note", "text": "hello"},
    {"portal": "eu", "kind": "note", "text": "when?"},
    {"at": "2026-02-10T09:00:10Z", "portal": "eu", "kind": "heartbeat"},
]  # fmt: skip


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    """The program."""
    return Program(capsys)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mapping of its own with one sample and no golden yet."""
    place = tmp_path / "mappings" / "acme" / "portal"
    (place / "samples").mkdir(parents=True)
    (place / "mapping.yaml").write_text(MAPPING)
    (place / "samples" / "day.input.ndjson").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    return place


@pytest.fixture
def lake(folder: Path, tmp_path: Path) -> Path:
    """A lake that holds the sample's events."""
    from ocsf_pipe.lake import Lake
    from ocsf_pipe.run import Ingest

    place = tmp_path / "lake"
    Ingest(Lake(place, create=True), str(folder)).run([folder / "samples" / "day.input.ndjson"])
    return place
