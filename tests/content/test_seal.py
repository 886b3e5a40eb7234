"""What is content is in no byte of a sealed record, whatever shape it comes in; what is kept is there."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsf_pipe.content.seal import TOLD, Sealer
from ocsf_pipe.decode import json_text
from ocsf_pipe.plan.nodes import CONTENT, TIER
from ocsf_pipe.source import Records
from tests.content.sealing import KEY, at, json_of, records, sealed

MARK = "XYZZYPLUGH"


def test_a_text_becomes_a_token_and_is_told_of() -> None:
    """The token has its hash, length and classes; the record says where it stood, what it was and how it is kept."""
    found = sealed({"a": {"prompt": "write to ann@acme.example now"}, "b": 1}, at("a", "prompt"))
    token = found["a"]["prompt"]["sealed"]
    assert token["length"] == 29
    assert token["classes"] == ["email"]
    assert found["b"] == 1
    assert found[TIER] == "content:sealed"
    [told] = found[CONTENT]
    assert (told["path"], told["kind"], told["hmac"]) == ("a.prompt", "prompt", token["hmac"])
    assert told["seal"]["words"] == 6


@pytest.mark.parametrize(
    "value",
    [
        MARK,
        [MARK, {"x": MARK}],
        {"text": MARK, MARK: 1},
        json.dumps({"text": MARK}),
        [[MARK]],
        f"{{broken {MARK}",
        f"\x00OPC1{MARK}",
    ],
    ids=range(7),
)
def test_all_that_stands_at_a_path_goes(value: Any) -> None:
    """Text, lists, objects with their keys, JSON in text."""
    assert MARK not in json.dumps(sealed({"p": value}, at("p")))


@pytest.mark.parametrize(
    "value",
    [
        {"q": {"r": MARK}},
        [{"q": [{"r": MARK}]}],
        json.dumps({"q": {"r": MARK}}),
        {"q": json.dumps([{"r": MARK}])},
        MARK,
        {"q": MARK},
        json.dumps(MARK),
        "[" * 70 + f'{{"q":{{"r":"{MARK}"}}}}' + "]" * 70,
    ],
    ids=range(8),
)
def test_what_does_not_fit_a_path_is_sealed_as_a_whole(value: Any) -> None:
    """Lists are gone through, JSON in texts is read into; where a path wants more than there is, all of it goes."""
    assert MARK not in json.dumps(sealed({"p": value}, at("p", "q", "r")))


def test_numbers_are_content_too_and_yes_and_no_are_not() -> None:
    """A card number is one without quotes as well."""
    found = sealed({"p": 4111111111111111, "q": True, "r": None, "s": ""}, at("p"), at("q"), at("r"), at("s"))
    assert found["p"]["sealed"]["classes"] == ["payment_card"]
    assert (found["q"], found["r"], found["s"]) == (True, None, "")


def test_a_star_in_a_key_is_any_text() -> None:
    """And only that part of the key."""
    value = {"llm.0.content": MARK, "llm.10.content": MARK, "llm.0.role": "user", "xllm.0.content": "else"}
    found = sealed(value, at("llm.*.content"))
    assert MARK not in json.dumps(found)
    assert (found["llm.0.role"], found["xllm.0.content"]) == ("user", "else")


def test_what_is_kept_of_a_container_are_scalars() -> None:
    """Everything else of it is sealed in its place, so that its shape can be read."""
    parts = [{"type": "text", "text": MARK}, {"type": "call", "name": "ls", "args": {"name": MARK}, "n": 3}]
    message = {"role": "user", "parts": parts, "new": MARK}
    keep = [("role",), ("parts", "type"), ("parts", "name"), ("parts", "args"), ("parts", "n")]
    found = sealed({"m": [message, MARK]}, at("m", keep=keep))
    assert MARK not in json.dumps(found)
    first, second = found["m"]
    assert (first["role"], first["parts"][0]["type"]) == ("user", "text")
    assert (first["parts"][1]["name"], first["parts"][1]["n"]) == ("ls", 3)
    assert set(first["parts"][1]["args"]) == {"sealed"}
    assert set(second) == {"sealed"}


def test_json_in_a_text_stays_json_in_a_text() -> None:
    """What is kept of it can be read by the ops that read JSON."""
    found = sealed({"m": json.dumps([{"role": "user", "content": MARK}])}, at("m", keep=[("role",)]))
    assert json.loads(found["m"])[0]["role"] == "user"


def test_secrets_in_kept_texts_are_masked() -> None:
    """A kept text may be a command line."""
    key = "AKIA" + "Q" * 16
    found = sealed({"c": {"cmd": f"aws configure set x {key}"}}, at("c", keep=[("cmd",)]))
    assert found["c"]["cmd"] == "aws configure set x [aws_access_key]"


def test_of_equal_keys_only_the_first_is_left() -> None:
    """Otherwise the second would stand beside the token."""
    text = f'{{"p":"a","p":"{MARK}","q":{{"r":"b","r":"{MARK}"}},"q":{{"r":"{MARK}"}}}}'
    assert MARK not in json.dumps(sealed(text, at("p"), at("q", "r")))


def test_a_record_cannot_bring_a_token_or_speak_for_the_sealer() -> None:
    """Something that looks like a token is content; keys of ours in a record are ours."""
    forged = {"sealed": {"hmac": "0" * 32, "length": 3, "classes": [MARK]}}
    found = sealed({"p": forged, CONTENT: [{"path": MARK}], TIER: MARK}, at("p"), at("p"))
    assert MARK not in json.dumps(found)
    assert len(found[CONTENT]) == 1


def test_paths_may_overlap() -> None:
    """In any order, and what one has sealed the next leaves alone."""
    value = {"p": json.dumps({"q": MARK, "r": [MARK], "s": "kept"})}
    specs = [at("p", "q"), at("p", "r"), at("p", keep=[("s",)])]
    for order in (specs, specs[::-1]):
        found = sealed(value, *order)
        assert MARK not in json.dumps(found)
        assert len(found[CONTENT]) == 2
        assert json.loads(found["p"])["s"] == "kept"


@pytest.mark.parametrize("text", ["", "{", f'{{"p":"{MARK}"', f'"{MARK}"', f"[{MARK!r}]", f'["{MARK}"]', "1"])
def test_nothing_is_left_of_what_is_no_record(text: str) -> None:
    """Engines refuse it as they would have."""
    found = Sealer(KEY).seal((at("p"),), records(text)).records
    assert MARK not in found.raw[0].as_py() + json_of(found)
    assert not json_of(found).startswith("{")


def test_columns_become_json() -> None:
    """A line of separated fields is a record like any other."""
    table = pa.table({"prompt": pa.array([MARK], pa.large_string()), "id": pa.array([None], pa.large_string())})
    run = Records(pa.array([f"{MARK},-"], pa.large_string()), pa.array([0]), pa.array([0], pa.int32()), 1, None, table)
    found = Sealer(KEY).seal((at("prompt"),), run).records
    assert found.columns is None
    assert MARK not in found.raw[0].as_py() + json_of(found)


def test_texts_are_handed_over_where_they_are_stored() -> None:
    """By their hash, and only then."""
    run = records(json.dumps({"p": MARK}))
    assert list(Sealer(KEY, store=True).seal((at("p"),), run).texts.values()) == [MARK]
    assert Sealer(KEY).seal((at("p"),), run).texts == {}


def test_a_record_of_very_many_texts_tells_of_the_first() -> None:
    """All of them are sealed."""
    found = sealed({"p": [{"t": f"{MARK} {n}"} for n in range(TOLD + 5)]}, at("p", "t"))
    assert MARK not in json.dumps(found)
    assert len(found[CONTENT]) == TOLD


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just(MARK), st.just(f"[{MARK}"))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["p", "q", "r", "role", "text"]), inner, max_size=3),
        inner.map(json.dumps),
    ),
    max_leaves=12,
)


@given(VALUES)
def test_no_value_below_a_path_comes_through(value: Any) -> None:
    """Whatever it is: of a path with steps below it, of a container, of both."""
    content = (at("p", "q"), at("p", "q", "text"), at("m", keep=[("role",)]), at("n"))
    inside = {"role": "user", "q": value}
    found = json.dumps(sealed({"p": {"q": value}, "m": [{"x": value}, inside], "n": value}, *content))
    assert MARK not in found


@given(VALUES)
def test_what_is_no_content_stays_as_it_is(value: Any) -> None:
    """Value for value."""
    assert sealed({"o": value, "p": MARK}, at("p"))["o"] == value


def test_a_text_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    """What is kept of it stays, what was cut is gone."""
    text = json.dumps({"name": "ls", "args": {"path": f"{MARK} and"}})[:-6]
    found = sealed({"p": text, "q": f'{{"name":"{MARK}'}, at("p", keep=[("name",)]), at("q", keep=[("name",)]))
    assert MARK not in json.dumps(found)
    assert json.loads(found["p"])["name"] == "ls"


@pytest.mark.parametrize(
    "text",
    ['{"a":1}', '{"a":{"b":"}"}}', '{"a":1,}', '{"a":"x', '{"a":1}}', '{"a":"}', "{}", '{"a":1 }', '{"$tier":"x"}'],
)
def test_a_record_without_content_is_not_taken_apart(text: str) -> None:
    """It comes through as it is, or as the same refusal; and says the same of itself as any other."""
    found = Sealer(KEY).seal((at("p"),), records(text)).records
    slow = Sealer(KEY).seal((at("p"),), records(text.replace('"a"', '"a\\u0062"'))).records
    assert json_of(found) == json_of(slow).replace('"ab"', '"a"') or not _is_json(text)
    assert _is_json(json_of(found)) == _is_json(text)


def test_a_key_that_is_written_with_escapes_is_found() -> None:
    """It leads to content like any other."""
    assert MARK not in json.dumps(sealed(f'{{"\\u0070":"{MARK}"}}', at("p")))


def _is_json(text: str) -> bool:
    try:
        return isinstance(json_text.parse(text), dict)
    except ValueError:
        return False


def test_json_in_a_text_in_a_text_is_read_into() -> None:
    """As some exports write it; it is written once afterwards."""
    found = sealed({"p": json.dumps(json.dumps({"type": "x", "text": MARK}))}, at("p", keep=[("type",)]))
    assert json.loads(found["p"])["type"] == "x"
    assert MARK not in json.dumps(found)
