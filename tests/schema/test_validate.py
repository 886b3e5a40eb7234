"""The validator accepts a good event, and says of a bad one where it is wrong and what was expected."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from ocsf_pipe.schema import versions
from ocsf_pipe.schema.validate import validator
from tests.schema.small_export import small_export

Event = dict[str, Any]

LOGON: Event = {
    "class_uid": 3002,
    "class_name": "Authentication",
    "category_uid": 3,
    "category_name": "Identity & Access Management",
    "activity_id": 1,
    "activity_name": "Logon",
    "type_uid": 300201,
    "type_name": "Authentication: Logon",
    "severity_id": 1,
    "severity": "Informational",
    "time": 1700000000000,
    "time_dt": "2023-11-14T22:13:20.000Z",
    "metadata": {
        "version": "1.8.0",
        "product": {"vendor_name": "Example", "name": "Directory"},
        "profiles": ["datetime", "cloud"],
    },
    "cloud": {"provider": "AWS", "region": "eu-west-1", "account": {"uid": "123456789012"}},
    "user": {"uid": "u-1", "name": "ada", "groups": [{"name": "admins"}]},
    "src_endpoint": {"ip": "192.0.2.7", "port": 50123},
    "service": {"name": "sso"},
    "observables": [{"name": "src_endpoint.ip", "type_id": 2, "type": "IP Address", "value": "192.0.2.7"}],
    "unmapped": {"anything": {"goes": [1, None]}},
    "raw_data": "{}",
}


def changed(change: Callable[[Event], object]) -> list[str]:
    """What is wrong with the logon after a change."""
    event = deepcopy(LOGON)
    change(event)
    return validator("1.8.0").errors(event)


def test_a_good_event_has_no_errors() -> None:
    """Profiles that are claimed bring their attributes, and `unmapped` holds anything."""
    assert validator("1.8.0").errors(LOGON) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda e: e.pop("time"), ["time: is required and missing"]),
        (
            lambda e: (e["user"].update(usr=1), e["metadata"].pop("product")),
            ["user.usr: is no attribute here", "metadata.product: is required and missing"],
        ),
        (lambda e: e.update(severty="x"), ["severty: is no attribute here, did you mean `severity`?"]),
        (
            lambda e: e.update(device={"type_id": 0, "hostname": "h"}),
            ["device: is there only with profile `host`, expected it in metadata.profiles"],
        ),
        (lambda e: e["user"].update(uid=5), ["user.uid: is 5, expected string (string_t)"]),
        (lambda e: e.update(user=None), ["user: is null, expected object (object_t)"]),
        (lambda e: e.update(severity_id=42), ["severity_id: is 42, expected one of 0, 1, 2, 3, 4, 5, 6, 99"]),
        (lambda e: e.update(category_uid=4), ["category_uid: is 4, expected 3"]),
        (lambda e: e["src_endpoint"].update(ip="here"), ['src_endpoint.ip: is "here", expected the form of ip_t']),
        (lambda e: e["src_endpoint"].update(port=70000), ["src_endpoint.port: is 70000, expected at most 65535"]),
        (lambda e: e["src_endpoint"].update(port=-1), ["src_endpoint.port: is -1, expected at least 0"]),
        (
            lambda e: e["src_endpoint"].update(mac="00:1a:2b:3c:4d:5e" * 3),
            [
                "src_endpoint.mac: has 51 characters, expected at most 32",
                f'src_endpoint.mac: is "{"00:1a:2b:3c:4d:5e" * 3}", expected the form of mac_t',
            ],
        ),
        (
            lambda e: e["user"]["groups"].append({"desc": "x"}),
            ["user.groups[1]: has none, expected at least one of name, uid"],
        ),
        (lambda e: e.pop("service"), ["the event: has none, expected at least one of service, dst_endpoint"]),
        (
            lambda e: e["metadata"]["profiles"].append("clod"),
            ["metadata.profiles: `clod` is no profile of OCSF 1.8.0, did you mean `cloud`?"],
        ),
        (
            lambda e: e["metadata"]["profiles"].append("incident"),
            ["metadata.profiles: `incident` is no profile of class `authentication`"],
        ),
        (
            lambda e: e["metadata"].update(profiles="cloud"),
            [
                'metadata.profiles: is "cloud", expected array',
                "cloud: is there only with profile `cloud`, expected it in metadata.profiles",
                "time_dt: is there only with profile `datetime`, expected it in metadata.profiles",
            ],
        ),
    ],
)
def test_a_bad_event_is_told_what_is_wrong(change: Callable[[Event], object], expected: list[str]) -> None:
    """Each complaint is a path, a fact and what was expected; all of them at once."""
    assert sorted(changed(change)) == sorted(expected)


@pytest.mark.parametrize(
    ("set_", "found"),
    [
        ({}, "has none"),
        ({"privileges": ["read"], "group": {"name": "g"}}, "has privileges and group"),
        ({"privileges": ["read"]}, None),
    ],
    ids=["none", "both", "one"],
)
def test_exactly_one_means_neither_none_nor_both(set_: Event, found: str | None) -> None:
    """The rarer constraint is checked from both sides."""
    errors = [line for line in validator("1.8.0").errors({"class_uid": 3003, **set_}) if "exactly one" in line]
    assert errors == ([f"the event: {found}, expected exactly one of privileges, group"] if found else [])


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ([], "the event is not an object"),
        ({}, "class_uid: is missing or not a number, expected the uid of a class"),
        ({"class_uid": True}, "class_uid: is missing or not a number, expected the uid of a class"),
        ({"class_uid": 42}, "class_uid: there is no class with class_uid 42 in OCSF 1.8.0"),
    ],
)
def test_an_event_without_a_class_is_told_so(event: object, expected: str) -> None:
    """Without a class there is nothing more to say."""
    assert validator("1.8.0").errors(event) == [expected]


@pytest.mark.parametrize("version", versions())
def test_every_class_of_every_release_can_be_validated(version: str) -> None:
    """A schema compiles for each class with all of its profiles, those of extensions included."""
    oracle = validator(version)
    for uid, profiles in _classes(version):
        errors = oracle.errors({"class_uid": uid, "metadata": {"profiles": list(profiles)}})
        assert "time: is required and missing" in errors
        assert not [line for line in errors if line.startswith("metadata.profiles")]


def _classes(version: str) -> list[tuple[int, tuple[str, ...]]]:
    from ocsf_pipe.schema import load

    return [(kind.uid, kind.profiles) for kind in load(version).classes.values()]


def test_a_schema_is_compiled_once_for_a_class_and_its_profiles() -> None:
    """The order in which an event lists its profiles makes no difference."""
    oracle = validator("1.8.0")
    oracle.errors(LOGON)
    compiled = dict(oracle._compiled)
    reordered = deepcopy(LOGON)
    reordered["metadata"]["profiles"].reverse()
    assert oracle.errors(reordered) == []
    assert oracle._compiled == compiled


def test_an_exported_file_validates_its_own_events(tmp_path: Path) -> None:
    """A schema that we never saw is as good as a release."""
    path = tmp_path / "small.json"
    path.write_text(json.dumps(small_export(listed_profiles=True)))
    oracle = validator(path)
    assert oracle is validator(path)
    assert oracle.errors({"class_uid": 7001, "badge": "B12", "door": {"colour": "red"}}) == []
    assert oracle.errors({"class_uid": 7001, "badge": "12"}) == ['badge: is "12", expected the form of badge_t']
