"""`ocsf-pipe demo`: the whole way, on one screen."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cli.program import Program


def test_demo_shows_all_of_it(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline: cloud, endpoint and LLM logs, a query, and one refused record with field, reason and mapping line."""

    def refuse(*_: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    ended = program("demo", "--lake", tmp_path / "lake")
    assert ended.code == 0
    for mapping in ("aws.cloudtrail", "okta.system_log", "microsoft.sysmon", "aws.bedrock_invocation", "otel.genai"):
        assert f"by {mapping}" in ended.out
    assert "quarantined: the record is not valid JSON" in ended.out
    assert "field  time\n   reason  required attribute `time` is null\n" in ended.out
    assert "mapping.yaml:" in ended.out
    assert "time: eventTime" in ended.out
    assert len(ended.out.splitlines()) < 80
    assert "api_activity" in program("query", "show tables", "--lake", tmp_path / "lake").out
