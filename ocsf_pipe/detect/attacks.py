"""Tags of a rule → `finding_info.attacks` (ATT&CK and ATLAS), and what other tags say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

TACTICS = {
    "reconnaissance": ("TA0043", "Reconnaissance"),
    "resource-development": ("TA0042", "Resource Development"),
    "initial-access": ("TA0001", "Initial Access"),
    "execution": ("TA0002", "Execution"),
    "persistence": ("TA0003", "Persistence"),
    "privilege-escalation": ("TA0004", "Privilege Escalation"),
    "defense-evasion": ("TA0005", "Defense Evasion"),
    "credential-access": ("TA0006", "Credential Access"),
    "discovery": ("TA0007", "Discovery"),
    "lateral-movement": ("TA0008", "Lateral Movement"),
    "collection": ("TA0009", "Collection"),
    "command-and-control": ("TA0011", "Command and Control"),
    "exfiltration": ("TA0010", "Exfiltration"),
    "impact": ("TA0040", "Impact"),
}
"""The tactics of ATT&CK for enterprises, by the name that Sigma's tags have."""
_TECHNIQUE = re.compile(r"attack\.(t\d{4})(\.\d{3})?|(?:atlas\.)?(aml\.t\d{4})(\.\d{3})?")


def attacks(tags: Iterable[str]) -> list[dict[str, Any]]:
    """The `attack` objects of a rule's tags, each once, in order; tags of other kinds give none."""
    found = [attack for tag in tags for attack in _attack(tag.lower())]
    return [one for i, one in enumerate(found) if one not in found[:i]]


def _attack(tag: str) -> Iterator[dict[str, Any]]:
    technique = _TECHNIQUE.fullmatch(tag)
    if technique is not None:
        uid, part = (technique[1] or technique[3]).upper(), technique[2] or technique[4]
        yield {"technique": {"uid": uid}} | ({"sub_technique": {"uid": uid + part}} if part else {})
        return
    space, _, name = tag.partition(".")
    tactic = TACTICS.get(name.replace("_", "-"))
    if space == "attack" and tactic is not None:
        yield {"tactic": {"uid": tactic[0], "name": tactic[1]}}


def other_tags(tags: Iterable[str]) -> list[dict[str, Any]]:
    """Every other tag as `finding_info.tags`: its namespace as the name, what it says there as the values."""
    found: dict[str, list[str]] = {}
    for tag in tags:
        space, _, name = tag.partition(".")
        if not attacks([tag]):
            found.setdefault(space, []).append(name or space)
    return [{"name": name, "values": values} for name, values in found.items()]
