"""A field is what the record has under its name, also where its attribute may hold another field's value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ocsf_pipe.detect.backtest import Backtest
from ocsf_pipe.mapping.catalogue import catalogue
from tests.detect.events import Event, lake, logged, rule_text, written
from tests.detect.test_against_oracle import same

TASKS = ("Microsoft-Windows-TaskScheduler/Operational", "Microsoft-Windows-TaskScheduler")


def _deleted(record: int, **data: str | None) -> Event:
    """A task that was deleted; the user of its event is the system, whoever deleted it."""
    event = logged(*TASKS, 141, {"TaskName": "\\Microsoft\\Windows\\BitLocker\\x", **data}, record=record)
    event["Event"]["System"]["Security"] = {"#attributes": {"UserID": "S-1-5-18"}}
    return event


DELETED = [
    _deleted(1, UserName="NT AUTHORITY\\System"),
    _deleted(2, UserName="CORP\\ann"),
    _deleted(3, UserName="S-1-5-21-1-2-3-1104"),
    _deleted(4, UserName=""),
    _deleted(5),
]


@pytest.mark.parametrize(
    "detection",
    [
        "s: {EventID: 141}\nf: {UserName|contains: [AUTHORI, AUTORI]}\ncondition: s and not f",
        "s: {UserName: 'corp\\ann'}\ncondition: s",
        "s: {UserName: S-1-5-18}\ncondition: s",
        "s: {UserName|startswith: S-1-5-21-}\ncondition: s",
        "s: {UserName: null}\ncondition: s",
        "s: {UserName|exists: true}\ncondition: s",
    ],
)
def test_of_windows(detection: str, tmp_path: Path) -> None:
    """`actor.user.uid` is the user's SID where the log has it, else that of who wrote the log: it is not the field."""
    same(tmp_path, rule_text(detection, service="taskscheduler"), "microsoft.windows_channels", DELETED)


def _fires(mapping: str, logsource: str, detection: str, record: Any, folder: Path) -> int:
    text = f"title: x\nstatus: test\nlogsource: {{{logsource}}}\ndetection:\n  s: {{{detection}}}\n  condition: s\n"
    (outcome,) = Backtest(lake(mapping, [record]), [catalogue()[mapping].plan]).run(written(folder, text))
    assert outcome.judged.state == "live"
    return outcome.fires


STREAMED = {"@timestamp": 1770714487000, "action": "repo.create", "actor": "octo", "org": "acme", "type": "Repository"}
RESOLVED = {"ts": 1770714487.0, "uid": "C1", "id_orig_h": "192.0.2.1", "id_resp_h": "192.0.2.53", "query": "a.example"}


@pytest.mark.parametrize(
    ("mapping", "logsource", "detection", "record", "fires"),
    [
        ("github.audit_log", "product: github, service: audit", "action: repo.create", STREAMED, 1),
        ("github.audit_log", "product: github, service: audit", "action: Repository", STREAMED, 0),
        ("zeek.dns", "product: zeek, service: dns", "id.resp_h: 192.0.2.53", RESOLVED, 1),
        ("zeek.dns", "product: zeek, service: dns", "id.resp_h: 192.0.2.1", RESOLVED, 0),
    ],
)
def test_of_json(mapping: str, logsource: str, detection: str, record: Any, fires: int, tmp_path: Path) -> None:
    """The same in JSON; what shippers make of a name (`id.resp_h`, `id_resp_h`, an object `id`) is one field."""
    assert _fires(mapping, logsource, detection, record, tmp_path) == fires
