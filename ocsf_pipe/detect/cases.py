"""`tests.yml` beside a rule: raw records, the mappings that they go through, and how many findings they must give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import yaml

from ocsf_pipe.detect.marked import Marked
from ocsf_pipe.detect.repeats import REPEATS, RepeatError, repeated

Record: TypeAlias = str | dict[str, Any]
"""A raw record: its text, or a JSON object."""
Sign: TypeAlias = Literal["exactly", "at_least", "at_most"]
SIGNS: tuple[Sign, ...] = ("exactly", "at_least", "at_most")
KEYS = ("name", "mapping", "records", "events", "expect", "why")
_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Feed:
    """Records that go through one mapping."""

    mapping: str
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One test: what comes in, and how many findings must come out; `place` is `file:line`."""

    name: str
    feeds: tuple[Feed, ...]
    sign: Sign
    count: int
    place: str
    why: str = ""

    def holds(self, found: int) -> bool:
        """Whether so many findings are what is expected."""
        return {"exactly": found == self.count, "at_least": found >= self.count, "at_most": found <= self.count}[
            self.sign
        ]

    @property
    def expected(self) -> str:
        """What is expected, in words: `at least 1`."""
        return f"{self.sign.replace('_', ' ')} {self.count}"


def cases_of(text: str, marked: Marked) -> tuple[Case, ...]:
    """Read the cases of one file; what does not fit is a fault of `marked`."""
    root = marked.root(text)
    if root is None:
        return ()
    cases = tuple(case for node in marked.items(root, "the tests") for case in _case(marked, node))
    names = [case.name for case in cases]
    for case, node in zip(cases, root.value, strict=False):
        if names.count(case.name) > 1:
            marked.fault(node, f"two cases are named `{case.name}`")
    return cases


def _case(marked: Marked, node: yaml.Node) -> Iterator[Case]:
    found = marked.known(node, "a case", KEYS)
    missing = [key for key in ("name", "expect") if key not in found]
    if not found or missing:
        for key in missing:
            marked.fault(node, f"a case needs `{key}`")
        return
    sign, count = _expected(marked, found["expect"])
    yield Case(
        name=marked.text(found["name"], "`name`"),
        feeds=tuple(_feeds(marked, node, found)),
        sign=sign,
        count=count,
        place=f"{marked.file}:{node.start_mark.line + 1 + marked.offset}",
        why=marked.text(found["why"], "`why`") if "why" in found else "",
    )


def _expected(marked: Marked, node: yaml.Node) -> tuple[Sign, int]:
    """`exactly: 1`, `at_least: 1`, `at_most: 1`; a bare number is exactly that many."""
    if isinstance(node, yaml.ScalarNode):
        return "exactly", marked.whole(node, "`expect`", 0, _MOST)
    found = marked.known(node, "`expect`", SIGNS)
    if len(found) != 1:
        marked.fault(node, "`expect` takes one of `exactly: N`, `at_least: N`, `at_most: N`")
        return "exactly", 0
    [(sign, value)] = found.items()
    return next(one for one in SIGNS if one == sign), marked.whole(value, f"`{sign}`", 0, _MOST)


def _feeds(marked: Marked, node: yaml.Node, found: Mapping[str, yaml.Node]) -> Iterator[Feed]:
    """The records of a case: those of one mapping, or under `events` those of several."""
    if "events" in found:
        if "mapping" in found or "records" in found:
            marked.fault(node, "a case has `mapping` and `records`, or `events`, which is a list of both")
        for item in marked.items(found["events"], "`events`"):
            yield from _feed(marked, item, marked.known(item, "an item of `events`", ("mapping", "records")))
    else:
        yield from _feed(marked, node, found)


def _feed(marked: Marked, node: yaml.Node, found: Mapping[str, yaml.Node]) -> Iterator[Feed]:
    missing = [key for key in ("mapping", "records") if key not in found]
    for key in missing:
        marked.fault(node, f"`{key}` is missing: a case names the mapping that its raw records go through")
    if not missing:
        yield Feed(marked.text(found["mapping"], "`mapping`"), tuple(_records(marked, found["records"])))


def _records(marked: Marked, node: yaml.Node) -> Iterator[Record]:
    """Each item is a record; a text in place of a list is one record a line."""
    if isinstance(node, yaml.ScalarNode):
        yield from (line for line in str(node.value).splitlines() if line.strip())
        return
    for item in marked.items(node, "`records`"):
        value = marked.plain(item)
        if isinstance(value, dict) and {"repeat", "record"} <= value.keys() <= REPEATS:
            try:
                yield from repeated(value)
            except RepeatError as error:
                marked.fault(item, str(error))
        elif isinstance(value, str | dict):
            yield value
        else:
            marked.fault(item, "a record is a text, or an object for JSON")
