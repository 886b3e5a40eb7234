"""The JSON Schema that editors use says of a mapping's shape what the parser says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ocsf_pipe.bundled import mappings_dir, schemas_dir
from ocsf_pipe.decode import FORMATS
from ocsf_pipe.mapping import parse, sides
from ocsf_pipe.mapping.leaves import DERIVED
from ocsf_pipe.mapping.reader import Reader
from ocsf_pipe.mapping.syntax import RULE_WORDS
from tests.mapping.corpus import ERR, OK

SCHEMA = json.loads((schemas_dir() / "mapping.schema.json").read_text(encoding="utf-8"))
SHIPPED = sorted(mappings_dir().glob("*/*/mapping.yaml"))
SHAPE = [path for path in ERR if path.name.startswith(("M102", "M103")) and "-set" not in path.name]


def _plain(path: Path) -> Any:
    reader = Reader(path.name, path.read_text(encoding="utf-8"))
    root = reader.root()
    assert root is not None
    return reader.plain(root)


def _id(path: Path) -> str:
    return path.stem if path.stem != "mapping" else f"{path.parent.parent.name}.{path.parent.name}"


def _keys(*path: str) -> set[str]:
    node = SCHEMA
    for part in path:
        node = node[part]
    return set(node["properties"])


def test_the_schema_is_a_schema() -> None:
    """Of the draft that it names."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", [*SHIPPED, *OK], ids=_id)
def test_a_right_mapping_is_valid(path: Path) -> None:
    """Shipped ones and those of the corpus."""
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(_plain(path))] == []


@pytest.mark.parametrize("path", SHAPE, ids=_id)
def test_a_wrong_shape_is_not(path: Path) -> None:
    """A key that is unknown or missing."""
    assert not Draft202012Validator(SCHEMA).is_valid(_plain(path))


def test_the_keys_are_those_of_the_parser() -> None:
    """At every level, no more and no fewer."""
    assert _keys() == set(parse.TOP)
    assert _keys("$defs", "input") == set(parse.INPUT_WORDS)
    assert _keys("$defs", "product") == set(parse.PRODUCT_WORDS)
    assert _keys("$defs", "drop") == set(parse.DROP_WORDS)
    assert _keys("$defs", "sigma") == set(parse.SIGMA_WORDS)
    leave = SCHEMA["properties"]["leave"]["items"]["anyOf"][1]["properties"]
    assert set(leave) == set(parse.LEAVE_WORDS)
    assert _keys("$defs", "rule") == set(RULE_WORDS)
    assert _keys("$defs", "case") == set(sides.CASE_WORDS)
    assert _keys("$defs", "each") | _keys("$defs", "first") == set(sides.EACH_WORDS)


def test_the_formats_are_those_of_the_decoders() -> None:
    """A new decoder is a new word here."""
    assert SCHEMA["$defs"]["input"]["properties"]["format"]["enum"] == sorted(FORMATS)


def test_what_is_derived_cannot_be_a_key() -> None:
    """The attributes of an event that the compiler sets."""
    named = SCHEMA["$defs"]["attributes"]["propertyNames"]["not"]["enum"]
    assert set(named) == {name for name in DERIVED if "." not in name}
    assert SCHEMA["$defs"]["rule"]["propertyNames"]["not"]["enum"] == named
