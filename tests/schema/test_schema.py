"""What the model says of OCSF 1.8.0 is what OCSF 1.8.0 says."""

from __future__ import annotations

import re

import pytest

from ocsf_pipe.errors import SchemaError
from ocsf_pipe.schema import Schema, load
from tests.schema.structures import structures


@pytest.fixture(scope="module")
def schema() -> Schema:
    """OCSF 1.8.0."""
    return load("1.8.0")


def test_a_class_knows_its_ids_and_its_category(schema: Schema) -> None:
    """Uid, captions and category come from the export."""
    kind = schema.classes["authentication"]
    assert (kind.name, kind.uid, kind.caption) == ("authentication", 3002, "Authentication")
    assert (kind.category_uid, kind.category_name) == (3, "iam")
    assert kind.category_caption == "Identity & Access Management"
    assert kind.constraints.at_least_one == ("service", "dst_endpoint")
    assert {"cloud", "datetime", "host"} <= set(kind.profiles)


def test_the_base_event_is_uncategorised(schema: Schema) -> None:
    """The catch-all class has uid 0 and a category caption that stands only in its enum."""
    kind = schema.classes["base_event"]
    assert (kind.uid, kind.category_uid, kind.category_caption) == (0, 0, "Uncategorized")


def test_exactly_one_of_some_attributes_is_a_constraint_too(schema: Schema) -> None:
    """Both kinds of constraint are kept apart, on objects as on classes."""
    owners = structures(schema)
    assert any(owner.constraints.just_one for owner in owners)
    assert schema.objects["user"].constraints.at_least_one == ("account", "name", "uid")


def test_the_class_of_an_extension_keeps_its_full_name_and_a_short_table(schema: Schema) -> None:
    """`win/` says whose class it is; a table needs no slash."""
    kind = schema.class_by_uid(201001)
    assert (kind.name, kind.table) == ("win/registry_key_activity", "registry_key_activity")
    assert schema.attribute(kind.name, "reg_key.path").type == "reg_key_path_t"


def test_an_enum_maps_keys_as_written_to_captions_in_numeric_order(schema: Schema) -> None:
    """Keys stay text, `99` comes last, and the sibling names where the caption goes."""
    severity = schema.attribute("authentication", "severity_id")
    logon_types = list(schema.attribute("authentication", "logon_type_id").enum or ())
    assert logon_types == sorted(logon_types, key=int) != sorted(logon_types)
    assert severity.enum is not None
    assert list(severity.enum) == ["0", "1", "2", "3", "4", "5", "6", "99"]
    assert (severity.enum["4"], severity.sibling, severity.requirement) == ("High", "severity", "required")


def test_the_same_attribute_has_the_enum_of_its_class(schema: Schema) -> None:
    """`activity_id` 1 is a logon here and a creation there."""
    logon = schema.attribute("authentication", "activity_id").enum or {}
    create = schema.attribute("account_change", "activity_id").enum or {}
    assert (logon["1"], create["1"]) == ("Logon", "Create")


def test_an_enum_may_have_words_for_keys(schema: Schema) -> None:
    """A text enum is its own caption's key and has no sibling."""
    depth = schema.objects["cvss"].attributes["depth"]
    assert (depth.type, sorted(depth.enum or ())) == ("string_t", ["Base", "Environmental", "Temporal"])


def test_an_attribute_of_a_profile_says_so(schema: Schema) -> None:
    """`cloud` is there in events that claim the profile of this name; `user` always."""
    assert schema.attribute("authentication", "cloud").profiles == ("cloud",)
    assert schema.attribute("authentication", "time_dt").profiles == ("datetime",)
    assert schema.attribute("authentication", "user").profiles == ()


def test_a_path_goes_through_objects_and_lists(schema: Schema) -> None:
    """Lists carry no mark in a path, as OCSF writes them."""
    groups = schema.attribute("authentication", "user.groups")
    assert (groups.is_array, groups.type, groups.object_type) == (True, "object_t", "group")
    assert schema.attribute("authentication", "user.groups.uid").type == "string_t"


def test_a_deprecated_attribute_says_what_to_use_instead(schema: Schema) -> None:
    """The note is OCSF's own."""
    note = schema.attribute("dns_activity", "proxy").deprecated
    assert note == "Use the <code>proxy_endpoint</code> attribute instead."
    assert schema.attribute("dns_activity", "proxy_endpoint").deprecated is None


def test_a_scalar_type_knows_its_base_and_its_limits(schema: Schema) -> None:
    """Range, length and pattern are what a value must keep to."""
    port, mac = schema.type("port_t"), schema.type("mac_t")
    assert (port.base, port.range) == ("integer_t", (0, 65535))
    assert (mac.base, mac.max_len) == ("string_t", 32)
    assert re.search(mac.regex or "$^", "00:1a:2b:3c:4d:5e")
    assert schema.type("string_t").base == "string_t"
    assert schema.type("timestamp_t").base == "long_t"


def test_a_pattern_that_python_cannot_compile_is_left_out() -> None:
    """1.0.0 states addresses in PCRE with recursion."""
    assert load("1.0.0").type("ip_t").regex is None
    assert load("1.8.0").type("ip_t").regex is not None


@pytest.mark.parametrize(
    ("path", "fact", "hint"),
    [
        ("actor.usr.name", "object `actor` (at `actor`) has no attribute `usr`", "did you mean `actor.user`?"),
        ("srcendpoint", "class `authentication` has no attribute `srcendpoint`", "did you mean `src_endpoint`?"),
        ("qqqq", "class `authentication` has no attribute `qqqq`", None),
        ("", "class `authentication` has no attribute ``", None),
        ("time.year", "`time` is a timestamp_t and has no attributes", None),
        ("unmapped.x", "`unmapped` holds free-form JSON", None),
    ],
)
def test_a_wrong_path_names_the_nearest_right_one(schema: Schema, path: str, fact: str, hint: str | None) -> None:
    """The fact says where the path leaves the schema; the hint is the whole path to write."""
    with pytest.raises(SchemaError, match=re.escape(fact)) as caught:
        schema.attribute("authentication", path)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("authentcation", "did you mean `authentication`?"),
        ("registry_key_activity", "write `win/registry_key_activity`"),
        ("qqqq", None),
    ],
)
def test_a_wrong_class_names_the_nearest_right_one(schema: Schema, name: str, hint: str | None) -> None:
    """An extension's class written without the extension is the likeliest mistake."""
    with pytest.raises(SchemaError, match=f"there is no class `{name}` in OCSF 1.8.0") as caught:
        schema.event_class(name)
    assert caught.value.hint == hint


def test_wrong_objects_types_and_uids_are_refused(schema: Schema) -> None:
    """Every look-up by name or number fails the same way."""
    with pytest.raises(SchemaError, match="no object `usr`"):
        schema.object("usr")
    with pytest.raises(SchemaError, match="no type `prt_t`") as caught:
        schema.type("prt_t")
    assert caught.value.hint == "did you mean `port_t`?"
    with pytest.raises(SchemaError, match="class_uid 42 "):
        schema.class_by_uid(42)


def test_releases_differ() -> None:
    """A class that came later is not in an earlier release."""
    assert "application_error" in load("1.8.0").classes
    assert "application_error" not in load("1.0.0").classes
