"""Any OCSF release from 1.0.0 on can be chosen."""

from __future__ import annotations

import pytest

from ocsf_pipe.mapping import compile_text, diagnose
from ocsf_pipe.schema import load
from ocsf_pipe.schema.export import versions
from ocsf_pipe.schema.validate import validator
from tests.mapping.events import event, mapping

RELEASES = [version for version in versions() if "-" not in version]
LOGIN = """\
  - class: authentication
    when: kind = 'login'
    activity_id: 'Logon'
    user: {name: who, type_id: 'User'}
    service.name: 'app'
    src_endpoint.ip: ip
"""
RECORD = {"kind": "login", "who": "ann", "ip": "192.0.2.1"}


def _text(version: str, events: str = LOGIN) -> str:
    return mapping(events, head=f"ocsf: {version}\n")


def test_the_releases_are_all_there() -> None:
    """From the first to the one that is the default."""
    assert RELEASES[0] == "1.0.0"
    assert "1.8.0" in RELEASES


@pytest.mark.parametrize("version", RELEASES)
def test_a_small_mapping_compiles_for_every_release(version: str) -> None:
    """Derived attributes that the release lacks are not set, and the event is valid in that release."""
    found = event(_text(version), RECORD)
    assert found["metadata"]["version"] == version
    plan = compile_text(_text(version))
    schema = load(version)
    for assign in plan.routes[0].derived:
        schema.attribute("authentication", ".".join(assign.path))
    written = {
        key: value for key, value in found.items() if key not in {"time_dt", "unmapped"}
    }  # other forms in the lake
    assert validator(version).errors(written) == []


def test_an_attribute_that_a_release_lacks_is_unknown_there() -> None:
    """`src_endpoint.isp_org` came later than 1.0.0."""
    newer = LOGIN + "    src_endpoint.isp_org: isp\n"
    assert diagnose(_text("1.8.0", newer), "mapping.yaml", None)[1] == []
    (complaint,) = diagnose(_text("1.0.0", newer), "mapping.yaml", None)[1]
    assert complaint.code == "M302"
    assert "OCSF 1.0.0" in complaint.message
