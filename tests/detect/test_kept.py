"""Parsed rules are kept for the next process, as long as nothing that they are made of has changed."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ocsf_pipe.bundled import mappings_dir
from ocsf_pipe.detect import rules as module
from ocsf_pipe.detect import scan
from ocsf_pipe.detect.backtest import tables_of
from ocsf_pipe.detect.convert import Converter
from ocsf_pipe.detect.fieldmap import FieldMap
from ocsf_pipe.detect.rules import load_rules
from ocsf_pipe.kept import MOST, kept
from ocsf_pipe.mapping import catalogue
from ocsf_pipe.mapping.catalogue import Listed
from tests.detect.events import lake, plans, process, rule_text


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of our own, and a set of rules that is large enough to be kept."""
    monkeypatch.setenv("OCSF_PIPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "MANY", 2)
    for name in "ab":
        folder = tmp_path / "rules" / name
        folder.mkdir(parents=True)
        (folder / "rule.yml").write_text(rule_text("s: {CommandLine|contains: x}\ncondition: s", title=name))
    return tmp_path


def test_rules_are_parsed_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second process takes them as the first has made them."""
    first = load_rules([place / "rules"])
    monkeypatch.setattr(module, "_loaded", lambda *_: pytest.fail("parsed again"))
    assert load_rules([place / "rules"]) == first
    assert len(first) == 2


def test_a_changed_file_is_read_anew(place: Path) -> None:
    """The rule's own, and the settings beside it."""
    load_rules([place / "rules"])
    (place / "rules" / "a" / "settings.yml").write_text("owner: red\n")
    assert load_rules([place / "rules"])[0].settings.owner == "red"
    (place / "rules" / "a" / "rule.yml").write_text(rule_text("s: {Image: y}\ncondition: s", title="new"))
    assert load_rules([place / "rules"])[0].title == "new"


def test_rules_are_compiled_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as tables have the same columns; what they ask of rows that are read again is known too."""
    monkeypatch.setattr(scan, "MANY", 2)
    rules = load_rules([place / "rules"])
    tables = tables_of(lake("microsoft.sysmon", [process("x")]))

    def compiled() -> scan.Scan:
        return scan.compiled(rules, Converter(FieldMap(plans()), tables))["process_activity"]

    first = compiled()
    with monkeypatch.context() as patched:
        patched.setattr(scan, "_compiled", lambda *_: pytest.fail("compiled again"))
        second = compiled()
    assert second.asked == first.asked
    assert [second.exactly(i) for i in range(2)] == [first.exactly(i) for i in range(2)]
    tables = {name: dict.fromkeys(paths, "TEXT") for name, paths in tables.items()}
    monkeypatch.setattr(scan, "_compiled", lambda *_: {"process_activity": []})
    assert compiled().asked == []


def test_mappings_are_compiled_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as no file of any has changed."""
    folder = place / "mappings" / "zeek" / "dns"
    shutil.copytree(mappings_dir() / "zeek" / "dns", folder)
    listed = Listed("zeek.dns", folder / "mapping.yaml")
    monkeypatch.setattr(catalogue, "catalogue", lambda: {"zeek.dns": listed})
    [first] = catalogue.sigma_plans()
    assert first == listed.plan
    monkeypatch.setattr(catalogue, "catalogue", lambda: {"zeek.dns": Listed("none", folder / "mapping.yaml")})
    with monkeypatch.context() as patched:
        patched.setattr(Listed, "plan", property(lambda _: pytest.fail("compiled again")))
        assert catalogue.sigma_plans() == [first]
    text = (folder / "mapping.yaml").read_text()
    (folder / "mapping.yaml").write_text(f"{text}# changed\n")
    monkeypatch.setattr(Listed, "plan", property(lambda _: replace(first, title="anew")))
    assert catalogue.sigma_plans() == [replace(first, title="anew")]


def test_what_is_broken_is_made_anew(place: Path) -> None:
    """Half a file, or something else altogether."""
    assert kept("k", ["p"], lambda: 1) == 1
    [file] = (place / "cache").glob("k-*")
    file.write_bytes(b"\x80")
    assert kept("k", ["p"], lambda: 2) == 2
    assert pickle.loads(file.read_bytes()) == 2


def test_a_folder_that_others_may_write_to_is_not_read(place: Path) -> None:
    """What lies there is run; an empty name keeps nothing at all."""
    assert kept("k", ["p"], lambda: 1) == 1
    (place / "cache").chmod(0o777)
    assert kept("k", ["p"], lambda: 2) == 2
    (place / "cache").chmod(0o700)
    assert kept("k", ["p"], lambda: 3) == 1


def test_an_empty_name_keeps_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For those who want none."""
    monkeypatch.setenv("OCSF_PIPE_CACHE", "")
    assert [kept("k", ["p"], lambda: 1), kept("k", ["p"], lambda: 2)] == [1, 2]


def test_old_ones_give_way(place: Path) -> None:
    """Rules that change every day fill no disk."""
    for number in range(MOST + 5):
        kept("k", [str(number)], lambda: 0)
    assert len(list((place / "cache").glob("k-*"))) == MOST
