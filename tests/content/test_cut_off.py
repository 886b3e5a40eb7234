"""What is read of JSON that was cut off is what stood there before the cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsf_pipe.content.cut_off import read_cut_off

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.text(max_size=6)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"name":"ls","args":{"a":1,"b":"xy', {"name": "ls", "args": {"a": 1}}),
        ('{"name":"ls","args":{"a":[1,2', {"name": "ls", "args": {"a": [1]}}),
        ('{"name":"ls","args"', {"name": "ls"}),
        ('{"name":"l', {}),
        ('[{"a":"},{"},{"b', [{"a": "},{"}, {}]),
        ('{"a":"\\', {}),
        ("{broken", {}),
        ("}", None),
        ("[}", None),
        ("", None),
    ],
)
def test_the_whole_members_before_the_cut_are_read(text: str, found: Any) -> None:
    """Brackets in texts are no brackets."""
    assert read_cut_off(text) == found


@given(st.dictionaries(st.text(max_size=3), VALUES, min_size=1, max_size=3), st.data())
def test_a_cut_changes_no_value_before_it(value: dict[str, Any], data: st.DataObject) -> None:
    """At whatever character it is: every text that is found stood in the original."""
    text = json.dumps(value, ensure_ascii=False)
    cut = data.draw(st.integers(1, len(text)))
    found = read_cut_off(text[:cut])
    assert isinstance(found, dict)
    for key, inner in found.items():
        assert key in value
        assert type(inner) is type(value[key])
        assert isinstance(inner, dict | list) or inner == value[key]
