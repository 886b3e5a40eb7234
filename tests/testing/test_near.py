"""Near-valid records: repeatable, mostly JSON, different from what they were made of, and hardly ever far from it."""

from __future__ import annotations

from hypothesis import given, settings

from ocsf_pipe.decode.json_text import JsonTextError, parse
from ocsf_pipe.testing.mappings import RECORDS, generated_plan, mapping_text
from ocsf_pipe.testing.near import as_records, near_records, near_texts


def readable(text: str) -> bool:
    """Whether the text is a JSON document."""
    try:
        parse(text)
    except JsonTextError:
        return False
    return True


def test_equal_seeds_give_equal_texts() -> None:
    """And other seeds other ones."""
    first, again, other = (list(near_texts(RECORDS, seed=seed, count=50)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_most_texts_are_changed_objects_and_some_are_broken() -> None:
    """Rules can take most of them; all kinds of fault are among a thousand."""
    texts = list(near_texts(RECORDS, seed=3, count=1000))
    sound = [text for text in texts if readable(text)]
    objects = [text for text in sound if isinstance(parse(text), dict)]
    assert 900 < len(sound) < 1000
    assert len(objects) > 800
    assert sum(text not in RECORDS for text in texts) > 700
    assert any("\\ud800" in text for text in texts)
    assert any("\\u0000" in text for text in texts)


@settings(max_examples=25)
@given(near_records(RECORDS))
def test_the_strategy_gives_texts_that_records_can_hold(text: str) -> None:
    """Every one is a record of its own, as it is."""
    records = as_records([text, text])
    assert records.raw.to_pylist() == [text, text]
    assert records.position.to_pylist() == [0, 1]


def test_made_up_mappings_use_the_whole_language() -> None:
    """Among a few dozen there is every form of the language."""
    texts = "".join(mapping_text(seed) for seed in range(40))
    forms = "let: case: else: each: first: where: for_each: also: drop: leave:".split()
    assert [form for form in forms if form not in texts] == []


def test_a_seed_gives_a_mapping_that_compiles() -> None:
    """With at least one rule before the one that takes the rest."""
    _, plan = generated_plan(1)
    assert len(plan.routes) >= 2
    assert plan.routes[-1].name == "rest"
