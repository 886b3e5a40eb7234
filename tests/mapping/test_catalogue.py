"""Which mappings there are and by what names they are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ocsf_json_schema import get_ocsf_schema

from ocsf_pipe.bundled import mappings_dir
from ocsf_pipe.errors import MappingError, UsageError
from ocsf_pipe.mapping import catalogue as module
from ocsf_pipe.mapping.catalogue import PLACES, catalogue, find_mapping
from tests.mapping.events import mapping


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's own with one mapping, `acme.widget`."""
    file = tmp_path / "acme" / "widget" / "mapping.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(mapping(), encoding="utf-8")
    monkeypatch.setenv(PLACES, str(tmp_path))
    return tmp_path


def test_every_shipped_folder_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under `vendor.product`."""
    monkeypatch.delenv(PLACES, raising=False)
    folders = {f"{p.parent.parent.name}.{p.parent.name}" for p in mappings_dir().glob("*/*/mapping.yaml")}
    assert set(catalogue()) == folders
    assert "aws.cloudtrail" in folders


@pytest.mark.parametrize("name", ["acme.widget", "acme/widget", "acme/widget/"])
def test_a_mapping_is_found_by_its_name(own: Path, name: str) -> None:
    """With a dot or as a folder."""
    assert find_mapping(name).path == own / "acme" / "widget" / "mapping.yaml"


def test_a_mapping_is_found_by_its_path(own: Path) -> None:
    """The folder or the file."""
    folder = own / "acme" / "widget"
    assert find_mapping(folder).path == find_mapping(folder / "mapping.yaml").path == folder / "mapping.yaml"


def test_the_user_wins_over_what_is_shipped(own: Path) -> None:
    """A mapping of the same name in a folder of the user's own is taken."""
    file = own / "aws" / "cloudtrail" / "mapping.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(mapping(), encoding="utf-8")
    assert find_mapping("aws.cloudtrail").path == file or catalogue()["aws.cloudtrail"].path != file


def test_an_unknown_name_is_said_with_the_nearest(own: Path) -> None:
    """UsageError."""
    with pytest.raises(UsageError, match=r"no mapping `acme\.wigdet`") as caught:
        find_mapping("acme.wigdet")
    assert caught.value.hint == "did you mean `acme.widget`?"


def test_the_syntax_of_a_mapping_is_read_without_the_schema(own: Path) -> None:
    """And its plan compiled when asked for."""
    found = find_mapping("acme.widget")
    assert (found.syntax.name, found.plan.mapping) == ("acme.widget", "acme.widget")


def test_a_mapping_with_mistakes_is_listed_all_the_same(own: Path) -> None:
    """Its plan raises MappingError, its name does not."""
    file = own / "acme" / "broken" / "mapping.yaml"
    file.parent.mkdir()
    file.write_text("mapping: [", encoding="utf-8")
    with pytest.raises(MappingError):
        _ = find_mapping(file).plan
    with pytest.raises(UsageError, match="is not a mapping"):
        _ = find_mapping(file).syntax


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of our own."""
    monkeypatch.setenv("OCSF_PIPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_mapping_is_compiled_once(own: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next process takes the plan and the head from disk, and compiles them where a file has changed."""
    file = own / "acme" / "widget" / "mapping.yaml"
    first = find_mapping(file)
    kept = first.plan, first.head
    with monkeypatch.context() as patched:
        patched.setattr(module, "compile_mapping", lambda *_: pytest.fail("compiled again"))
        patched.setattr(module, "parse", lambda *_: pytest.fail("parsed again"))
        assert (find_mapping(file).plan, find_mapping(file).head) == kept
    (file.parent / "owners.csv").write_text("host,owner\nweb,ops\n")
    looked_up = "  status_detail: {case: host, table: owners.csv, key: host, value: owner}\n"
    file.write_text(mapping(every=looked_up), encoding="utf-8")
    second = find_mapping(file).plan
    assert second.digest != kept[0].digest
    (file.parent / "owners.csv").write_text("host,owner\nweb,dev\n")
    assert find_mapping(file).plan.digest != second.digest


def test_a_mapping_for_an_exported_schema_is_compiled_anew(own: Path, cache: Path, tmp_path: Path) -> None:
    """What is kept would not follow the file of the schema."""
    export = tmp_path / "schema.json"
    export.write_text(json.dumps(get_ocsf_schema("1.8.0")), encoding="utf-8")
    file = own / "acme" / "widget" / "mapping.yaml"
    file.write_text(f"ocsf: {export}\n{mapping()}", encoding="utf-8")
    assert find_mapping(file).plan.version == str(export)
    assert find_mapping(file).head.recogniser.version == str(export)
    assert list(cache.glob("*.pickle")) == []
