"""Process events drawn from what rules ask for, so that many rules fire, many nearly do, and many fields are null."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence

from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.detect.tree import Leaf, Pattern, leaves
from tests.detect.events import Event, security, sysmon

FIELDS = (
    "Image CommandLine ParentImage ParentCommandLine OriginalFileName User ParentUser IntegrityLevel Hashes "
    "Description Company Product FileVersion CurrentDirectory LogonId"
).split()
PLAIN = {
    "Image": ["C:\\Windows\\System32\\svchost.exe", "C:\\Windows\\System32\\cmd.exe", "Registry"],
    "CommandLine": ["svchost.exe -k netsvcs", "cmd /c dir", "C:\\Tools\\ÄPFEL.exe -\u212a \u0130"],
    "ParentImage": ["C:\\Windows\\explorer.exe", "C:\\Windows\\System32\\cmd.exe", "-"],
    "User": ["NT AUTHORITY\\SYSTEM", "CORP\\ann", "ann"],
    "IntegrityLevel": ["System", "High", "Medium", "S-1-16-12288"],
    "Hashes": ["MD5=00112233445566778899AABBCCDDEEFF,IMPHASH=00000000000000000000000000000000"],
}


def drawn(rules: Sequence[Rule], count: int, seed: int) -> list[Event]:
    """Events of Sysmon, and of the Security log one of ten."""
    chance = random.Random(seed)
    words = [_words(rule) for rule in rules if rule.tree is not None]
    return [_event(chance, i, chance.choice(words)) for i in range(count)]


def _words(rule: Rule) -> dict[str, list[Pattern]]:
    found: dict[str, list[Pattern]] = {}
    for leaf in leaves(rule.tree) if rule.tree is not None else ():
        match leaf:
            case Leaf(field=str() as field, test=Pattern() as test):
                found.setdefault(field, []).append(test)
    return found


def _event(chance: random.Random, number: int, words: Mapping[str, Sequence[Pattern]]) -> Event:
    data: dict[str, str] = {}
    for field in FIELDS:
        if chance.random() < 0.2:
            continue
        said = words.get(field, ())
        texts = [_text(chance, one.parts) for one in chance.sample(said, chance.randint(0, len(said)))]
        plain = PLAIN.get(field, ["-", "x"])
        text = (" " if "Command" in field else "").join(texts) if texts else chance.choice(plain)
        if field in {"Image", "ParentImage"} and texts:
            text = ("" if text.lower().startswith("c:") else "C:\\x") + texts[0]
        data[field] = chance.choice([text.upper(), text.lower(), text, text])
    if chance.random() < 0.1:
        renamed = {"Image": "NewProcessName", "ParentImage": "ParentProcessName"}
        return security(4688, record=number, **{renamed.get(k, k): v for k, v in data.items()}, NewProcessId="0x1a")
    return sysmon(1, record=number, **{"ProcessId": "42", "ParentProcessId": "7", **data})


def _text(chance: random.Random, parts: Iterable[object]) -> str:
    return "".join(one if isinstance(one, str) else chance.choice(["", "x", " y "]) for one in parts)
