"""An OCSF schema is read by release number or from a file, and a wrong name is answered with the nearest right one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ocsf_pipe.errors import SchemaError
from ocsf_pipe.schema import DEFAULT_VERSION, load, versions
from tests.schema.small_export import small_export
from tests.schema.structures import structures


@pytest.fixture(params=[False, True], ids=["one-profile", "listed-profiles"])
def exported(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A schema file, in each of the two shapes."""
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(small_export(listed_profiles=request.param)))
    return path


def test_every_release_from_1_0_0_to_1_8_0_is_there_in_order() -> None:
    """Releases are numbers, so candidates sort before their release."""
    numbered = [version for version in versions() if "-" not in version]
    assert numbered[:3] == ["1.0.0", "1.1.0", "1.2.0"]
    assert {"1.3.0", "1.4.0", "1.5.0", "1.6.0", "1.7.0", "1.8.0"} <= set(numbered)
    assert versions().index("1.0.0-rc.3") < versions().index("1.0.0")


def test_the_default_is_1_8_0() -> None:
    """Without a version, the newest release that we map to is meant."""
    assert DEFAULT_VERSION == load().version == "1.8.0"


def test_a_schema_is_loaded_once() -> None:
    """The same version is the same schema."""
    assert load("1.3.0") is load("1.3.0")


@pytest.mark.parametrize("version", versions())
def test_every_class_object_and_type_of_every_release_can_be_built(version: str) -> None:
    """Nothing in an export is beyond the model, and every type or object an attribute names exists."""
    schema = load(version)
    for owner in structures(schema):
        for attribute in owner.attributes.values():
            if attribute.object_type is None:
                assert schema.type(attribute.type).base in schema.types
            else:
                assert schema.object(attribute.object_type).name == attribute.object_type
            assert set(attribute.profiles) <= set(schema.profiles)


@pytest.mark.parametrize("version", versions())
def test_no_two_classes_share_a_table_or_a_uid(version: str) -> None:
    """Dropping the extension from a class name is safe."""
    classes = load(version).classes.values()
    assert len({kind.table for kind in classes}) == len({kind.uid for kind in classes}) == len(classes)


def test_a_file_is_read_in_either_shape(exported: Path) -> None:
    """An exported schema takes the place of a release, given as a path or as text."""
    schema = load(exported)
    assert schema.version == "9.9.9"
    assert schema is load(str(exported))
    assert schema.profiles == ("night",)
    assert schema.attribute("entry", "lamp").profiles == ("night",)
    assert schema.attribute("entry", "door.badge").type == "badge_t"
    badge = schema.type("badge_t")
    assert (badge.base, badge.regex, badge.max_len) == ("string_t", "^B[0-9]+$", 6)


def test_a_file_that_changed_is_read_again(exported: Path) -> None:
    """An edited schema file is not hidden by the cache."""
    before = load(exported)
    changed = small_export(listed_profiles=True) | {"version": "9.9.10"}
    exported.write_text(json.dumps(changed))
    os.utime(exported, ns=(1, 1))
    assert (before.version, load(exported).version) == ("9.9.9", "9.9.10")


@pytest.mark.parametrize(
    ("version", "fact", "hint"),
    [
        ("1.8", "there is no OCSF version `1.8`", "did you mean `1.8.0`?"),
        ("latest", "there is no OCSF version `latest`", "known versions: "),
        ("./nowhere.json", "there is no schema file `./nowhere.json`", None),
    ],
)
def test_an_unknown_version_names_the_nearest(version: str, fact: str, hint: str | None) -> None:
    """The message states the fact; the hint says what to write."""
    with pytest.raises(SchemaError, match=re.escape(fact)) as caught:
        load(version)
    assert caught.value.hint is None if hint is None else str(caught.value.hint).startswith(hint)


@pytest.mark.parametrize(
    ("text", "fact"),
    [("{", "is not readable as JSON"), ("[1]", "is not an exported OCSF schema"), ('{"version": "1"}', "is not an")],
)
def test_a_file_that_is_no_schema_is_refused(tmp_path: Path, text: str, fact: str) -> None:
    """Broken JSON, other JSON and half a schema are told apart from a schema, and the hint says how to get one."""
    path = tmp_path / "wrong.json"
    path.write_text(text)
    with pytest.raises(SchemaError, match=fact) as caught:
        load(path)
    assert "/export/schema" in str(caught.value.hint)


def test_the_dates_of_1_0_0_can_be_matched() -> None:
    """1.0.0 was published with a colon of the date pattern escaped as in an address; no date matched it."""
    pattern = load("1.0.0").type("datetime_t").regex
    assert pattern is not None
    assert re.search(pattern, "2023-11-14T22:13:20.123Z")
    assert not re.search(pattern, "14 Nov 2023")


def test_loading_needs_neither_arrow_nor_the_validator() -> None:
    """The command line loads the schema, so the model stays free of slow imports."""
    program = (
        "import sys; from ocsf_pipe.schema import load; load().attribute('authentication', 'user.name');"
        "print(sorted({'pyarrow', 'jsonschema', 'duckdb', 'polars'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
