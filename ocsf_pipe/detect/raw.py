r"""The SQL that cuts a value out of a raw record or out of `unmapped`.

Windows events arrive as XML or in one of many JSON shapes, so a named value is found by its name: `<Data Name="X">…`,
`"X": "…"`, `{"Name": "X", "Value": "…"}`, `{"#attributes": {"Name": "X"}, "#text": "…"}`.
"""

from __future__ import annotations

import re

from ocsf_pipe.ops.sql_text import text_literal
from ocsf_pipe.plan.nodes import Path

_JSON_VALUE = r'("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false)'
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&#13;", "\r"), ("&#10;", "\n"))
_MOST_LISTS = 4
_UNNAMED = re.compile(r"param\d+")


def named_sql(raw: str, name: str) -> str:
    """The SQL of a named value of a Windows event as text; null where the record has none, or an empty element."""
    word = "[Mm]essage" if name == "Message" else re.escape(name)  # winlogbeat writes it small
    element = rf"""<(?:Data Name=["']{word}["']|{word})\s*>([^<]*)</"""
    xml = f"nullif(regexp_extract({raw}, {text_literal(element)}, 1), '')"
    for entity, text in (*_ENTITIES, ("&amp;", "&")):
        xml = f"replace({xml}, {text_literal(entity)}, {text_literal(text)})"
    key = rf'"@?Name"\s*:\s*"{word}"\s*\}}?\s*,\s*"(?:@?Value|#text)"'
    pattern = text_literal(rf'(?:"{word}"|{key})\s*:\s*{_JSON_VALUE}')
    found = f"json_extract_string(nullif(regexp_extract({raw}, {pattern}, 1), ''), '$')"
    return f"(case when starts_with(ltrim({raw}), '<') then {xml} else try({found}) end)"


def unasked_sql(raw: str, name: str) -> str:
    """The SQL of whether a raw Windows event cannot be asked for a named value, so that an attribute has to tell.

    That is where there is no raw record. A value without a name, which decoders call param1, param2 …, stands in an
    element `Data` that has none either: there the attribute tells where the record has such an element.
    """
    if not _UNNAMED.fullmatch(name):
        return f"{raw} is null"
    found = " or ".join(f"contains({raw}, {text_literal(one)})" for one in ('"Data"', "<Data>"))
    return f"({raw} is null or {found})"


def inside_sql(document: str, path: Path) -> str:
    """The SQL of the text at a path of a JSON document: a scalar as text, an object or a list as JSON."""
    return f"try(json_extract_string({document}, {text_literal(_json_path(path))}))"


def elements_sql(document: str, path: Path) -> str:
    """The SQL of the list of all texts at a path, where a list may stand anywhere on the way."""
    found = [f"[{inside_sql(document, path)}]"]
    found += [
        f"json_extract_string({document}, {text_literal(_json_path(path, stars))})" for stars in _stars(len(path))
    ]
    joined = found[0]
    for one in found[1:]:
        joined = f"list_concat({joined}, try({one}))"
    return joined


def _stars(length: int) -> list[frozenset[int]]:
    """Which steps are followed by `[*]`: every choice of a short path, at most two of a long one."""
    choices = [frozenset(i for i in range(length) if number >> i & 1) for number in range(1, 1 << min(length, 10))]
    return choices if length < _MOST_LISTS else [choice for choice in choices if len(choice) == 1]


def _json_path(path: Path, stars: frozenset[int] = frozenset()) -> str:
    steps = (f'."{key}"' + ("[*]" if i in stars else "") for i, key in enumerate(path))
    return "$" + "".join(steps)
