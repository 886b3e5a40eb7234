"""`settings.yml` beside a rule: when it is asked, what its findings are worth, whom they concern."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import yaml

from ocsf_pipe.detect.marked import Marked

KEYS = "enabled schedule lookback entity dedup threshold suppress risk owner runbook placeholders needs helps".split()
_MOST = 1_000_000
_IMPACT = {"informational": 10, "low": 30, "medium": 50, "high": 70, "critical": 90}
_CONFIDENCE = {"stable": 80, "test": 60, "experimental": 40}
_MIDDLE = 50


@dataclass(frozen=True, slots=True)
class Quiet:
    """Findings that are kept but told to nobody: those of a time, of events with these values.

    `since` and `until` bound the finding's time in epoch ms, None for no bound.
    """

    reason: str
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What stands beside a rule; times in seconds.

    schedule: how often a scheduled run asks the rule; lookback: how far before the time asked for the views of a SQL
    rule reach; entity: attributes of which the first that an event has is whom a finding concerns; keys, window: fires
    of equal keys within the window of the first are one finding; threshold: fires that a finding needs.
    needs, helps: attributes as `table.path`, any one of each group; without those of `needs` the rule is blind, without
    those of `helps` it sees less.
    """

    enabled: bool = True
    schedule: float = 300.0
    lookback: float = 86400.0
    entity: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    window: float = 0.0
    threshold: int = 1
    suppress: tuple[Quiet, ...] = ()
    impact: int | None = None
    confidence: int | None = None
    owner: str = ""
    runbook: str = ""
    placeholders: tuple[tuple[str, tuple[str, ...]], ...] = ()
    needs: tuple[tuple[str, ...], ...] = ()
    helps: tuple[tuple[str, ...], ...] = ()

    def risk(self, level: str, status: str) -> int:
        """Impact × confidence / 100; what is not said follows from the rule's level and status."""
        impact = _IMPACT.get(level, _MIDDLE) if self.impact is None else self.impact
        confidence = _CONFIDENCE.get(status, _MIDDLE) if self.confidence is None else self.confidence
        return round(impact * confidence / 100)


USUAL = Settings()
"""The settings of a rule that has none."""


def settings_of(text: str, marked: Marked) -> Settings:
    """Read settings; what does not fit is a fault of `marked`, and as if it were not there."""
    root = marked.root(text)
    if root is None:
        return USUAL
    found = marked.known(root, "the settings", KEYS)
    dedup = marked.known(found["dedup"], "`dedup`", ("keys", "window")) if "dedup" in found else {}
    risk = marked.known(found["risk"], "`risk`", ("impact", "confidence")) if "risk" in found else {}
    if dedup and len(dedup) < 2:
        marked.fault(found["dedup"], "`dedup` needs both `keys` and `window`")
    if "threshold" in found and not dedup:
        marked.fault(found["threshold"], "`threshold` counts within a window: add `dedup: {keys: […], window: …}`")
    return Settings(
        enabled=marked.flag(found["enabled"], "`enabled`") if "enabled" in found else True,
        schedule=_span(marked, found, "schedule", USUAL.schedule),
        lookback=_span(marked, found, "lookback", USUAL.lookback),
        entity=marked.texts(found["entity"], "`entity`") if "entity" in found else (),
        keys=marked.texts(dedup["keys"], "`dedup.keys`") if "keys" in dedup else (),
        window=marked.seconds(dedup["window"], "`dedup.window`") if "window" in dedup else 0.0,
        threshold=marked.whole(found["threshold"], "`threshold`", 1, _MOST) if "threshold" in found else 1,
        suppress=tuple(_quiet(marked, item) for item in marked.items(found["suppress"], "`suppress`"))
        if "suppress" in found
        else (),
        impact=marked.whole(risk["impact"], "`risk.impact`", 0, 100) if "impact" in risk else None,
        confidence=marked.whole(risk["confidence"], "`risk.confidence`", 0, 100) if "confidence" in risk else None,
        owner=marked.text(found["owner"], "`owner`") if "owner" in found else "",
        runbook=marked.text(found["runbook"], "`runbook`") if "runbook" in found else "",
        placeholders=_tables(marked, found["placeholders"]) if "placeholders" in found else (),
        needs=_groups(marked, found, "needs"),
        helps=_groups(marked, found, "helps"),
    )


def _span(marked: Marked, found: Mapping[str, yaml.Node], key: str, usual: float) -> float:
    return marked.seconds(found[key], f"`{key}`") if key in found else usual


def _groups(marked: Marked, found: Mapping[str, yaml.Node], key: str) -> tuple[tuple[str, ...], ...]:
    """Items of which each is one attribute, or several of which one is enough."""
    if key not in found:
        return ()
    groups = []
    for item in marked.items(found[key], f"`{key}`"):
        group = marked.texts(item, f"an item of `{key}`")
        if any("." not in path for path in group):
            marked.fault(item, f"an item of `{key}` is a table and an attribute, such as `api_activity.ai_tool.name`")
        else:
            groups.append(group)
    return tuple(groups)


def _quiet(marked: Marked, node: yaml.Node) -> Quiet:
    found = marked.known(node, "an item of `suppress`", ("reason", "where", "since", "until"))
    if "reason" not in found:
        marked.fault(node, "an item of `suppress` needs a `reason`")
    return Quiet(
        reason=marked.text(found["reason"], "`reason`") if "reason" in found else "",
        where=_tables(marked, found["where"]) if "where" in found else (),
        since=_moment(marked, found["since"], "`since`") if "since" in found else None,
        until=_moment(marked, found["until"], "`until`") if "until" in found else None,
    )


def _tables(marked: Marked, node: yaml.Node) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Names with one value or several each."""
    if not isinstance(node, yaml.MappingNode):
        marked.fault(node, "write `name: [value, …]` lines")
        return ()
    return tuple((str(key.value), marked.texts(value, f"`{key.value}`")) for key, value in node.value)


def _moment(marked: Marked, node: yaml.Node, what: str) -> int | None:
    """A time as epoch ms; without a zone it is UTC."""
    text = marked.text(node, what)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        marked.fault(node, f"{what} must be a time such as `2026-03-01` or `2026-03-01T12:00:00Z`")
        return None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
