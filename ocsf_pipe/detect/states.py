"""Whether a rule can fire: live, degraded or blind, with the reasons by field and by logsource."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import duckdb

from ocsf_pipe.detect.asking import Asker
from ocsf_pipe.detect.convert import Converter
from ocsf_pipe.detect.fieldmap import Segment
from ocsf_pipe.detect.matching import flagged
from ocsf_pipe.detect.readings import Inside, Named, Reading
from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.detect.tree import FALSE, Leaf, Regex, Tree, leaves, simplified
from ocsf_pipe.detect.views import OWN

State: TypeAlias = Literal["live", "degraded", "blind"]
ORDER: tuple[State, ...] = ("live", "degraded", "blind")


@dataclass(frozen=True, slots=True)
class Judged:
    """The state of a rule and why it is not better; `mappings` are those whose events it reads."""

    state: State
    reasons: tuple[str, ...] = ()
    mappings: tuple[str, ...] = ()


def judge(rule: Rule, converter: Converter, sources: Collection[tuple[str, str]] | None = None) -> Judged:
    """The state of a rule that is no correlation.

    `sources` are the pairs of table and mapping that a lake holds; None for any lake. A rule is as good as the best of
    the events that serve its logsource.
    """
    if rule.fault is None and rule.query is not None:
        return _of_query(rule, sources)
    if rule.fault is not None or rule.tree is None:
        return Judged("blind", (rule.fault or "nothing to look for",))
    refused = [problem for leaf in leaves(rule.tree) if (problem := _refused(leaf))]
    if refused:
        return Judged("blind", tuple(dict.fromkeys(refused)))
    segments = converter.fields.segments(rule.logsource)
    where = ", ".join(f"{key} {value}" for key, value in rule.logsource) or "no logsource"
    if not segments:
        return Judged("blind", (f"no mapping serves {where}",))
    if sources is not None:
        segments = tuple(one for one in segments if (one.table, one.mapping) in sources)
        if not segments:
            return Judged("blind", (f"the lake holds no events of {where}",))
    return _best([_of_segment(rule.tree, one, converter) for one in segments])


def _of_query(rule: Rule, sources: Collection[tuple[str, str]] | None) -> Judged:
    """A rule in SQL is live where every view that it reads has events, degraded where only some have."""
    problem = Asker(duckdb.connect()).problem(rule)
    if problem is not None:
        return Judged("blind", (problem,))
    reads = rule.query.reads if rule.query is not None else ()
    found = {table: name for table, name in sources or () if name != OWN}
    absent = [name for name in reads if sources is not None and name not in found]
    reasons = tuple(f"the lake holds no events in {name}" for name in absent)
    state: State = "live" if not absent else "blind" if len(absent) == len(reads) else "degraded"
    mappings = tuple(sorted({name for table, name in sources or () if table in reads and name != OWN}))
    return Judged(state, reasons, mappings)


def _best(found: list[Judged]) -> Judged:
    best = min((one.state for one in found), key=ORDER.index)
    chosen = [one for one in found if one.state == best]
    reasons = tuple(dict.fromkeys(reason for one in chosen for reason in one.reasons)) if best != "live" else ()
    return Judged(best, reasons, tuple(dict.fromkeys(name for one in chosen for name in one.mappings)))


def _of_segment(tree: Tree, segment: Segment, converter: Converter) -> Judged:
    reduced = converter.reduced(segment, tree)
    if reduced == FALSE:
        return Judged("blind", (f"no event of {segment.mapping} can satisfy it",), (segment.mapping,))
    reasons = list(dict.fromkeys(_reasons(reduced, segment, converter)))
    unseen = simplified(reduced, lambda leaf: False if _is_unseen(leaf, segment, converter) else None)
    state: State = "blind" if unseen == FALSE else "degraded" if reasons else "live"
    return Judged(state, tuple(reasons), (segment.mapping,))


def _is_unseen(leaf: Leaf, segment: Segment, converter: Converter) -> bool:
    return leaf.field is not None and converter.fields.reading(segment, leaf.field).state == "blind"


def _reasons(tree: Tree, segment: Segment, converter: Converter) -> Iterator[str]:
    for leaf in leaves(tree):
        if leaf.field is None:
            yield "keywords are looked for in raw_data"
            continue
        reading = converter.fields.reading(segment, leaf.field)
        if reading.state != "live":
            yield f"{leaf.field}: {where_text(reading)}"


def where_text(reading: Reading) -> str:
    """Where a reading that is no attribute is read, in words."""
    match reading.places:
        case ():
            return reading.why
        case (Inside(document="unmapped", path=path), *_):
            return f"read from unmapped, as {'.'.join(path)}"
        case (Inside() | Named(), *_):
            return "read from raw_data"
        case _:
            return "read from an attribute"


def _refused(leaf: Leaf) -> str | None:
    if not isinstance(leaf.test, Regex):
        return None
    return _regex_problem(flagged(leaf.test.text, leaf.test.flags))


@lru_cache(maxsize=4096)
def _regex_problem(pattern: str) -> str | None:
    """What RE2 says against a regular expression; None for nothing."""
    try:
        duckdb.execute("select regexp_matches('', ?)", [pattern])
    except duckdb.Error as error:
        return f"`{pattern}` is no regular expression that RE2 reads: {str(error).splitlines()[0]}"
    return None
