"""Detectors of other projects add to ours: their classes, what they mask, and their names in the events."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ocsf_pipe.content.detectors import classes, masked
from ocsf_pipe.content.libraries.kingfisher import MODULE, class_of
from ocsf_pipe.content.libraries.library import Hit
from ocsf_pipe.content.seal import Sealer
from ocsf_pipe.content.vault import Vault
from ocsf_pipe.engine.engine import Engine
from ocsf_pipe.mapping.catalogue import Listed
from tests.content.sealing import CHAT, KEY, records

SHOPIFY = "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"


@dataclass(frozen=True)
class Birds:
    """Finds birds, and flocks of them."""

    title: str = "birds 1.0"

    def hits(self, text: str) -> Iterator[Hit]:
        """Yield each owl, and two in a row as a flock."""
        yield from (Hit("owl", *found.span()) for found in re.finditer("owl", text))
        yield from (Hit("flock", *found.span()) for found in re.finditer("(owl ){2}", text))


def listed(folder: Path, text: str = CHAT) -> Listed:
    """The mapping, written there."""
    path = folder / "mapping.yaml"
    path.write_text(textwrap.dedent(text), "utf-8")
    return Listed("acme.chat", path)


def test_classes_of_a_library_stand_beside_ours() -> None:
    """Each once, in order; without it there are ours alone."""
    text = "ann@acme.example has an owl and an owl"
    assert classes(text, [Birds()]) == ("email", "owl")
    assert classes(text) == ("email",)


def test_what_a_library_finds_is_masked() -> None:
    """A hit within another goes with it; what lies between hits stays."""
    assert masked("one owl, ann@acme.example", [Birds()]) == "one [owl], [email]"
    assert masked("see owl owl owl here", [Birds()]) == "see [flock][owl] here"


def test_events_tell_who_looked(tmp_path: Path) -> None:
    """Beside what was found, and where nothing was; an event of a lake without libraries says nothing of them."""
    texts = [
        json.dumps({"chat": 1, "id": "e", "at": "2026-02-10T09:08:07Z", "prompt": said}) for said in ("owl", "cat")
    ]

    def told(libraries: tuple[Birds, ...]) -> list[tuple[object, object]]:
        engine = Engine(listed(tmp_path).plan, sealer=lambda: Sealer(KEY, libraries=libraries))
        rows = engine.run(records(*texts), clock=0).tables["base_event"]["content_list"].to_pylist()
        return [(one["sensitive_classes"], one["sensitive_detectors"]) for row in rows for one in row]

    assert told((Birds(),)) == [(["owl"], ["birds 1.0"]), (None, ["birds 1.0"])]
    assert [found for found, _ in told(())] == [None, None]
    assert not any(looked for _, looked in told(()))


def test_libraries_are_part_of_what_names_a_batch(tmp_path: Path) -> None:
    """A half-written batch is not finished with other ones: its tables would tell different classes."""
    plan = listed(tmp_path).plan
    one, two = Vault(libraries=(Birds(),)), Vault(libraries=(Birds("birds 1.1"),))
    assert len({one.digest(plan), two.digest(plan), Vault(libraries=()).digest(plan)}) == 3
    assert Vault(libraries=()).digest(plan) == plan.digest
    assert one.digest(replace(plan, content=())) == plan.digest


def test_kingfishers_names_become_ours() -> None:
    """Where we have one for the same; otherwise without where the rule is from."""
    assert class_of("betterleaks.github-fine-grained-pat") == "github_token"
    assert class_of("betterleaks.cloudflare-api-key.2") == "cloudflare_api_key"
    assert class_of("veles.secrets/postmanapikey") == "postmanapikey"
    assert class_of('kingfisher.odd"name.1') == "odd_name"


def test_kingfisher_finds_what_we_do_not_know() -> None:
    """The same for the same text; characters are counted, not bytes; prose, ids and times are left alone."""
    pytest.importorskip(MODULE)
    from ocsf_pipe.content.libraries.kingfisher import Kingfisher

    fisher = Kingfisher()
    assert re.fullmatch(r"kingfisher-secret-scanner [\d.]+", fisher.title)
    text = f"für Größe \U0001f600 „{SHOPIFY}“, danke"
    assert masked(text, [fisher]) == "für Größe \U0001f600 „[shopify_access_token]“, danke"
    assert [classes(text, [fisher]) for _ in range(2)] == [("shopify_access_token",)] * 2
    plain = "\ud800 the quick fox at 2026-02-10T09:08:07.006Z, 00000000-0000-4000-8000-000000000000, " * 50
    assert classes(plain, [fisher]) == ()
