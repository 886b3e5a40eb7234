"""Groups of fires → rows of `detection_finding`: OCSF Detection Findings (2004) with their evidence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from ocsf_pipe.detect.attacks import attacks, other_tags
from ocsf_pipe.detect.evidence import Event, evidence, profiles_of, without_nulls
from ocsf_pipe.detect.grouping import Group, digest, entity_of, suppressed
from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.detect.views import OWN
from ocsf_pipe.schema import Schema

TABLE = "detection_finding"
MOST_EVIDENCE, MOST_EVENTS = 20, 1000
INCIDENT = 86_400_000
"""Milliseconds within which findings of one entity are one incident."""
_SEVERITY = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
_RISK = ((80, 4, "Critical"), (60, 3, "High"), (40, 2, "Medium"), (20, 1, "Low"), (0, 0, "Info"))
_CAPTIONS = {0: "Unknown", 1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
_PRODUCT = {"name": "ocsf-pipe", "vendor_name": "ocsf-pipe"}


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident that is open: whom it concerns, its id, and the time of a finding of it."""

    entity: str
    uid: str
    time: int


@dataclass(frozen=True, slots=True)
class Finder:
    """Makes findings. `clock` is the time of the run in epoch ms; `events` are those that fires name, by id."""

    schema: Schema
    events: Mapping[str, Event]
    clock: int

    def rows(self, groups: Iterable[Group], incidents: Iterable[Incident] = ()) -> list[dict[str, Any]]:
        """One row a group, by time; each joins the incident of its entity within a day, or opens one."""
        open_: dict[str, list[Incident]] = {}
        for one in incidents:
            open_.setdefault(one.entity, []).append(one)
        found = []
        for group in sorted(groups, key=lambda one: (one.first.time, one.uid)):
            entity = entity_of(group.first, self.events)
            incident = group.uid
            if entity is not None:
                near = (one for one in open_.get(entity, ()) if abs(group.first.time - one.time) < INCIDENT)
                incident = next((one.uid for one in near), digest("incident", entity, group.uid))
                open_.setdefault(entity, []).insert(0, Incident(entity, incident, group.first.time))
            found.append(self.row(group, entity, incident))
        return found

    def row(self, group: Group, entity: str | None, incident: str) -> dict[str, Any]:
        """One finding as nested values without nulls."""
        rule, first = group.first.rule, group.first
        uids = list(dict.fromkeys(uid for fire in group.fires for uid in fire.events))
        events = [self.events[uid] for uid in uids if uid in self.events]
        profiles = sorted({*profiles_of(events, self.schema), "datetime"})
        times = [event.time for event in events] or [first.time]
        quiet = suppressed(rule.settings.suppress, first.time, events)
        title = rule.title if entity is None else f"{rule.title}: {entity}"
        severity = _SEVERITY.get(rule.level, 0)
        row = {
            **_dated("time", first.time),
            **self._class(),
            "severity_id": severity,
            "severity": _CAPTIONS[severity],
            "status_id": 1 if quiet is None else 3,
            "status": "New" if quiet is None else "Suppressed",
            "status_detail": quiet.reason if quiet is not None else None,
            "message": title,
            "is_alert": True,
            "count": len(group.fires),
            **_dated("start_time", min(times)),
            **_dated("end_time", max(times)),
            **_risk(rule),
            "finding_info": self._info(group, uids, min(times), max(times), events),
            "evidences": [evidence(event, self.schema, profiles) for event in events[:MOST_EVIDENCE]],
            "observables": _observables(events[:MOST_EVIDENCE]),
            "device": _only(events, "device"),
            "remediation": _remediation(rule),
            "metadata": {
                "uid": group.uid,
                "correlation_uid": incident,
                "version": self.schema.version,
                "product": _PRODUCT,
                "profiles": profiles,
                **_dated("processed_time", self.clock),
            },
            "unmapped": self._unmapped(group, entity),
            "source": OWN,
        }
        found: dict[str, Any] = without_nulls(row)
        return found

    def _class(self) -> dict[str, Any]:
        kind = self.schema.event_class(TABLE)
        return {
            "class_uid": kind.uid,
            "class_name": kind.caption,
            "category_uid": kind.category_uid,
            "category_name": kind.category_caption,
            "activity_id": 1,
            "activity_name": "Create",
            "type_uid": kind.uid * 100 + 1,
            "type_name": f"{kind.caption}: Create",
        }

    def _info(
        self, group: Group, uids: Sequence[str], begun: int, ended: int, events: Sequence[Event]
    ) -> dict[str, Any]:
        rule = group.first.rule
        related = [{"uid": uid, "type": self._table(uid)} for uid in uids[:MOST_EVENTS]]
        return {
            "uid": group.uid,
            "uid_alt": group.alike,
            "title": rule.title,
            "desc": rule.description or None,
            "analytic": {
                "uid": rule.id,
                "name": rule.title,
                "type_id": 1,
                "type": "Rule",
                "category": "SQL" if rule.query is not None else "Sigma",
            },
            "attacks": attacks(rule.tags),
            "tags": other_tags(rule.tags),
            "data_sources": sorted({str(event.row.get("source") or event.table) for event in events}),
            **_dated("created_time", self.clock),
            **_dated("first_seen_time", begun),
            **_dated("last_seen_time", ended),
            "related_events": related,
            "related_events_count": len(uids),
        }

    def _table(self, uid: str) -> str | None:
        event = self.events.get(uid)
        return event.table if event is not None else None

    def _unmapped(self, group: Group, entity: str | None) -> str:
        """What OCSF has no place for, as JSON text."""
        rule = group.first.rule
        said = {
            "entity": entity,
            "details": dict(group.first.details),
            "owner": rule.settings.owner,
            "rule": {"path": "/".join(Path(rule.path).parts[-3:]), "status": rule.status},
        }
        return json.dumps(without_nulls({k: v for k, v in said.items() if v != ""}), ensure_ascii=False)


def finding_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Findings as a table, its columns those that any of them has."""
    return pa.Table.from_struct_array(pa.array([dict(row) for row in rows]))


def _dated(name: str, at: int) -> dict[str, Any]:
    return {name: at, f"{name}_dt": datetime.fromtimestamp(at / 1000, UTC)}


def _risk(rule: Rule) -> dict[str, Any]:
    score = rule.settings.risk(rule.level, rule.status)
    level, caption = next((number, name) for least, number, name in _RISK if score >= least)
    return {
        "risk_score": score,
        "risk_level_id": level,
        "risk_level": caption,
        "impact_score": rule.settings.impact,
        "confidence_score": rule.settings.confidence,
    }


def _remediation(rule: Rule) -> dict[str, Any] | None:
    if not rule.settings.runbook:
        return None
    return {"desc": f"Follow {rule.settings.runbook}.", "references": [rule.settings.runbook]}


def _observables(events: Iterable[Event]) -> list[dict[str, Any]]:
    """The observables of the events, each once, with the event that it is from."""
    found: dict[tuple[Any, Any], dict[str, Any]] = {}
    for event in events:
        for one in event.row.get("observables", ()):
            key = (one.get("type_id"), one.get("value"))
            if None not in key:
                found.setdefault(key, {**one, "event_uid": event.uid})
    return list(found.values())


def _only(events: Sequence[Event], name: str) -> Any:
    """The attribute that all events have alike; None where they differ."""
    values = [event.row.get(name) for event in events]
    return values[0] if values and all(value == values[0] for value in values) else None
