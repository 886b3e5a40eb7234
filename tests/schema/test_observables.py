"""OCSF declares observables in six places; each is found, and the most general one holds where several meet."""

from __future__ import annotations

import json

import pytest

from ocsf_pipe.schema import Schema, load, versions
from tests.schema.small_export import small_export
from tests.schema.structures import structures


@pytest.fixture(scope="module", params=[False, True], ids=["one-profile", "listed-profiles"])
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Schema:
    """The small schema, in each of the two shapes."""
    path = tmp_path_factory.mktemp("schema") / "small.json"
    path.write_text(json.dumps(small_export(listed_profiles=request.param)))
    return load(path)


@pytest.mark.parametrize(
    ("class_name", "path", "type_id"),
    [
        ("authentication", "src_endpoint.ip", 2),  # by type: ip_t
        ("authentication", "src_endpoint.port", 11),  # by type: port_t
        ("authentication", "user.email_addr", 5),  # by type: email_t
        ("process_activity", "process.cmd_line", 13),  # by dictionary attribute
        ("api_activity", "http_request.user_agent", 16),  # by dictionary attribute
        ("authentication", "user", 21),  # by object
        ("authentication", "user.groups", None),  # the object `group` is none
        ("authentication", "user.groups.uid", 33),  # by attribute of an object, through a list
        ("authentication", "user.uid", 31),  # by attribute of an object
        ("win/registry_key_activity", "reg_key.path", 46),  # by the type of an extension
        ("authentication", "time", None),
        ("authentication", "message", None),
    ],
)
def test_ocsf_1_8_declares(class_name: str, path: str, type_id: int | None) -> None:
    """Known answers, taken from the enum of `observable.type_id` as OCSF describes it."""
    assert load("1.8.0").observable(class_name, path) == type_id


@pytest.mark.parametrize(
    ("path", "type_id"),
    [
        ("badge", 101),  # by type
        ("shift", 102),  # by dictionary attribute, though the class says nothing
        ("lamp", 103),  # by dictionary attribute of an extension
        ("door.uid", 104),  # by attribute of an object
        ("note", 105),  # by attribute of a class
        ("door.colour", 106),  # by path of a class
        ("doors.colour", 107),  # the same through a list
        ("door", 108),  # by object
        ("doors", 108),  # by object, for a list of them
        ("door.badge", 101),  # by type and by attribute: the type is more general
        ("door.shift", 102),  # by dictionary attribute and by attribute: the dictionary is more general
        ("class_uid", None),
    ],
)
def test_each_way_to_declare_one_is_found(small: Schema, path: str, type_id: int | None) -> None:
    """Six ways, and their order where two meet."""
    assert small.observable("entry", path) == type_id


@pytest.mark.parametrize("version", [version for version in versions() if not version.startswith("1.0.0-")])
def test_every_declared_id_has_a_caption(version: str) -> None:
    """Whatever is declared on a type, an object or an attribute is a value of `observable.type_id`."""
    schema = load(version)
    captions = schema.objects["observable"].attributes["type_id"].enum or {}
    owners = structures(schema)
    declared = {kind.observable for kind in schema.types.values()}
    declared |= {kind.observable for kind in schema.objects.values()}
    declared |= {attribute.observable for owner in owners for attribute in owner.attributes.values()}
    assert declared - {None}
    assert {str(uid) for uid in declared - {None}} <= set(captions)
