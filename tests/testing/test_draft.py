"""A first mapping from a sample: for whichever class, it compiles."""

from __future__ import annotations

from io import BytesIO

from ocsf_pipe.mapping import compile_text
from ocsf_pipe.schema import load
from ocsf_pipe.testing.draft import draft
from ocsf_pipe.testing.source_fields import sample

RECORD = b'{"when": "2026-01-31T12:00:00Z", "user": "ann", "ip": "192.0.2.1", "action": "login"}\n'


def test_a_draft_compiles_for_every_class() -> None:
    """Whatever a class requires and however it is constrained, the draft has a line for it."""
    sampled = sample(BytesIO(RECORD), "things.json")
    classes = sorted(load().classes)
    assert len(classes) > 80
    for name in classes:
        (rule,) = compile_text(draft(sampled, "acme.thing", name)).routes
        assert rule.class_name == name


def test_an_attribute_that_is_called_like_a_word_of_a_rule_is_set_for_every_rule() -> None:
    """On a rule, `name:` is the name of the rule."""
    text = draft(sample(BytesIO(RECORD), "things.json"), "acme.thing", "win/prefetch_query")
    assert "every:" in text
    (rule,) = compile_text(text).routes
    assert ("name",) in {assign.path for assign in rule.assigns}
    assert rule.name == "prefetch_query"
