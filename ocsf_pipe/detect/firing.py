"""One fire of a rule: when, on which events, and what makes it this one."""

from __future__ import annotations

from dataclasses import dataclass

from ocsf_pipe.detect.rules import Rule


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule that fires at a time (epoch ms) on events, by their `metadata.uid`, in order.

    `key` tells this fire from others of the rule; `entity` is whom it concerns where the rule itself says so.
    """

    rule: Rule
    time: int
    events: tuple[str, ...]
    key: str
    entity: str | None = None
    details: tuple[tuple[str, str], ...] = ()
