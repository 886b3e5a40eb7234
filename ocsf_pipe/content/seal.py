"""Content cut out of records: a token stands where the text was, and the record says beside it what was sealed.

Everything is done on the parsed record, which is then written anew: what is not written cannot leak. Where the text
that a path leads to is not of the shape that the path expects, all of it is sealed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeAlias

import pyarrow as pa

from ocsf_pipe.content.cut_off import read_cut_off
from ocsf_pipe.content.detectors import masked
from ocsf_pipe.content.keys import Keyring
from ocsf_pipe.content.libraries.library import Library
from ocsf_pipe.content.summary import Summaries, Summary
from ocsf_pipe.decode import json_text
from ocsf_pipe.decode.json_text import Object
from ocsf_pipe.plan.nodes import CONTENT, TIER, Content, Path
from ocsf_pipe.source import Records

TOLD = 256
"""So many of the sealed texts of one record are told one by one; the tokens of the others stand all the same."""
DEEPEST = 64
"""Lists in lists are followed so deep; what lies deeper is sealed as a whole."""
_LONGEST_PATH = 300
_LEAST, _NO_MEMBER = 3, ",{"

Step: TypeAlias = str | re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One `Content` made ready: its steps with globs compiled."""

    path: tuple[Step, ...]
    keep: tuple[tuple[Step, ...], ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """Records without content, and, where the sealer keeps them, the texts by their keyed hash."""

    records: Records
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Sealer:
    """Seals records of mappings that have content. With `store` the texts are handed over beside the records.

    `libraries` look for sensitive data beside our own detectors.
    """

    keyring: Keyring
    store: bool = False
    libraries: Sequence[Library] = ()
    _summaries: Summaries = field(init=False)

    def __post_init__(self) -> None:
        """Derive the keys once."""
        self._summaries = Summaries(self.keyring, self.libraries)

    @property
    def tier(self) -> str:
        """What events say of how content is kept: `content:sealed` or `content:stored`."""
        return "content:stored" if self.store else "content:sealed"

    def seal(self, content: Sequence[Content], records: Records) -> Sealed:
        """Return the records with their content sealed, rejects left out; raises nothing for bad records.

        One that is no JSON object becomes one that engines refuse: nothing of it is left.
        """
        patterns, texts = ready(tuple(content)), dict[str, str]()
        nothing = f',"{TIER}":"{self.tier}","{CONTENT}":[]}}'
        raws, jsons = [], []
        for text in _texts(records):
            if _has_none(text, patterns):
                raw, json = text, text.rstrip()[:-1] + nothing
            else:
                raw, json = self._record(patterns, text, texts)
            raws.append(raw)
            jsons.append(json)
        large = pa.large_string()
        sealed = replace(
            records, raw=pa.array(raws, large), json=pa.array(jsons, large), columns=None, rejects=()
        )  # fmt: skip
        return Sealed(sealed, texts if self.store else {})

    def _record(self, patterns: Sequence[Pattern], text: str, texts: dict[str, str]) -> tuple[str, str]:
        try:
            value = json_text.parse(text)
        except ValueError:
            return "", ""
        if not isinstance(value, dict):
            return "[]", "[]"
        work = Work(self._summaries)
        for pattern in patterns:
            value = work.at(value, pattern, pattern.path, "", 0)
        value = {key: inner for key, inner in value.items() if key not in (CONTENT, TIER)}
        if self.store:
            texts.update(work.texts)
        raw = json_text.dumps(value)
        told = ",".join(told_of(path, kind, one) for path, kind, one in work.found[:TOLD])
        return raw, f'{raw[:-1]}{"," if value else ""}"{TIER}":"{self.tier}","{CONTENT}":[{told}]}}'


@dataclass(slots=True)
class Work:
    """The sealing of one record: what was found so far, where, and its texts by hash."""

    summaries: Summaries
    found: list[tuple[str, str, Summary]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def at(self, value: Any, pattern: Pattern, steps: Sequence[Step], path: str, depth: int) -> Any:
        """Return a value with what the steps lead to sealed; lists on the way are gone through."""
        if value is None or isinstance(value, bool) or self.is_token(value):
            return value
        if not steps:
            return self.kept(value, pattern, pattern.keep, path, depth)
        if isinstance(value, list) and depth < DEEPEST:
            return [self.at(item, pattern, steps, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
        if isinstance(value, dict):
            changed = dict(value) if isinstance(value, Object) else value
            for key in _matching(changed, steps[0]):
                changed[key] = self.at(changed[key], pattern, steps[1:], _below(path, key), depth)
            return changed
        inside = opened(value)
        if inside is None or depth >= DEEPEST:
            return self.close(value, pattern.kind, path)
        return json_text.dumps(self.at(inside, pattern, steps, path, depth + 1))

    def kept(self, value: Any, pattern: Pattern, keep: Sequence[Sequence[Step]], path: str, depth: int) -> Any:
        """Return a value of which only the scalars at the ends of `keep` are left; an empty one keeps this scalar."""
        deeper = [steps for steps in keep if steps]
        here = len(deeper) < len(keep)
        if value is None or isinstance(value, bool) or self.is_token(value):
            return value
        if isinstance(value, list) and keep and depth < DEEPEST:
            return [self.kept(item, pattern, keep, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
        if isinstance(value, dict) and any(_after(deeper, key) for key in value):
            return {
                key: self.kept(inner, pattern, _after(deeper, key), _below(path, key), depth)
                for key, inner in dict(value).items()
            }
        inside = opened(value) if deeper and depth < DEEPEST else None
        if inside is not None:
            found = self.kept(inside, pattern, keep, path, depth + 1)
            return found if self.is_token(found) else json_text.dumps(found)
        if here and not isinstance(value, dict | list):
            return masked(value, self.summaries.libraries) if type(value) is str else value
        return self.close(value, pattern.kind, path)

    def close(self, value: Any, kind: str, path: str) -> Any:
        """Return the token of a value; nothing is said of an empty text."""
        text = value if type(value) is str else json_text.dumps(value)
        if not text:
            return value
        summary = self.summaries.of(text)
        self.found.append((path[:_LONGEST_PATH], kind, summary))
        self.texts[summary.hmac] = text
        return summary.token()

    def is_token(self, value: Any) -> bool:
        """Whether a value is a token that was put into this record; no record can bring one: the hash is keyed."""
        if not isinstance(value, dict) or value.keys() != {"sealed"}:
            return False
        said = value["sealed"]
        text = self.texts.get(str(said.get("hmac"))) if isinstance(said, dict) else None
        return text is not None and value == self.summaries.of(text).token()


def _has_none(text: str, patterns: Sequence[Pattern]) -> bool:
    """Whether a record surely has no content, told from its text: none of the keys that lead to it is there.

    Only of an object to which a member can be added at its end, whose keys are written as they are.
    """
    end = text.rstrip()
    if len(end) < _LEAST or end[0] != "{" or end[-1] != "}" or "\\u" in end or '"$' in end:
        return False
    if end[-2] in _NO_MEMBER or end[-2].isspace():
        return False
    return not any(not isinstance(one.path[0], str) or f'"{one.path[0]}"' in end for one in patterns)


def told_of(path: str, kind: str, summary: Summary) -> str:
    """What a record says of one sealed text, as a JSON object."""
    return f'{{"path":{json_text.quote(path)},"kind":"{kind}",{summary.told}}}'


def opened(value: Any) -> Any:
    """The object or list that a text is the JSON of, twice over or cut off as it may be; None for any other value."""
    begins = value.lstrip()[:1] if type(value) is str else ""
    if begins not in ("{", "[", '"') or not begins:
        return None
    try:
        inside = json_text.parse(value)
    except ValueError:
        return read_cut_off(value) or None if begins != '"' else None
    if type(inside) is str and begins == '"':
        return opened(inside) if inside.lstrip()[:1] in ("{", "[") else None
    return inside if isinstance(inside, dict | list) else None


@lru_cache(maxsize=64)
def ready(content: tuple[Content, ...]) -> tuple[Pattern, ...]:
    """The patterns of a plan's content."""
    return tuple(Pattern(_steps(one.path), tuple(_steps(kept) for kept in one.keep), one.kind) for one in content)


def _steps(path: Path) -> tuple[Step, ...]:
    return tuple(glob(key) if "*" in key else key for key in path)


def glob(key: str) -> re.Pattern[str]:
    """The expression of a key in which `*` is any text."""
    return re.compile(".*".join(map(re.escape, key.split("*"))), re.DOTALL)


def _matching(value: Mapping[str, Any], step: Step) -> list[str]:
    if isinstance(step, str):
        return [step] if step in value else []
    return [key for key in value if step.fullmatch(key)]


def _after(keep: Iterable[Sequence[Step]], key: str) -> list[Sequence[Step]]:
    return [steps[1:] for steps in keep
            if (steps[0] == key if isinstance(steps[0], str) else steps[0].fullmatch(key))]  # fmt: skip


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _texts(records: Records) -> Iterable[str]:
    """Every record as JSON text, one of columns as the object of those that are set."""
    if records.columns is None:
        texts: list[str] = (records.raw if records.json is None else records.json).to_pylist()
        return texts
    rows = records.columns.to_pylist()
    return [json_text.dumps({name: value for name, value in row.items() if value is not None}) for row in rows]
