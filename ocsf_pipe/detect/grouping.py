"""Fires → groups: each becomes one finding. Which fires are alike, whom they concern, which are known already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ocsf_pipe.detect.evidence import Event
from ocsf_pipe.detect.firing import Firing
from ocsf_pipe.detect.settings import Quiet

_USER = tuple(f"{place}.{part}" for place in ("actor.user", "user") for part in ("uid", "email_addr", "name"))
_AGENT = ("ai_agent.uid", "ai_agent.name", "actor.process.ai_agent.uid", "actor.session.uid")
_DEVICE = ("device.uid", "device.hostname", "device.ip")
_PLACE = ("src_endpoint.ip", "src_endpoint.hostname", "resources.uid", "resources.name", "dst_endpoint.ip")
SYSTEM_ACTIVITY = 1


@dataclass(slots=True)
class Group:
    """Fires that are one finding, the first of them first; `alike` is what they have in common, as a digest."""

    alike: str
    fires: list[Firing] = field(default_factory=list)

    @property
    def first(self) -> Firing:
        """The fire that the finding is named by."""
        return self.fires[0]

    @property
    def uid(self) -> str:
        """The finding's id: the same whenever the same rule fires the same."""
        return finding_uid(self.first)


@dataclass(frozen=True, slots=True)
class Known:
    """A finding that the lake has: when its window began, what its fires have in common."""

    alike: str
    time: int


def finding_uid(fire: Firing) -> str:
    """The id of the finding that begins with a fire."""
    return digest(fire.rule.id, fire.key)


def digest(*parts: str) -> str:
    """32 hex digits that stand for some texts."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def entity_of(fire: Firing, events: Mapping[str, Event]) -> str | None:
    """Whom a fire concerns: what the rule says, else the first attribute that one of its events has."""
    if fire.entity is not None:
        return fire.entity
    for uid in fire.events:
        event = events.get(uid)
        if event is not None:
            own = fire.rule.settings.entity
            found = next((value for path in own or _paths(event) if (value := event.value(path))), None)
            if found is not None:
                return found
    return None


def _paths(event: Event) -> tuple[str, ...]:
    """On an endpoint the device, for its users are SYSTEM more often than not; elsewhere the user."""
    if event.row.get("category_uid") == SYSTEM_ACTIVITY:
        return (*_DEVICE, *_AGENT, *_USER, *_PLACE)
    return (*_USER, *_AGENT, *_DEVICE, *_PLACE)


def groups(fires: Iterable[Firing], events: Mapping[str, Event], known: Iterable[Known] = ()) -> Iterator[Group]:
    """The groups of the fires of one rule that become findings, by time; fires of a window that is known join it.

    A rule without `dedup` makes a finding of each fire; fires of one key are one.
    """
    windows: dict[str, list[tuple[int, Group | None]]] = {}
    for one in known:
        windows.setdefault(one.alike, []).append((one.time, None))
    made: dict[str, Group] = {}
    for fire in sorted(fires, key=lambda one: (one.time, one.key)):
        alike = _alike(fire, events)
        span = fire.rule.settings.window * 1000
        place = next((at for at in windows.get(alike, ()) if span and abs(fire.time - at[0]) < span), None)
        if place is not None:
            if place[1] is not None:
                place[1].fires.append(fire)
            continue
        if finding_uid(fire) in made:
            continue
        group = Group(alike, [fire])
        made[group.uid] = group
        windows.setdefault(alike, []).append((fire.time, group))
    yield from (one for one in made.values() if len(one.fires) >= one.first.rule.settings.threshold)


def _alike(fire: Firing, events: Mapping[str, Event]) -> str:
    """What fires of one window have in common: the rule and its dedup keys; the fire itself where it has none."""
    keys = fire.rule.settings.keys
    return digest(fire.rule.id, *(_key(fire, key, events) for key in keys)) if keys else finding_uid(fire)


def _key(fire: Firing, key: str, events: Mapping[str, Event]) -> str:
    if key == "entity":
        return entity_of(fire, events) or ""
    if key == "key":
        return fire.key
    details = dict(fire.details)
    if key in details:
        return details[key]
    values = (event.value(key) for uid in fire.events if (event := events.get(uid)) is not None)
    return next((value for value in values if value is not None), "")


def suppressed(quiets: Sequence[Quiet], time: int, events: Sequence[Event]) -> Quiet | None:
    """The entry of `suppress` that a finding falls under; None for none. All values of one event must fit."""
    for quiet in quiets:
        begun = quiet.since is None or time >= quiet.since
        if not begun or (quiet.until is not None and time >= quiet.until):
            continue
        if not quiet.where or any(all(e.value(path) in values for path, values in quiet.where) for e in events):
            return quiet
    return None
